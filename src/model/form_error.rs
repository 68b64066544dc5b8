//! Form errors: the redirect's URL carries a key, and the page shows the message for it.

/// What is wrong with a submitted form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    WrongCredentials,
    WrongPassword,
    TooManyAttempts,
    TooManyCodes,
    Overloaded,
    Unavailable,
    UnreadableForm,
    WrongCode,
    CodeTooLate,
    WrongSetupCode,
    InvalidName,
    PasswordTooShort,
    PasswordTooLong,
    PasswordGuessable,
    PasswordUnchanged,
    PasswordsDiffer,
    NotApplicable,
}

use FormError as P;

const ALL: [(P, &str, &str); 17] = [
    (P::WrongCredentials, "wrong", "Name or password is wrong."),
    (P::WrongPassword, "password", "This is not your password."),
    (P::TooManyAttempts, "often", "Too many attempts. Wait half a minute and try again."),
    (
        P::TooManyCodes,
        "often-code",
        "Too many codes. Wait five minutes and try again; a recovery code is taken at once.",
    ),
    (P::Overloaded, "crowded", "Many people are signing in at this moment. Try again in some seconds."),
    (
        P::Unavailable,
        "unavailable",
        "The accounts cannot be read now: the database does not answer. Try again in a moment.",
    ),
    (P::UnreadableForm, "form", "The form could not be read. Fill it in again."),
    (
        P::WrongCode,
        "code",
        "This code is wrong or was used before. For a code of the app, wait for the next one, and check the clock of the phone.",
    ),
    (P::CodeTooLate, "late", "The password was given too long ago. Sign in again."),
    (
        P::WrongSetupCode,
        "setup",
        "This code is wrong, has been used, or is older than an hour. Start the server again for a new one, or run \
         waybill user add --admin NAME.",
    ),
    (P::InvalidName, "name", "A name has 1 to 100 characters, none of them a control character."),
    (P::PasswordTooShort, "short", "A password has at least 15 characters."),
    (P::PasswordTooLong, "long", "A password has at most 1,024 characters."),
    (
        P::PasswordGuessable,
        "guessable",
        "This password is easy to guess: it is a common one, repeats itself, or holds your name. Several words that have nothing to do \
         with each other are hard to guess.",
    ),
    (P::PasswordUnchanged, "same", "This is the password that you have now. Choose another one."),
    (P::PasswordsDiffer, "differs", "The two passwords are not the same. Type the new one twice."),
    (
        P::NotApplicable,
        "not-now",
        "That has been done already, or cannot be done now. This is how things stand; recovery codes that were not kept \
         can be replaced here.",
    ),
];

impl FormError {
    /// The key in the URL.
    #[must_use]
    pub fn key(self) -> &'static str {
        ALL.iter().find(|(problem, ..)| *problem == self).map_or("", |(_, key, _)| key)
    }

    /// The message for the user.
    #[must_use]
    pub fn message(self) -> &'static str {
        ALL.iter().find(|(problem, ..)| *problem == self).map_or("", |(.., words)| words)
    }

    /// The message for a key; `None` if there is no such key.
    #[must_use]
    pub fn message_for_key(key: &str) -> Option<&'static str> {
        ALL.iter().find(|(_, known, _)| *known == key).map(|(.., words)| *words)
    }
}

impl std::fmt::Display for FormError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_a_key_of_its_own_and_words() {
        for (at, (problem, key, words)) in ALL.iter().enumerate() {
            assert_eq!((problem.key(), FormError::message_for_key(key)), (*key, Some(*words)));
            assert!(ALL[at + 1..].iter().all(|(other, other_key, _)| other != problem && other_key != key));
        }
        assert_eq!(FormError::message_for_key("<script>"), None);
    }
}
