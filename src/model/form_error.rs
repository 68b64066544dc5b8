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
    /// The application asks for a second factor that Waybill cannot check.
    ApplicationSecondFactor,
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

const ALL: [(P, &str, &str); 18] = [
    (P::WrongCredentials, "wrong", "Name or password is wrong."),
    (P::WrongPassword, "password", "This is not your password."),
    (P::TooManyAttempts, "often", "Too many attempts. Wait half a minute and try again."),
    (P::TooManyCodes, "often-code", "Too many codes. Wait five minutes and try again, or use a recovery code now."),
    (P::Overloaded, "crowded", "Many people are signing in right now. Try again in a few seconds."),
    (
        P::Unavailable,
        "unavailable",
        "The accounts cannot be read right now: the database does not answer. Try again in a moment.",
    ),
    (P::UnreadableForm, "form", "The form could not be read. Fill it in again."),
    (
        P::WrongCode,
        "code",
        "This code is wrong or was used before. If it is from the app, wait for the next one, and check the clock of your phone.",
    ),
    (
        P::ApplicationSecondFactor,
        "application-second-factor",
        "The password is right, but your account has a second factor in the application, which cannot be checked here. To \
         sign in here, turn it off there, sign in and set up a second factor on your account page, then turn it on again.",
    ),
    (P::CodeTooLate, "late", "You entered the password too long ago. Sign in again."),
    (
        P::WrongSetupCode,
        "setup",
        "This code is wrong, has been used, or is older than an hour. Start the server again for a new one, or run \
         waybill user add --admin NAME.",
    ),
    (P::InvalidName, "name", "The name must have 1 to 100 characters, none of them a control character."),
    (P::PasswordTooShort, "short", "The password must have at least 15 characters."),
    (P::PasswordTooLong, "long", "The password must have at most 1,024 characters."),
    (
        P::PasswordGuessable,
        "guessable",
        "This password is easy to guess: it is a common one, repeats itself, or contains your name. Several unrelated words \
         are hard to guess.",
    ),
    (P::PasswordUnchanged, "same", "This is your current password. Choose another one."),
    (P::PasswordsDiffer, "differs", "The two passwords are not the same. Type the new one twice."),
    (
        P::NotApplicable,
        "not-now",
        "This was done already, or cannot be done now. The page shows the current state; if you did not save your \
         recovery codes, you can replace them here.",
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
