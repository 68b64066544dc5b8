//! Which names and passwords an account of Waybill's own may have.

use secrecy::{ExposeSecret, SecretString};
use zxcvbn::{Score, zxcvbn};

use super::Error;
use crate::model::form_problem::FormProblem;

/// In characters, where a password may be all that there is (NIST SP 800-63B-4, section 3.1.1.2).
const SHORTEST_PASSWORD: usize = 15;
/// What is longer is no password, and costs more to look at than a sign-in may.
const LONGEST_PASSWORD: usize = 1024;
const LONGEST_NAME: usize = 100;

/// # Errors
/// `Unusable`, with what is wrong.
pub fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::Unusable(FormProblem::Name));
    }
    Ok(())
}

/// No rules about kinds of characters: they make passwords that people write down. What counts is how many guesses
/// it takes whoever knows common passwords, words, keyboards, the account's name and what it is for.
///
/// # Errors
/// `Unusable`, with what is wrong.
pub fn check_password(name: &str, password: &SecretString) -> Result<(), Error> {
    let password = password.expose_secret();
    let length = password.chars().count();
    if length < SHORTEST_PASSWORD {
        return Err(Error::Unusable(FormProblem::Short));
    }
    if length > LONGEST_PASSWORD {
        return Err(Error::Unusable(FormProblem::Long));
    }
    if zxcvbn(password, &[name, "waybill", "admin", "export"]).score() < Score::Three {
        return Err(Error::Unusable(FormProblem::Guessable));
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
            assert!(matches!(check(bad), Err(Error::Unusable(_))), "{bad}");
        }
        for good in
            ["correct horse battery staple", "a long enough password", "7hK2-pq9Z-mmW4-xx1B", "Zwölf Boxkämpfer jagen"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        assert!(check(&"x1 y".repeat(300)).is_err());
    }
}
