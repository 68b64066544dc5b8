//! Names and texts of the sample.

use crate::server::profile::builtin::seeded_random::SeededRandom;

pub const GIVEN_NAMES: [&str; 28] = [
    "Amelia", "Zoë", "José", "Nguyễn", "Łucja", "Māia", "Björn", "Siobhán", "Иван", "美玲", "Yūki", "Fatima", "Noor",
    "Kwame", "Tāne", "Chloé", "Óscar", "Grace", "Henry", "Isla", "Jack", "Ruby", "Thi", "Ève", "Søren", "Ana", "Dawit",
    "Priya",
];
pub const FAMILY_NAMES: [&str; 24] = [
    "Müller",
    "O'Brien",
    "Nguyen",
    "García",
    "Żak",
    "Te Rangi",
    "Smith",
    "Jones",
    "Åkesson",
    "Šimek",
    "Петров",
    "陈",
    "Tanaka",
    "Al-Sayed",
    "Okafor",
    "d'Arcy",
    "Brown",
    "Taylor",
    "Wilson",
    "Kowalczyk",
    "Dubois",
    "Silva",
    "Haile",
    "Rao",
];
pub const COMPANIES: [&str; 10] = [
    "Harbour Support",
    "Wattle Grove Care",
    "Südstern Assistenz",
    "Kōwhai Living",
    "Northside Disability Services",
    "Café & Community",
    "Banksia House",
    "Stepping Stones",
    "Lumière Accompagnement",
    "Open Door",
];
pub const PLACES: [&str; 10] = [
    "Kitchen",
    "Lounge room",
    "Bedroom 2",
    "Day programme hall",
    "Bus stop on Elm Street",
    "Swimming pool",
    "Shopping centre, level 1",
    "Garden",
    "Minibus",
    "Bathroom",
];

const BEFORE: [&str; 8] = [
    "{name} had slept badly and skipped breakfast. The day programme was moved to another room without notice.",
    "It was a calm morning. {name} was listening to music and had asked twice when the bus would come.",
    "A fire drill had ended ten minutes earlier; {name} still kept both hands over the ears and paced the corridor.",
    "{name}'s usual support worker was away and a relief worker, new to the house, was on shift.",
    "After lunch {name} said \"I don't want to go\" several times and pointed at the calendar on the wall.",
    "The group was getting ready to leave for the café. {name} could not find the blue jacket.",
    "{name} had a phone call with family (about 12 minutes) and was quiet afterwards.",
    "Medication was given at 07:30 as charted. {name} reported a headache, 4/10, and wanted the blinds closed.",
];
const DURING: [&str; 8] = [
    "{name} threw a cup at the wall. Nobody was hit. Staff moved the others to the next room and gave {name} space.",
    "{name} slipped on the wet floor and landed on the left hip. No head strike was seen; staff stayed alongside.",
    "{name} left through the side gate and walked towards the road. A worker followed at a distance of 5–10 m.",
    "{name} shouted and hit the table with an open hand for around three minutes, then cried.",
    "{name} took the wrong tablet from the table before staff could step in; the pack was another resident's.",
    "{name} became pale and unsteady, sat down on the floor and did not answer for about 40 seconds.",
    "{name} bit the own forearm (skin not broken) while the alarm was sounding. Ear defenders were offered.",
    "{name} and another participant argued about the television; {name} was pushed and fell against the sofa.",
];
const ENDING: [&str; 6] = [
    "Staff used low voices and the agreed signs. {name} went to the quiet room and asked for tea.",
    "The nurse on call was phoned at once; advice was followed and written into the care notes.",
    "{name} accepted the weighted blanket and settled after roughly a quarter of an hour.",
    "An ambulance was called, assessed {name} on site, and did not transport.",
    "The team lead arrived, spoke with everybody, and the group continued with the plan B on the board.",
    "{name} said sorry without being asked and helped to clean up. 👍",
];
const AFTER: [&str; 6] = [
    "Family was informed by phone the same evening. A review of the behaviour support plan is booked.",
    "Observations every 30 minutes until bedtime: no change. The floor sign has been replaced.",
    "{name} slept through. In the morning {name} told the team lead: «Es war zu laut für mich.»",
    "The gate's latch was repaired the next day (job no. 4471). All staff re-read the outings plan.",
    "The pharmacy confirmed that no harm was to be expected; the medication trolley is now locked between rounds.",
    "Debrief held with three staff. Agreed: tell {name} about changes the day before, with pictures.",
];
const QUESTIONS: [&str; 10] = [
    "What was {name} doing in the ten minutes before the event?",
    "Who else was present, and where did they stand?",
    "Which signs of distress were visible first?",
    "Was anything different from {name}'s usual routine that day?",
    "What was tried first, and how did {name} respond?",
    "How long did it last, as far as you can tell?",
    "Was medication given before or after, and by whom?",
    "Who was informed, when, and by which means?",
    "Was there any injury, however small? Please describe what you saw, not what you think.",
    "What would have made this easier for {name}?",
];
const ANSWERS: [&str; 10] = [
    "As far as I remember {name} was at the table, drawing. I was in the doorway.",
    "Two other participants and one colleague. Nobody stood closer than two metres.",
    "Rocking, then humming louder and louder. The hands went to the ears at about 10:40.",
    "Yes: the bus came 25 minutes late and nobody had told us.",
    "I offered the picture cards. {name} pushed them away, so I waited and said nothing.",
    "Between five and eight minutes, I did not look at the clock.",
    "Not that I know of. The chart says 07:30, signed.",
    "I rang the team lead straight away and wrote it down after the shift (18:05).",
    "A small red mark on the left arm, no broken skin. Gone by the evening.",
    "More time. A quiet corner. And to be asked first – that helps with {name} every time.",
];

pub fn full_name(random: &mut SeededRandom) -> (String, String) {
    (random.pick(&GIVEN_NAMES).to_owned(), random.pick(&FAMILY_NAMES).to_owned())
}

/// The texts of an incident's four phases.
pub fn narrative(random: &mut SeededRandom, name: &str) -> [String; 4] {
    [
        pick_sentences(random, &BEFORE, name),
        pick_sentences(random, &DURING, name),
        pick_sentence(random, &ENDING, name),
        pick_sentence(random, &AFTER, name),
    ]
}

pub fn question(random: &mut SeededRandom, name: &str) -> String {
    pick_sentence(random, &QUESTIONS, name)
}

pub fn answer(random: &mut SeededRandom, name: &str) -> String {
    pick_sentence(random, &ANSWERS, name)
}

fn pick_sentence(random: &mut SeededRandom, from: &[&str], name: &str) -> String {
    random.pick(from).replace("{name}", name)
}

fn pick_sentences(random: &mut SeededRandom, from: &[&str], name: &str) -> String {
    let (first, second) = (pick_sentence(random, from, name), pick_sentence(random, from, name));
    if first == second || random.chance(40) { first } else { format!("{first}\n{second}") }
}
