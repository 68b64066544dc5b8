//! CSV for spreadsheets (RFC 4180, but LF line ends): every cell is quoted, none is a formula. Written here and not by the `csv` crate, which
//! would be more code than these lines in the browser's module.

use super::text;

/// A line of the file, each of these texts a cell of it.
pub fn line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    // Always quoted, so that a spreadsheet that splits at semicolons or tabs does not split a value.
    let quoted: Vec<String> =
        cells.into_iter().map(|cell| format!("\"{}\"", cell.as_ref().replace('"', "\"\""))).collect();
    quoted.join(",") + "\n"
}

/// The cell of a JSON value: empty for null, a text without its quotes, anything else as it is.
#[must_use]
pub fn cell(json: &str) -> String {
    match json {
        "null" => String::new(),
        string if string.starts_with('"') => escape_formula(&text::unquote(string)),
        other => other.to_owned(),
    }
}

/// Prefixes a quote to text that spreadsheets would run as a formula (OWASP, CSV injection). Signed numbers are
/// left alone.
#[must_use]
pub fn escape_formula(text: &str) -> String {
    let first = text.trim_start().chars().next();
    let is_formula = first.is_some_and(|c| "=+-@＝＋－＠".contains(c)) || text.starts_with(['\t', '\r']);
    if is_formula && text.parse::<f64>().is_err() { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{cell, escape_formula, line};

    #[test]
    fn numbers_are_no_formulas() {
        for number in ["-12.50", "-9007199254740993", "+1", "-0", "-1.5e-7", "12"] {
            assert_eq!(escape_formula(number), number);
        }
        for formula in ["=1+1", "-1+1", "+cmd|' /C calc'!A0", "@SUM(1)", " -x", "-1 days"] {
            assert_eq!(escape_formula(formula), format!("'{formula}"));
        }
    }

    #[test]
    fn any_text_is_one_cell() {
        let texts = ["", "a \"b\"", "c,d;e", "two\nlines", "\u{1F600}"];
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(std::io::Cursor::new(line(texts)));
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read, [csv::StringRecord::from(texts.to_vec())]);
    }

    #[test]
    fn a_value_is_a_cell() {
        let cells = ["null", "1.50", "true", "\"x\"", "\"\"", "\"=1\"", r#"{"a": 1}"#].map(cell);
        assert_eq!(cells, ["", "1.50", "true", "x", "", "'=1", r#"{"a": 1}"#]);
    }
}
