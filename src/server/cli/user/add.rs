//! `waybill user add`: adds an account with a given or a generated password.

use std::io::{BufRead, IsTerminal};

use secrecy::SecretString;

use super::super::exit::{CliError, Exit};
use super::super::terminal::{eprint_line, escape_control_chars, print_line};
use crate::server::identity::local_accounts::Operator;
use crate::server::support::random::{SystemRandom, new_typeable_code};

/// Length of a generated password: 120 bits.
const GENERATED_PASSWORD_LENGTH: usize = 24;

pub async fn run(operator: &Operator, name: &str) -> Result<Exit, CliError> {
    let (password, generated) = if let Some(given) = read_password_from_stdin()? {
        (given, None)
    } else {
        let generated = new_typeable_code(&SystemRandom, GENERATED_PASSWORD_LENGTH);
        (generated.clone().into(), Some(generated))
    };
    let account = operator.upsert(&SystemRandom, name, password).await?;
    let name = escape_control_chars(&account.name).into_owned();
    if !operator.has_source() {
        eprint_line("note: no database has been served yet; the account will belong to the first one that is");
    }
    if account.disabled_at.is_some() {
        eprint_line(&format!("note: the account is disabled; enable it with `waybill user enable {name}`"));
    }
    match generated {
        Some(password) => {
            print_line(&format!("{name} may sign in with the password {password}\nIt is not shown again."))
        }
        None => print_line(&format!("{name} may sign in")),
    }
}

/// Reads the first line of standard input, unless that is a terminal. A blank line is a password (and too short).
fn read_password_from_stdin() -> Result<Option<SecretString>, CliError> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Ok(None);
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    read.map_err(|error| CliError::new(Exit::Failure, format!("the password cannot be read: {error}")))?;
    Ok((!line.is_empty()).then(|| line.trim_end_matches(['\r', '\n']).to_owned().into()))
}
