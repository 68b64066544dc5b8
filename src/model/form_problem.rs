//! Form errors: the redirect's URL carries a key, and the page shows the message for it.

/// What is wrong with a submitted form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormProblem {
    Credentials,
    Password,
    Often,
    OftenCode,
    Crowded,
    Unavailable,
    Unreadable,
    Code,
    CodeTooLate,
    Setup,
    Name,
    Short,
    Long,
    Guessable,
    Same,
    Differs,
    NotNow,
}

use FormProblem as P;

const ALL: [(P, &str, &str); 17] = [
    (P::Credentials, "wrong", "Name or password is wrong."),
    (P::Password, "password", "This is not your password."),
    (P::Often, "often", "Too many attempts. Wait half a minute and try again."),
    (P::OftenCode, "often-code", "Too many codes. Wait five minutes and try again; a recovery code is taken at once."),
    (P::Crowded, "crowded", "Many people are signing in at this moment. Try again in some seconds."),
    (
        P::Unavailable,
        "unavailable",
        "The accounts cannot be read now: the database does not answer. Try again in a moment.",
    ),
    (P::Unreadable, "form", "The form could not be read. Fill it in again."),
    (
        P::Code,
        "code",
        "This code is wrong or was used before. For a code of the app, wait for the next one, and check the clock of the phone.",
    ),
    (P::CodeTooLate, "late", "The password was given too long ago. Sign in again."),
    (
        P::Setup,
        "setup",
        "This code is wrong, has been used, or is older than an hour. Start the server again for a new one, or run \
         waybill user add --admin NAME.",
    ),
    (P::Name, "name", "A name has 1 to 100 characters, none of them a control character."),
    (P::Short, "short", "A password has at least 15 characters."),
    (P::Long, "long", "A password has at most 1,024 characters."),
    (
        P::Guessable,
        "guessable",
        "This password is easy to guess: it is a common one, repeats itself, or holds your name. Several words that have nothing to do \
         with each other are hard to guess.",
    ),
    (P::Same, "same", "This is the password that you have now. Choose another one."),
    (P::Differs, "differs", "The two passwords are not the same. Type the new one twice."),
    (
        P::NotNow,
        "not-now",
        "That has been done already, or cannot be done now. This is how things stand; recovery codes that were not kept \
         can be replaced here.",
    ),
];

impl FormProblem {
    /// The key in the URL.
    #[must_use]
    pub fn key(self) -> &'static str {
        ALL.iter().find(|(problem, ..)| *problem == self).map_or("", |(_, key, _)| key)
    }

    /// The message for the user.
    #[must_use]
    pub fn words(self) -> &'static str {
        ALL.iter().find(|(problem, ..)| *problem == self).map_or("", |(.., words)| words)
    }

    /// The message for a key; `None` if there is no such key.
    #[must_use]
    pub fn words_of(key: &str) -> Option<&'static str> {
        ALL.iter().find(|(_, known, _)| *known == key).map(|(.., words)| *words)
    }
}

impl std::fmt::Display for FormProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_a_key_of_its_own_and_words() {
        for (at, (problem, key, words)) in ALL.iter().enumerate() {
            assert_eq!((problem.key(), FormProblem::words_of(key)), (*key, Some(*words)));
            assert!(ALL[at + 1..].iter().all(|(other, other_key, _)| other != problem && other_key != key));
        }
        assert_eq!(FormProblem::words_of("<script>"), None);
    }
}
