//! What a signature is over. Making and checking it is the business of whoever has keys.

use serde::{Deserialize, Serialize};

use crate::model::manifest::Signature;

/// Stands before what is signed, so that the signature of one kind of file is none of another kind.
const DOCUMENT: &[u8] = b"waybill document seal 2\n";

/// Signs seals.
pub trait Sign {
    fn sign(&self, message: &[u8]) -> Signature;
}

/// A signature that was found in a file, and the message that it should be of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    pub signature: Signature,
    pub message: Vec<u8>,
}

impl Signed {
    pub(super) fn new(signature: Signature, seal: &[u8]) -> Self {
        Self { signature, message: message(seal) }
    }
}

/// What is signed of a seal: its line up to the signature.
pub(super) fn message(seal: &[u8]) -> Vec<u8> {
    [DOCUMENT, seal].concat()
}
