//! Delivery as an artefact, for downloads.

use std::io::{self, Write};

use super::super::Result;
use super::{Delivered, Delivery};
use crate::server::artifact::ArtifactWriter;

pub struct ArtifactDelivery(pub Box<dyn ArtifactWriter>);

impl Delivery for ArtifactDelivery {
    fn finish(self: Box<Self>) -> Result<Delivered> {
        Ok(Delivered::Artifact(self.0.publish()?))
    }
}

impl Write for ArtifactDelivery {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
