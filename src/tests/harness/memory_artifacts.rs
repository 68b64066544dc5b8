//! Finished files in memory, as in a store that is no folder.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use waybill::model::artifact_name::ArtifactName;
use waybill::server::artifact::{ArtifactStore, ArtifactStream, ArtifactWriter, Error, Result};

#[derive(Clone, Debug, Default)]
pub struct MemoryArtifacts(pub Arc<Mutex<BTreeMap<ArtifactName, Bytes>>>);

struct MemoryWriter {
    store: MemoryArtifacts,
    name: ArtifactName,
    bytes: Vec<u8>,
}

#[async_trait]
impl ArtifactStore for MemoryArtifacts {
    fn create(&self, name: ArtifactName) -> Result<Box<dyn ArtifactWriter>> {
        Ok(Box::new(MemoryWriter { store: self.clone(), name, bytes: Vec::new() }))
    }

    /// In pieces of seven bytes, as a slow network would bring them.
    async fn open(&self, name: &ArtifactName, first: u64, last: u64) -> Result<ArtifactStream> {
        let found = self.0.lock().unwrap().get(name).cloned();
        let file = found.ok_or_else(|| Error::NotFound(io::ErrorKind::NotFound.into()))?;
        let range = file.slice(usize::try_from(first).unwrap()..=usize::try_from(last).unwrap());
        let pieces: Vec<_> = range.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(futures::stream::iter(pieces).boxed())
    }

    async fn remove(&self, name: &ArtifactName) -> Result<()> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }

    async fn remove_all_except(&self, keep: &[ArtifactName]) -> Result<()> {
        self.0.lock().unwrap().retain(|name, _| keep.contains(name));
        Ok(())
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

impl Write for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ArtifactWriter for MemoryWriter {
    fn publish(self: Box<Self>) -> Result<ArtifactName> {
        self.store.0.lock().unwrap().insert(self.name.clone(), self.bytes.into());
        Ok(self.name)
    }
}
