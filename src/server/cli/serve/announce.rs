//! What the server says at its start, on standard output.

use std::io::{self, Write};

use secrecy::ExposeSecret;

use super::super::exit::CliError;
use crate::model::{route, text};
use crate::server::app::App;
use crate::server::profile::Origin;

/// Says which accounts are new here, and how to create the first one.
pub async fn announce_accounts(app: &App, base_url: &str) -> Result<(), CliError> {
    let adopted = app.adopt_accounts().await?;
    if adopted > 0 {
        let accounts = text::count_with_noun(adopted, "account");
        announce(&format!("{accounts} that belonged to no database yet can sign in here from now on, and only here."));
    }
    let Some(code) = app.identity.issue_setup_code().await? else { return Ok(()) };
    announce("There is no account yet. Create the first one here with this code (works once, for one hour):");
    announce(&format!("{base_url}{}  {}", route::SETUP, code.expose_secret()));
    if app.profile.origin == Origin::BuiltIn {
        let name = &app.profile.name;
        announce(&format!("(To let the accounts of {name} sign in, start with --profile {name}.)"));
    }
    Ok(())
}

/// Prints to standard output and ignores errors: a closed pipe is no reason to stop serving.
pub fn announce(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
