//! Names and texts of the sample.

use crate::server::profile::builtin::seeded_random::{SeededRandom, index_below};

pub const GIVEN_NAMES: [&str; 16] = [
    "Amelia", "Zoë", "José", "Nguyễn", "Łucja", "Māia", "Björn", "Иван", "美玲", "Yūki", "Fatima", "Kwame", "Chloé",
    "Óscar", "Dawit", "Priya",
];
pub const FAMILY_NAMES: [&str; 14] = [
    "Müller",
    "O'Brien",
    "García",
    "Żak",
    "Te Rangi",
    "Smith",
    "Åkesson",
    "Петров",
    "陈",
    "Al-Sayed",
    "Okafor",
    "d'Arcy",
    "Haile",
    "Rao",
];
pub const ORGANIZATIONS: [&str; 6] =
    ["Harbour Studio", "Wattle Grove Labs", "Südstern Verlag", "Kōwhai Research", "Café & Community", "Lumière"];
pub const EMOJIS: [&str; 8] = ["👍", "🎉", "❤️", "👩‍👩‍👧", "🇳🇿", ":party-parrot:", "✅", "👀"];
pub const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

const SENTENCES: [&str; 18] = [
    "Can somebody review the draft before noon?",
    "Done. It took longer than I thought, sorry.",
    "The numbers of March are in the shared folder now.",
    "I am at the dentist until eleven, call me if it burns.",
    "We decided to move the launch to Thursday; the list of open points is above.",
    "Who has the key of the small meeting room?",
    "Das Protokoll ist fertig, bitte einmal gegenlesen.",
    "Merci beaucoup, c'est exactement ce qu'il fallait.",
    "The build is red again: three tests fail since the merge of yesterday evening.",
    "Lunch at 12:30 at the usual place?",
    "I asked them twice and got two different answers.",
    "Please do not restart the server today, the import is still running (about 40 % done).",
    "+1",
    "No objections from my side.",
    "Here is what the customer wrote: they cannot sign in since the update, and nobody answered for two days.",
    "Let us talk about it tomorrow.",
    "Reminder: the form for holidays is due on Friday.",
    "I have a question about the invoice of April, who takes care of that?",
];

/// Texts that break what does not quote, escape or order them well.
const EDGES: [&str; 11] = [
    "She said \"ship it\", and 'twice'; then `rm`.",
    "👩‍👩‍👧 🎉 🇳🇿 é e\u{301}",
    "مرحبا بالعالم – שלום עולם",
    "first line\nsecond line\r\nthird\ttabbed",
    "</script><script>alert(1)</script>",
    "\u{1b}[31mred\u{1b}[0m \u{7}",
    "=HYPERLINK(\"https://example.org\",\"click\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "C:\\new\\table \\N \\. {\"a\": [1, null]}",
    "\u{202e}txet desrever\u{202c} \u{200b}",
    "-- x'; DROP TABLE messages",
];

pub fn full_name(random: &mut SeededRandom) -> String {
    format!("{} {}", random.pick(&GIVEN_NAMES), random.pick(&FAMILY_NAMES))
}

/// A text of one to three sentences; every ninth is one that breaks things.
pub fn message(random: &mut SeededRandom, index: u64) -> String {
    if index % 9 == 4 {
        return EDGES[index_below(index / 9, EDGES.len())].to_owned();
    }
    let mut text = random.pick(&SENTENCES).to_owned();
    for _ in 0..random.below(3) {
        text.push(' ');
        text.push_str(random.pick(&SENTENCES));
    }
    text
}
