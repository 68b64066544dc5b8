//! Source columns of generated columns. SQLite keeps the expression only in the text of `CREATE TABLE`.

use std::iter::Peekable;
use std::str::Chars;

/// Returns the other columns that appear anywhere in the definition of `column`: possibly too many, never too few.
/// Returns all others if the text cannot be parsed.
pub fn computed_from(create_table: &str, column: &str, columns: &[String]) -> Vec<String> {
    let others = || columns.iter().filter(|other| *other != column);
    let definition = split_definitions(create_table)
        .into_iter()
        .find(|words| words.first().is_some_and(|name| name.eq_ignore_ascii_case(column)));
    let Some(words) = definition else { return others().cloned().collect() };
    let is_mentioned = |other: &&String| words[1..].iter().any(|word| word.eq_ignore_ascii_case(other));
    others().filter(is_mentioned).cloned().collect()
}

/// A part of a statement; literals that are not quoted, operators and comments are none.
enum Token {
    Open,
    Close,
    Comma,
    /// A keyword, a name or a quoted text, without its quotes.
    Word(String),
}

/// Splits the outermost parentheses into definitions, each a list of unquoted words
/// (<https://sqlite.org/lang_keywords.html>).
fn split_definitions(sql: &str) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let (mut depth, mut rest) = (0_u32, sql.chars().peekable());
    while let Some(token) = next_token(&mut rest) {
        match token {
            Token::Open => {
                depth += 1;
                if depth == 1 {
                    found = vec![Vec::new()];
                }
            }
            Token::Close if depth <= 1 => break,
            Token::Close => depth -= 1,
            Token::Comma if depth == 1 => found.push(Vec::new()),
            Token::Comma => {}
            Token::Word(word) => {
                if let Some(words) = found.last_mut() {
                    words.push(word);
                }
            }
        }
    }
    found
}

fn next_token(rest: &mut Peekable<Chars<'_>>) -> Option<Token> {
    loop {
        match rest.next()? {
            '(' => return Some(Token::Open),
            ')' => return Some(Token::Close),
            ',' => return Some(Token::Comma),
            '-' if rest.peek() == Some(&'-') => _ = rest.find(|c| *c == '\n'),
            '/' if rest.next_if_eq(&'*').is_some() => skip_block_comment(rest),
            '[' => return Some(Token::Word(rest.take_while(|c| *c != ']').collect())),
            // A string literal may be quoted like a name; taking it for one does no harm.
            quote @ ('"' | '`' | '\'') => return Some(Token::Word(read_quoted(quote, rest))),
            c if is_identifier_char(c) => return Some(Token::Word(read_identifier(c, rest))),
            _ => {}
        }
    }
}

fn skip_block_comment(rest: &mut Peekable<Chars<'_>>) {
    let mut last = ' ';
    for c in rest {
        if (last, c) == ('*', '/') {
            break;
        }
        last = c;
    }
}

/// Reads up to the closing quote; a doubled one stands for itself.
fn read_quoted(quote: char, rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(next) = rest.next() {
        if next != quote || rest.next_if_eq(&quote).is_some() {
            word.push(next);
        } else {
            break;
        }
    }
    word
}

fn read_identifier(first: char, rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::from(first);
    while let Some(next) = rest.next_if(|c| is_identifier_char(*c)) {
        word.push(next);
    }
    word
}

fn is_identifier_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_columns_of_an_expression_are_found_however_they_are_written() {
        let columns = names(&["id", "first name", "Last", "note", "full"]);
        for (definition, from) in [
            ("full TEXT GENERATED ALWAYS AS (\"first name\" || ' ' || last) STORED", vec!["first name", "Last"]),
            ("full AS ([first name]), note TEXT", vec!["first name"]),
            ("\"full\" /* of note, */ TEXT AS (upper(`last`)) -- note\n VIRTUAL", vec!["Last"]),
            ("full TEXT AS (replace(note, ')', '(')), x AS (last)", vec!["note"]),
        ] {
            let sql = format!("CREATE TABLE \"t(\" (id INTEGER PRIMARY KEY, \"first name\", Last, note, {definition})");
            let sql = sql.replace("\"t(\"", "t");
            assert_eq!(computed_from(&sql, "full", &columns), names(&from), "{definition}");
        }
        assert_eq!(computed_from("nonsense", "full", &columns), names(&["id", "first name", "Last", "note"]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(sql in any::<String>()) {
            let _ = computed_from(&sql, "a", &names(&["a", "b"]));
        }
    }
}
