//! Names and texts of the sample.

use crate::server::profile::builtin::seeded_random::SeededRandom;

pub const GIVEN_NAMES: [&str; 16] = [
    "Amelia", "Zoë", "José", "Thị", "Łucja", "Māia", "Björn", "Siobhán", "Иван", "美玲", "Yūki", "Fatima", "Kwame",
    "Øystein", "Ève", "Priya",
];
pub const FAMILY_NAMES: [&str; 14] = [
    "Müller",
    "O'Brien",
    "Nguyễn",
    "García",
    "Żak",
    "Te Rangi",
    "Åkesson",
    "Петров",
    "陈",
    "Al-Sayed",
    "Okafor",
    "d'Arcy",
    "Null",
    "True",
];
pub const EMPLOYERS: [&str; 8] = [
    "Harbour Works",
    "Südstern Verlag",
    "Kōwhai Studio",
    "Lumière & Fils",
    "Open Door: Research",
    "No. 7",
    "- dash -",
    "#hash",
];
pub const TITLES: [&str; 8] =
    ["Developer", "Editor", "Nurse", "Lecturer", "Head of \"Things\"", "Baker\\Cook", "Översättare", "On"];
/// Names that YAML takes for something else where they are not quoted.
pub const SKILLS: [&str; 20] = [
    "no",
    "Yes",
    "null",
    "~",
    "0123",
    "1e5",
    "0x1F",
    "12:30:45",
    "2024-01-01",
    "=",
    "<<",
    "off",
    "1_000",
    ".inf",
    "[a, b]",
    "{a: b}",
    "a: b",
    "'single'",
    "Rust",
    "C#",
];
pub const TAGS: [&str; 12] =
    ["friend", "no", "y", "true", "1.10", "colleague", "näher", "☕", "!tag", "&anchor", "*alias", "%YAML"];
const NOTES: [&str; 8] = [
    "Met at the fair; send the paper.",
    "Two lines\nand a third:\n  indented\n",
    "Trailing blanks  ",
    "\tA tab, and a back\\slash",
    "Separators \u{85} \u{2028} \u{2029} and \u{feff} inside",
    "--- not a document",
    "Emoji 👩🏽‍🚀 and zero\u{200b}width",
    "A control \u{1} and a delete \u{7f}",
];

/// A text that says whose it is.
pub fn note(random: &mut SeededRandom, user: u64) -> String {
    format!("{} [{}]", random.pick(&NOTES), owner_mark(user))
}

/// What only this user's texts have.
pub fn owner_mark(user: u64) -> String {
    format!("of-user-{user}-only")
}
