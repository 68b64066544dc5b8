//! What a row is known by, and what its columns are compared by.

use super::super::{Error, Result, double_quote_identifier};
use super::catalog::{Relation, RelationColumn, Schema};
use super::error;
use crate::model::name::TableName;
use crate::server::rows::ForeignKey;

/// What a row of a table is known by.
pub enum RowKey {
    Place,
    PrimaryKey(Vec<(String, RelationColumn)>),
}

impl RowKey {
    pub fn of_table(schema: &Schema, table: &TableName) -> Result<Self> {
        let relation = schema.relation(table)?;
        let primary_key = schema.catalog.table(table).map_or(&[][..], |table| &table.primary_key);
        let column = |name: &String| Ok((name.clone(), column(relation, table, name)?.clone()));
        let columns = primary_key.iter().map(column).collect::<Result<Vec<_>>>()?;
        Ok(if columns.is_empty() { Self::Place } else { Self::PrimaryKey(columns) })
    }

    /// The key of the row of this alias.
    pub fn of(&self, alias: &str) -> Vec<String> {
        match self {
            Self::Place => vec![format!("{alias}.tableoid"), format!("{alias}.ctid")],
            Self::PrimaryKey(columns) => columns.iter().map(|(_, column)| column.compared(alias)).collect(),
        }
    }

    /// The number of its columns.
    pub fn width(&self) -> usize {
        match self {
            Self::Place => 2,
            Self::PrimaryKey(columns) => columns.len(),
        }
    }

    /// The columns in which a set's table stores it, each with `prefix` before it.
    pub fn stored(&self, prefix: &str) -> Vec<String> {
        (0..self.width()).map(|place| format!("{prefix}k{place}")).collect()
    }

    /// Whether values of the columns `referring`, which refer to `columns`, are those of one row at most: the key is unique as
    /// its own type compares, which another type may not do.
    pub fn is_unique_by(&self, columns: &[String], referring: &[&RelationColumn]) -> bool {
        let Self::PrimaryKey(own) = self else { return false };
        let mut pairs = own.iter().map(|(name, key)| (columns.iter().position(|column| column == name), key));
        pairs.all(|(place, key)| place.is_some_and(|place| referring[place].is_compared_like(key)))
    }

    /// What stores these columns in a row `k` of a set's table; nothing if one of them is not of the key.
    pub fn referred_to(&self, columns: &[String]) -> Option<Vec<String>> {
        let Self::PrimaryKey(own) = self else { return None };
        let place = |name: &String| own.iter().position(|(column, _)| column == name);
        columns.iter().map(|name| Some(format!("k.k{}", place(name)?))).collect()
    }
}

/// The names of columns, as a statement has them.
pub fn quoted<'n>(names: impl IntoIterator<Item = &'n String>) -> Vec<String> {
    names.into_iter().map(|name| double_quote_identifier(name)).collect()
}

/// What the columns of a row are compared by: a type that PostgreSQL cannot compare by itself, by its text.
pub fn expressions(relation: &Relation, table: &TableName, alias: &str, columns: &[String]) -> Result<Vec<String>> {
    let compared = |name: &String| {
        let column = column(relation, table, name)?;
        // Its owner's operator decides what is equal; the texts of equal values may differ.
        if column.base_type.ends_with("citext") {
            return Err(error::unusable_key(&table.field(name), &column.base_type));
        }
        Ok(column.compared(alias))
    };
    columns.iter().map(compared).collect()
}

/// The further condition that the row of this alias refers to the key's table at all; nothing where every row does. The values
/// have no quotes: the profile was checked.
pub fn applies_sql(relation: &Relation, table: &TableName, alias: &str, key: &ForeignKey) -> Result<String> {
    let condition = |(name, texts): &(String, Vec<String>)| {
        let texts: Vec<String> = texts.iter().map(|text| format!("CAST('{text}' AS text)")).collect();
        Ok(format!(" AND {} IN ({})", column(relation, table, name)?.as_text(alias), texts.join(", ")))
    };
    key.when.iter().map(condition).collect()
}

/// These columns of a table.
pub fn columns_of<'s>(schema: &'s Schema, table: &TableName, columns: &[String]) -> Result<Vec<&'s RelationColumn>> {
    let relation = schema.relation(table)?;
    columns.iter().map(|name| column(relation, table, name)).collect()
}

pub fn column<'r>(relation: &'r Relation, table: &TableName, name: &str) -> Result<&'r RelationColumn> {
    relation.columns.get(name).ok_or_else(|| Error::no_column(&table.field(name)))
}

pub fn equal(left: &[String], right: &[String]) -> String {
    left.iter().zip(right).map(|(left, right)| format!("{left} = {right}")).collect::<Vec<_>>().join(" AND ")
}
