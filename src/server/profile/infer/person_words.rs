//! Words in the names of personal and sensitive columns. Those in English may begin a part of a name.

use super::words::WordList;

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
pub const PEOPLE_TABLES: [&str; 15] = [
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
pub static PERSONAL_WORDS_TRANSLATED: WordList = WordList::new(
    "vorname nachname familienname geburtsname benutzername strasse hausnummer plz wohnort geburtsdatum geburtstag \
     telefon handy mobil ausweis versichertennummer versichertennr steuernummer kontonummer kontoinhaber prenom nom \
     nomfamille courriel adresse rue ville codepostal naissance telephone portable passeport nombre apellido apellidos \
     correo direccion calle ciudad codigopostal nacimiento telefono movil pasaporte dni nif nie nome sobrenome apelido \
     endereco morada rua cidade cep nascimento telefone telemovel passaporte cpf voornaam achternaam tussenvoegsel naam \
     straat huisnummer postcode woonplaats plaats geboortedatum telefoon mobiel paspoort bsn author autor auteur autora \
     kunde patient patiente mitarbeiter dozent",
);
/// Health, belief and income, in the same languages.
pub static SENSITIVE_WORDS_TRANSLATED: WordList = WordList::new(
    "befund diagnose blutgruppe krankheit krankenkasse allergie allergien medikament medikation icd icd10 konfession \
     gehalt lohn anamnese diagnostic maladie allergies salaire religion antecedents diagnostico enfermedad alergias \
     salario sueldo doenca alergia diagnoses ziekte salaris loon medicatie",
);
