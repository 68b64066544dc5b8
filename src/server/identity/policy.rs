//! Name and password policy for local accounts.

use secrecy::{ExposeSecret, SecretString};
use zxcvbn::{Score, zxcvbn};

use super::error::Error;
use crate::model::form_error::FormError;

/// In characters: the minimum for a password that may be the only factor (NIST SP 800-63B-4, section 3.1.1.2).
const MIN_PASSWORD_CHARS: usize = 15;
/// In characters. Anything longer is not a password, and estimating its strength costs too much.
const MAX_PASSWORD_CHARS: usize = 1024;
const MAX_NAME_CHARS: usize = 100;

/// # Errors
/// `Invalid`, with the problem.
pub fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::Invalid(FormError::InvalidName));
    }
    Ok(())
}

/// Checks length and strength. There are no rules about kinds of characters, because they lead to passwords that people
/// write down. Strength is the number of guesses for an attacker who knows common passwords, words, keyboard patterns,
/// the account's name and its purpose.
///
/// # Errors
/// `Invalid`, with the problem.
pub fn check_password(name: &str, password: &SecretString) -> Result<(), Error> {
    let password = password.expose_secret();
    let length = password.chars().count();
    if length < MIN_PASSWORD_CHARS {
        return Err(Error::Invalid(FormError::PasswordTooShort));
    }
    if length > MAX_PASSWORD_CHARS {
        return Err(Error::Invalid(FormError::PasswordTooLong));
    }
    if zxcvbn(password, &[name, "waybill", "admin", "export"]).score() < Score::Three {
        return Err(Error::Invalid(FormError::PasswordGuessable));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_common_and_repeated_passwords_are_refused() {
        let check = |password: &str| check_password("ada.lovelace", &password.into());
        for bad in [
            "short",
            "aaaaaaaaaaaaaaaa",
            "passwordpassword",
            "123456789012345678",
            "qwertyuiopasdfgh",
            "ada.lovelace1234",
        ] {
            assert!(matches!(check(bad), Err(Error::Invalid(_))), "{bad}");
        }
        for good in
            ["correct horse battery staple", "a long enough password", "7hK2-pq9Z-mmW4-xx1B", "Zwölf Boxkämpfer jagen"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        assert!(check(&"x1 y".repeat(300)).is_err());
    }
}
