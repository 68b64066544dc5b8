//! Creates tables in a file that has none.

use rusqlite::Connection;

use super::super::super::new_table::{NewColumn, NewReference, NewTable};
use super::super::super::{Error, Kind, Result, double_quote_identifier};
use super::super::key_sets::main_table;
use crate::model::catalog::Codec;

/// Words that would begin something else than a type (sqlite.org/syntax/column-constraint.html).
const NO_TYPES: [&str; 18] = [
    "CONSTRAINT",
    "PRIMARY",
    "KEY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "FOREIGN",
    "GENERATED",
    "ALWAYS",
    "AS",
    "ON",
    "AUTOINCREMENT",
    "DEFERRABLE",
    "STORED",
];

pub fn create_tables(connection: &Connection, tables: &[NewTable]) -> Result<()> {
    for table in tables {
        let created = connection.execute_batch(&create_sql(table));
        created
            .map_err(|error| Error::new(Kind::Refused, format!("table {} cannot be created: {error}", table.name)))?;
    }
    Ok(())
}

fn create_sql(table: &NewTable) -> String {
    let columns = table.columns.iter().map(|column| {
        let required = if column.is_required { " NOT NULL" } else { "" };
        format!("{} {}{required}", double_quote_identifier(&column.name), type_name(column))
    });
    let key = (!table.primary_key.is_empty()).then(|| {
        let names: Vec<String> = table.primary_key.iter().map(|name| double_quote_identifier(name)).collect();
        format!("PRIMARY KEY ({})", names.join(", "))
    });
    let references = table.references.iter().map(|NewReference { column, target, target_column }| {
        format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}) DEFERRABLE INITIALLY DEFERRED",
            double_quote_identifier(column),
            double_quote_identifier(target.as_str()),
            double_quote_identifier(target_column)
        )
    });
    let parts: Vec<String> = columns.chain(key).chain(references).collect();
    format!("CREATE TABLE {} ({})", main_table(&table.name), parts.join(", "))
}

/// The type that the file's own database declared, if it is nothing but one; else one that loses nothing. Decimals are texts: numbers
/// would keep 15 of their digits.
fn type_name(column: &NewColumn) -> &str {
    if let Some(declared) = column.native_type.as_deref().filter(|declared| is_type(declared)) {
        return declared;
    }
    match column.codec {
        Codec::Boolean => "BOOLEAN",
        Codec::Integer => "INTEGER",
        Codec::Double => "REAL",
        Codec::Base64 => "BLOB",
        Codec::Dynamic => "",
        Codec::Decimal | Codec::Text | Codec::Timestamp | Codec::Date | Codec::Time | Codec::Json | Codec::Native => {
            "TEXT"
        }
    }
}

/// Words, and then at most two numbers in parentheses.
fn is_type(declared: &str) -> bool {
    let (words, numbers) = match declared.split_once('(') {
        Some((words, rest)) => match rest.strip_suffix(')') {
            Some(numbers) => (words, Some(numbers)),
            None => return false,
        },
        None => (declared, None),
    };
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !NO_TYPES.contains(&word.to_ascii_uppercase().as_str())
    };
    let is_number = |number: &str| {
        let number = number.trim();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    words.split_ascii_whitespace().all(is_word)
        && numbers.is_none_or(|numbers| {
            !words.trim().is_empty() && numbers.split(',').count() <= 2 && numbers.split(',').all(is_number)
        })
}

#[cfg(test)]
mod tests {
    use super::is_type;

    #[test]
    fn a_type_is_words_and_numbers_and_no_rule() {
        for declared in ["", "INTEGER", "unsigned big int", "VARCHAR(12)", "NUMERIC(10, 2)", "BOOLEAN"] {
            assert!(is_type(declared), "{declared}");
        }
        for declared in [
            "INTEGER PRIMARY KEY",
            "TEXT default 1",
            "TEXT)",
            "INT); DROP TABLE x; --",
            "INT(1",
            "(1)",
            "INT(1,2,3)",
            "INT(x)",
            "\"INT\"",
            "INT/**/",
            "1INT",
            "generated ALWAYS as (1)",
        ] {
            assert!(!is_type(declared), "{declared}");
        }
    }
}
