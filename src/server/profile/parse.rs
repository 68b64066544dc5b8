//! Parses and validates profiles; mistakes are reported with line, column and the nearest valid name.

use std::path::Path;

use super::nearest::{did_you_mean, nearest};
use super::parse_error::ParseError;
use super::spans::Spans;
use super::validate::{check_treatments, validate};
use super::{Error, Origin, Profile, builtin};

impl Profile {
    /// Loads a built-in profile by its name, or a profile from a file.
    ///
    /// # Errors
    /// `Unknown` when no built-in profile has that name, `Unreadable` when the file cannot be read, `ParseError` when
    /// its text is not a valid profile.
    pub fn load(name_or_path: &str) -> Result<Self, Error> {
        if builtin::find(name_or_path).is_some() {
            return Self::built_in(name_or_path);
        }
        match std::fs::read_to_string(Path::new(name_or_path)) {
            Ok(text) => Ok(Self { origin: Origin::File(name_or_path.to_owned()), ..Self::from_toml(&text)? }),
            // Without a slash or a dot it is meant as a name.
            Err(_) if !name_or_path.contains(['/', '.']) => Self::built_in(name_or_path),
            Err(cause) => Err(Error::Unreadable { path: name_or_path.to_owned(), cause }),
        }
    }

    /// Parses and validates a profile.
    ///
    /// # Errors
    /// The first mistake in the text.
    pub fn from_toml(text: &str) -> Result<Self, ParseError> {
        let places: Spans = toml::from_str(text).map_err(|error| to_parse_error(text, &error))?;
        check_treatments(text, &places)?;
        let profile: Self = toml::from_str(text).map_err(|error| to_parse_error(text, &error))?;
        validate(&profile, text, &places)?;
        Ok(profile)
    }
}

fn to_parse_error(text: &str, error: &toml::de::Error) -> ParseError {
    let message = error.message();
    // serde's wording: the first name in backticks is the one found, the others are the valid ones.
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let near = match names[..] {
        [found, ref valid @ ..] if message.starts_with("unknown") => nearest(found, valid.iter().copied()),
        _ => None,
    };
    let what = format!("{}{}", message.trim_end().replace('\n', "; "), did_you_mean(near));
    ParseError::at(text, error.span().map_or(0, |span| span.start), what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_error(text: &str) -> String {
        Profile::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn a_mistake_is_told_with_line_column_and_the_nearest_name() {
        let class = parse_error("name = \"x\"\n[tables.a.columns]\nid = \"plian\"\n");
        assert!(class.contains("line 3, column 6: unknown variant `plian`"), "{class}");
        assert!(class.ends_with("did you mean `plain`?"), "{class}");
        let detailed =
            parse_error("name = \"x\"\n[tables.a.columns]\nid = { class = \"secret\", on_imprt = \"fresh_token\" }\n");
        assert!(detailed.contains("line 3") && detailed.ends_with("did you mean `on_import`?"), "{detailed}");
        let field = parse_error("name = \"x\"\nfile_nam = \"y\"\n");
        assert!(field.contains("line 2, column 1") && field.ends_with("did you mean `file_name`?"), "{field}");
        let people =
            parse_error("name = \"x\"\n[notice]\ncontains = \"y\"\npeople = \"userz\"\n[tables.users.columns]\n");
        assert!(people.contains("line 4") && people.ends_with("did you mean `users`?"), "{people}");
        assert!(parse_error("name = \"x\n").contains("line 1"));
        assert!(parse_error("name = 1").contains("line 1, column 8"));
    }

    const SHOP: &str = "name = \"x\"\n[tables.shops.columns]\nid = \"plain\"\nname = \"plain\"\n\
                        [tables.sales]\nowned_by = [\"shop\"]\n[tables.sales.columns]\nshop = \"plain\"\nat = \"plain\"\n";

    #[test]
    fn filters_references_and_owners_name_what_is_there() {
        let with = |more: &str| Profile::from_toml(&format!("{SHOP}{more}"));
        let choice = "[filters.shop]\nlabel = \"Shop\"\ntable = \"shops\"\nshow = \"name\"\n";
        let period = "[filters.period]\nlabel = \"Period\"\ncolumns = { sales = \"at\" }\nunit = \"epoch_ms\"\n";
        let reference = "[[references]]\nfrom = \"sales.shop\"\nto = \"shops.id\"\n";
        let profile = with(&format!("{choice}{period}{reference}")).unwrap();
        assert_eq!(profile.filters.keys().collect::<Vec<_>>(), ["period", "shop"]);
        for (wrong, line, says) in [
            (choice.replace("\"name\"", "\"nam\""), 10, "shops.nam is no column of this profile"),
            (choice.replace("show = \"name\"", ""), 10, "needs show"),
            (period.replace("unit = \"epoch_ms\"", ""), 10, "needs table and show, or columns and unit"),
            (
                format!("{choice}within = \"period\"\n"),
                10,
                "`period` is no filter of this profile that chooses records",
            ),
            (format!("{choice}unit = \"iso\"\n"), 10, "either records (table, show) or a period"),
            (reference.replace("shops.id", "shops.key"), 10, "shops.key is no column"),
            (reference.replace("shops.id", "shops"), 12, "write \"table.column\""),
        ] {
            let error = with(&wrong).unwrap_err();
            assert!(error.line == line && error.to_string().contains(says), "{wrong}: {error}");
        }
        let owner = parse_error(&SHOP.replace("[\"shop\"]", "[\"shopp\"]"));
        assert!(
            owner.contains("line 6, column 12: owned_by: sales.shopp") && owner.ends_with("did you mean `shop`?"),
            "{owner}"
        );
    }

    #[test]
    fn scopes_and_what_stays_outside_name_what_is_there() {
        let with = |more: &str| Profile::from_toml(&format!("{SHOP}{more}"));
        let scope = "[scopes.organization]\ntable = \"shops\"\nkey = \"id\"\nlabel = \"name\"\n\
                     owners = { table = \"sales\", user = \"shop\", scope = \"shop\", when = { at = \"1\" } }\n";
        let outside = "[outside]\ndefault = \"null\"\nshops = \"stub(name)\"\n\"sales.shop\" = \"stub\"\n";
        with(&format!("{scope}{outside}")).unwrap();
        for (wrong, line, says) in [
            (scope.replace("\"name\"", "\"nam\""), 10, "shops.nam is no column of this profile; did you mean `name`?"),
            (scope.replace("user = \"shop\"", "user = \"member\""), 10, "sales.member is no column"),
            (scope.replace("\"1\"", "[]"), 10, "an empty list matches no owner"),
            (scope.replace("scopes.organization", "scopes.organisation"), 10, "unknown field `organisation`"),
            (
                outside.replace("stub(name)", "stub(nam)"),
                12,
                "shops: shops.nam is no column of this profile; did you mean `name`?",
            ),
            (outside.replace("stub(name)", "stubs"), 12, "none of include, stub, stub(column, …), null, stop"),
            (outside.replace("shops =", "shop ="), 12, "nor a column of this profile; did you mean `shops`?"),
            (outside.replace("\"null\"", "\"stub(name)\""), 11, "would be about every table"),
            (format!("{scope}{}", outside.replace("\"null\"", "\"include\"")), 16, "records of others"),
            ("[tables.words]\nwhole = true\nprivate = \"x\"\n".to_owned(), 12, "words: give either whole or private"),
            ("[tables.words]\nshared = \"sales.buyer\"\n".to_owned(), 11, "sales.buyer is no column"),
        ] {
            let error = with(&wrong).unwrap_err();
            assert!(error.line == line && error.to_string().contains(says), "{wrong}: {error}");
        }
        for reserved in ["tables", "organization"] {
            let filter = format!("[filters.{reserved}]\nlabel = \"x\"\ntable = \"shops\"\nshow = \"name\"\n");
            assert!(with(&filter).unwrap_err().to_string().contains("cannot be called"), "{reserved}");
        }
    }

    #[test]
    fn secrets_can_only_be_omitted() {
        for treatment in ["keep", "mask", "pseudonymise"] {
            let text = format!("name = \"x\"\n[treatments]\nsecret = \"{treatment}\"\n");
            assert!(parse_error(&text).contains("line 3, column 10: secrets are always omitted"), "{treatment}");
        }
        assert!(Profile::from_toml("name = \"x\"\n[treatments]\nsecret = \"omit\"\npersonal = \"mask\"\n").is_ok());
    }

    #[test]
    fn the_column_with_the_passwords_can_only_be_secret() {
        let profile = |class: &str| {
            format!(
                "name = \"x\"\nauth = {{ table = \"users\", id = \"id\", email = \"e\", password = \"pw\" }}\n\
                 [tables.users.columns]\nid = \"plain\"\npw = {class}\n"
            )
        };
        for class in ["\"plain\"", "{ class = \"personal\" }"] {
            let found = parse_error(&profile(class));
            assert!(found.contains("line 5, column 6: users.pw holds the passwords that [auth] names"), "{found}");
        }
        assert!(Profile::from_toml(&profile("\"secret\"")).is_ok());
    }

    #[test]
    fn the_version_of_the_application_is_a_text_or_a_column_that_everybody_may_read() {
        let with = |version: &str| {
            let tables = "[tables.releases.columns]\nversion = \"plain\"\nkey = \"secret\"\n";
            Profile::from_toml(&format!("name = \"x\"\napp_version = {version}\n{tables}"))
        };
        for fine in ["\"3.1\"", "{ column = \"releases.version\" }"] {
            with(fine).unwrap();
        }
        for (wrong, says) in [
            ("3", "a version such as"),
            ("{ colum = \"releases.version\" }", "did you mean `column`?"),
            ("{ column = \"releases.versio\" }", "did you mean `version`?"),
            ("{ column = \"releases.key\" }", "is not plain"),
        ] {
            let error = with(wrong).unwrap_err();
            assert!(error.line == 2 && error.to_string().contains(says), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_file_name_is_one_that_can_be_made() {
        let name = |name: &str| Profile::from_toml(&format!("name = \"x\"\nfile_name = \"{name}\"\n"));
        for wrong in ["", ".", "..", "a/b", "x-{dat}.json", "x-{date.json", &"x".repeat(201)] {
            assert!(name(wrong).is_err_and(|error| error.line == 2 && error.column == 13), "{wrong}");
        }
        assert!(name("x-{date}-{time}.json").is_ok());
        assert!(parse_error("name = \" \"").contains("line 1, column 8: name is empty"));
    }

    #[test]
    fn roles_and_file_names_are_held_together() {
        assert!(parse_error("name = \"x\"\n[roles.a]\nlabel = \"A\"\nwhen = { b = 1 }\n").contains("needs [auth]"));
        let name = parse_error("name = \"x\" # no file_name\nfile_name = \"../x\"\n");
        assert!(name.contains("line 2, column 13: file_name must be a plain file name"), "{name}");
        let inline = parse_error("# roles.a\nname = \"x\"\nroles = { a = { label = \"A\", when = { b = 1 } } }\n");
        assert!(inline.contains("line 3, column 11: role a needs [auth]"), "{inline}");
    }
}
