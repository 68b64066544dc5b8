//! Recognises personal and sensitive columns by name and values.

use super::inference::{Inference, from_name_word, is_key};
use super::name::Name;
use super::sample::PatternCounts;
use super::words::WordList;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::classification::Classification;
use crate::server::rows::Table;

pub const SENSITIVE_WORDS: [&str; 25] = [
    "health",
    "medical",
    "diagnos",
    "disab",
    "allerg",
    "medication",
    "treatment",
    "symptom",
    "religio",
    "ethnic",
    "race",
    "political",
    "sexual",
    "gender",
    "genetic",
    "biometric",
    "criminal",
    "conviction",
    "incident",
    "salary",
    "income",
    "narrative",
    "care_notes",
    "ndis",
    "ssn",
];
pub const PERSONAL_WORDS: [&str; 42] = [
    "email",
    "e_mail",
    "phone",
    "mobile",
    "fax",
    "first_name",
    "last_name",
    "full_name",
    "given_name",
    "family_name",
    "middle_name",
    "display_name",
    "user_name",
    "username",
    "nickname",
    "surname",
    "maiden",
    "contact",
    "address",
    "street",
    "city",
    "zip",
    "postal",
    "postcode",
    "birth",
    "dob",
    "nationality",
    "ip_addr",
    "user_agent",
    "avatar",
    "photo",
    "picture",
    "image_url",
    "latitude",
    "longitude",
    "location",
    "passport",
    "iban",
    "bank",
    "license",
    "reporter",
    "device_id",
];
/// Free text that may name people.
pub const FREE_TEXT_WORDS: [&str; 11] =
    ["note", "message", "comment", "body", "content", "bio", "description", "transcript", "reason", "remark", "answer"];
/// Tables whose `name` column is the name of a person.
const PEOPLE_TABLES: [&str; 15] = [
    "user",
    "people",
    "person",
    "contact",
    "customer",
    "member",
    "employee",
    "participant",
    "profile",
    "patient",
    "client",
    "account",
    "author",
    "student",
    "staff",
];

/// Personal data in German, French, Spanish, Portuguese and Dutch.
static PERSONAL_WORDS_TRANSLATED: WordList = WordList::new(
    "vorname nachname familienname geburtsname benutzername strasse hausnummer plz wohnort geburtsdatum geburtstag \
     telefon handy mobil ausweis versichertennummer versichertennr steuernummer kontonummer kontoinhaber prenom nom \
     nomfamille courriel adresse rue ville codepostal naissance telephone portable passeport nombre apellido apellidos \
     correo direccion calle ciudad codigopostal nacimiento telefono movil pasaporte dni nif nie nome sobrenome apelido \
     endereco morada rua cidade cep nascimento telefone telemovel passaporte cpf voornaam achternaam tussenvoegsel naam \
     straat huisnummer postcode woonplaats plaats geboortedatum telefoon mobiel paspoort bsn author autor auteur autora \
     kunde patient patiente mitarbeiter dozent",
);
/// Health, belief and income, in the same languages.
static SENSITIVE_WORDS_TRANSLATED: WordList = WordList::new(
    "befund diagnose blutgruppe krankheit krankenkasse allergie allergien medikament medikation icd icd10 konfession \
     gehalt lohn anamnese diagnostic maladie allergies salaire religion antecedents diagnostico enfermedad alergias \
     salario sueldo doenca alergia diagnoses ziekte salaris loon medicatie",
);

/// Guesses personal or sensitive; `None` where nothing points at a person.
pub fn infer_personal(
    table: &Table,
    column: &ColumnSchema,
    name: &Name,
    tally: Option<&PatternCounts>,
) -> Option<Inference> {
    let snake = name.to_snake_case();
    let find_word = |words: &[&'static str]| words.iter().find(|word| contains_word(&snake, word)).copied();
    let is_key = is_key(table, column, name);
    // `contact_id` only refers to a contact; a key that is an e-mail address is personal.
    let is_reference = is_key && (snake.ends_with("id") || snake.ends_with("uuid")) && snake != "device_id";
    let has_content = !is_reference
        && matches!(column.codec, Codec::Text | Codec::Json | Codec::Dynamic | Codec::Date | Codec::Native);
    if let Some(word) = find_word(&SENSITIVE_WORDS).filter(|_| has_content) {
        return Some(from_name_word(Classification::Sensitive, word));
    }
    let reason_by_values = tally.and_then(|tally| {
        let kinds = [
            (tally.emails, "values look like e-mail addresses"),
            (tally.phones, "values look like phone numbers"),
            (tally.ip_addresses, "values look like IP addresses"),
        ];
        kinds.into_iter().find(|(count, _)| tally.is_dominant(*count)).map(|(_, reason)| reason)
    });
    if let Some(reason) = reason_by_values {
        return Some(Inference::new(Classification::Personal, reason));
    }
    if let Some(word) = find_word(&PERSONAL_WORDS).filter(|_| !is_reference) {
        return Some(from_name_word(Classification::Personal, word));
    }
    if snake == "name"
        && PEOPLE_TABLES.iter().any(|people| Name::new(table.name.as_str()).to_snake_case().contains(people))
    {
        return Some(Inference::new(Classification::Personal, "a name in a table of people"));
    }
    let translated = [
        (Classification::Sensitive, &SENSITIVE_WORDS_TRANSLATED),
        (Classification::Personal, &PERSONAL_WORDS_TRANSLATED),
    ];
    let by_translated_word = translated.into_iter().find_map(|(class, words)| {
        let word = words.all().iter().find(|word| name.has_word(&[*word]) || name.is_any_of(&[*word]))?;
        Some(from_name_word(class, word))
    });
    if by_translated_word.is_some() && !is_reference {
        return by_translated_word;
    }
    let word = find_word(&FREE_TEXT_WORDS).filter(|_| has_content)?;
    Some(Inference::new(Classification::Personal, format!("free text (\"{word}\") may name people")))
}

/// Whether a part of the name begins with the word: `race` is found in `race_day`, not in `trace`.
pub fn contains_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        let begins = at == 0 || name.as_bytes()[at - 1] == b'_';
        // Under five characters, the part must end after the word, or go on with an `s`: "zip" is not in "zipper".
        let ends = name.as_bytes().get(at + word.len()).is_none_or(|next| *next == b'_' || *next == b's');
        begins && (ends || word.len() >= 5)
    })
}
