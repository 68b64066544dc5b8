//! The message that a signature covers. Signing and checking are left to code that has keys.

use serde::{Deserialize, Serialize};

use crate::model::manifest::Signature;

/// Prefix of the signed message (domain separation): a signature of another kind of file is not valid here.
const SIGNATURE_DOMAIN: &[u8] = b"waybill document seal 2\n";

/// Signs seals.
pub trait SealSigner {
    fn sign(&self, message: &[u8]) -> Signature;
}

/// A signature found in a file, and the message that it should be of; not checked yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UncheckedSignature {
    pub signature: Signature,
    pub message: Vec<u8>,
}

impl UncheckedSignature {
    pub(super) fn new(signature: Signature, seal: &[u8]) -> Self {
        Self { signature, message: signed_message(seal) }
    }
}

/// Returns the signed message of a seal: the prefix and the seal's line up to the signature.
pub(super) fn signed_message(seal: &[u8]) -> Vec<u8> {
    [SIGNATURE_DOMAIN, seal].concat()
}
