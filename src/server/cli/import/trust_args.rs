//! Options that say whose signature a file needs.

use std::path::PathBuf;

use clap::Args;

use crate::server::cli::args::{SigningArgs, StateArgs};
use crate::server::cli::exit::CliError;
use crate::server::signing::PublicKeys;

#[derive(Debug, Args)]
pub struct TrustArgs {
    /// File with the public keys to trust, in PEM, as `waybill key export` prints them [default: this installation's own keys].
    #[arg(long, value_name = "PEM-FILE")]
    trust_key: Option<PathBuf>,
    /// Take a file that no trusted key has signed: anyone could have made it.
    #[arg(long)]
    pub accept_unsigned: bool,
}

impl TrustArgs {
    /// The keys to trust.
    pub fn keys(&self, signing: &SigningArgs, state: &StateArgs) -> Result<PublicKeys, CliError> {
        match &self.trust_key {
            Some(path) => Ok(PublicKeys::from_file(path)?),
            None => Ok(PublicKeys::of_installation(&signing.key_path(&state.file)?)?),
        }
    }
}
