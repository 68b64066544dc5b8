//! The check of a record's line.
//!
//! May import: `layout`. Flow: `RecordChecker` compares names and separators with the layout's bytes, byte by byte, and
//! follows the grammar of the values between them with `number`, `nesting` and `utf8`; `simple_value` takes the short way
//! for most of them.

mod check_result;
mod checker;
mod nesting;
mod number;
mod simple_value;
mod state;
mod utf8;

pub(super) use checker::RecordChecker;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::check_result::CheckResult;
    use super::*;

    fn check(line: &[u8], pieces: usize) -> CheckResult<bool> {
        let mut checker = RecordChecker::for_columns(["id", "a \"b\""].into_iter());
        for piece in line.chunks(pieces) {
            checker.feed(piece)?;
        }
        checker.end_line()
    }

    /// A record with this value.
    fn record_with(value: &str) -> String {
        format!(r#"{{"id":{value},"a \"b\"":null}}"#)
    }

    #[test]
    fn records_are_accepted_whatever_their_values_and_pieces() {
        for value in [
            "0",
            "-1",
            "12.50",
            "1e9",
            "-0.5E-07",
            "true",
            "false",
            "null",
            r#""""#,
            r#""ä👍\u00e4\n\"""#,
            "{}",
            "[]",
            r#"{"a": [1, {"b":	null}],"c":"d"}"#,
            "[[[]],[{}]]",
        ] {
            let line = record_with(value);
            for pieces in 1..line.len() {
                assert_eq!(check(line.as_bytes(), pieces), Ok(false), "{line} in pieces of {pieces}");
                assert_eq!(check(format!("{line},").as_bytes(), pieces), Ok(true));
            }
        }
    }

    #[test]
    fn what_is_not_one_record_of_the_table_is_refused() {
        for value in [
            "",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "NaN",
            "tru",
            "nulll",
            "True",
            "'a'",
            "\"a",
            "\"\u{1}\"",
            r#""\x""#,
            r#""\u12g4""#,
            "[1,]",
            "[,1]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            "{a:1}",
            "[}",
            "{]",
            "[1}",
            r#"{"a":1]"#,
            " 1",
            "1 ",
            "1,2",
            r#"1}],"users":[{"id":1"#,
            "[1 2]",
        ] {
            assert!(check(record_with(value).as_bytes(), 64).is_err(), "{value}");
        }
        for line in [
            r#"{"id":1}"#,
            r#"{"id":1,"id":2,"a \"b\"":null}"#,
            r#"{"a \"b\"":null,"id":1}"#,
            r#"{"id":1,"a \"b\"":null,"more":1}"#,
            r#"{ "id":1,"a \"b\"":null}"#,
            r#"{"id":1,"a \"b\"":null},,"#,
            r#"{"id":1,"a \"b\"":null}]"#,
            r#"{"id":1,"\u0061 \"b\"":null}"#,
            "{}",
        ] {
            assert!(check(line.as_bytes(), 64).is_err(), "{line}");
        }
        let broken = [record_with("\"").as_bytes(), b"\xc3\"", b"x"].concat();
        assert!(check(&broken, 64).is_err());
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert!(check(record_with(&deep).as_bytes(), 64).is_err());
    }

    #[test]
    fn a_table_without_columns_has_empty_records() {
        let mut checker = RecordChecker::for_columns(std::iter::empty());
        checker.feed(b"{},").unwrap();
        assert_eq!(checker.end_line(), Ok(true));
        assert!(checker.feed(b"{\"a\":1}").is_err());
    }

    proptest! {
        /// The checker accepts a value exactly when `serde_json` does.
        #[test]
        fn it_agrees_with_a_parser(value in r#"[\[\]{}:,"\\a0-9eE+.\-tfn u]{0,12}"#, pieces in 1_usize..5) {
            let mut checker = RecordChecker::for_columns(["v"].into_iter());
            let line = format!("{{\"v\":{value}}}");
            let checked = line.as_bytes().chunks(pieces).try_for_each(|piece| checker.feed(piece));
            let taken = checked.and_then(|()| checker.end_line()) == Ok(false);
            // Spaces around the value are valid JSON, but never written; the same goes for repeated or other keys.
            let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(&line);
            let is_record = parsed.is_ok_and(|record| record.len() == 1 && record.contains_key("v"));
            let is_spaced = value.starts_with(' ') || value.ends_with(' ');
            let is_huge = value.contains(['e', 'E']);
            prop_assert!(taken == is_record || is_spaced || is_huge, "{line}: {taken}");
            prop_assert!(!taken || is_record || is_huge, "{line}");
        }
    }
}
