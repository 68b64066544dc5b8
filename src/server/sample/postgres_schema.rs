//! The statements of a schema for PostgreSQL. Indexes and constraints are made last: this is faster.

/// The statements of a schema, by when they run.
#[derive(Default)]
pub struct PostgresSchema<'s> {
    /// The names of the tables, in the order of their statements.
    pub tables: Vec<&'s str>,
    types: Vec<&'s str>,
    /// Creates types and tables.
    pub create_tables: String,
    /// Creates what is made after the tables are filled.
    pub rest: String,
}

impl<'s> PostgresSchema<'s> {
    pub fn of(text: &'s str) -> Self {
        let mut schema = Self::default();
        for statement in text.split_inclusive(';') {
            let (table, created_type) = (name_after("CREATE TABLE ", statement), name_after("CREATE TYPE ", statement));
            schema.tables.extend(table);
            schema.types.extend(created_type);
            let is_early = table.or(created_type).is_some();
            if is_early { &mut schema.create_tables } else { &mut schema.rest }.push_str(statement);
        }
        schema
    }

    /// Removes tables and types that exist.
    pub fn drop_statements(&self) -> String {
        let tables = format!("DROP TABLE IF EXISTS {} CASCADE;", self.tables.join(", "));
        if self.types.is_empty() { tables } else { format!("{tables}DROP TYPE IF EXISTS {};", self.types.join(", ")) }
    }
}

/// The name of what a statement creates.
fn name_after<'s>(verb: &str, statement: &'s str) -> Option<&'s str> {
    let (_, rest) = statement.split_once(verb)?;
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_tables_come_first_and_are_dropped_by_name() {
        let text = "-- Chat\nCREATE TYPE mood AS ENUM ('a');\nCREATE TABLE x (\n a mood);\nCREATE INDEX i ON x (a);\n\
                    CREATE TABLE y (b int);\nALTER TABLE x ADD FOREIGN KEY (a) REFERENCES y (b);";
        let schema = PostgresSchema::of(text);
        assert_eq!(schema.tables, ["x", "y"]);
        assert!(schema.create_tables.contains("mood AS ENUM") && schema.create_tables.contains("TABLE y"));
        assert!(schema.rest.contains("INDEX i") && schema.rest.contains("FOREIGN KEY"));
        assert_eq!(schema.drop_statements(), "DROP TABLE IF EXISTS x, y CASCADE;DROP TYPE IF EXISTS mood;");
    }
}
