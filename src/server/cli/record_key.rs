//! The key of one record, as people give it on the command line.

/// One value may hold an equals sign; several must have a column each.
pub fn parse_key(given: &[String]) -> Vec<(Option<String>, String)> {
    let with_column = |text: &String| match text.split_once('=') {
        Some((column, value)) => (Some(column.to_owned()), value.to_owned()),
        None => (None, text.clone()),
    };
    match given {
        [only] => vec![(None, only.clone())],
        several => several.iter().map(with_column).collect(),
    }
}
