//! The position of the check within a record.

use super::number::Number;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Separator,
    Value,
    /// The first value of an array, or its end.
    ValueOrEnd,
    /// The first key of an object, or its end.
    KeyOrEnd,
    Key,
    Colon,
    String {
        is_key: bool,
    },
    Escape {
        is_key: bool,
    },
    Hex {
        is_key: bool,
        left: u8,
    },
    Number(Number),
    Literal(&'static [u8]),
    AfterValue,
    /// After the record: a comma may follow.
    End,
    EndWithComma,
}

impl State {
    pub(super) fn allows_whitespace(self) -> bool {
        matches!(self, Self::Value | Self::ValueOrEnd | Self::KeyOrEnd | Self::Key | Self::Colon | Self::AfterValue)
    }
}
