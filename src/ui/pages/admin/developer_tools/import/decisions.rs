//! What becomes of conflicts: one answer for all of them, or one for each table.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::import::{TablePolicies, TablePolicy};

/// What somebody has decided about the conflicts of a plan.
#[derive(Clone, Default)]
pub struct Decisions {
    /// In all tables that have no answer of their own.
    pub all: Option<TablePolicy>,
    pub tables: TablePolicies,
}

impl Decisions {
    /// As options of a request, each after `&`.
    pub fn query(&self) -> String {
        let all = self.all.map(|policy| format!("&policy={policy}")).unwrap_or_default();
        if self.tables.is_empty() {
            return all;
        }
        let tables = serde_json::to_string(&self.tables).unwrap_or_default();
        format!("{all}&policies={}", utf8_percent_encode(&tables, NON_ALPHANUMERIC))
    }

    /// One sentence; nothing where nothing was decided.
    pub fn describe(&self) -> Option<String> {
        const WHAT: &str = "records that changed here since the file was made, are hidden, or have another natural key";
        if !self.tables.is_empty() {
            let tables = self.tables.iter().map(|(table, policy)| format!("{table}, {}", describe(*policy)));
            return Some(format!("As you decided of {WHAT}: {}.", tables.collect::<Vec<_>>().join("; ")));
        }
        match self.all? {
            TablePolicy::File => Some(format!("As you decided, {WHAT} are replaced, too.")),
            _ => Some(
                "As you decided, records that changed here since the file was made, or are hidden, stay as they are."
                    .to_owned(),
            ),
        }
    }
}

fn describe(policy: TablePolicy) -> &'static str {
    match policy {
        TablePolicy::File => "they are replaced",
        TablePolicy::Skip => "nothing of the table is imported",
        _ => "they stay as they are",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_its_answer_in_the_request_whatever_its_name_is() {
        let tables = [("a&b=\"c\"".into(), TablePolicy::Newer), ("sites".into(), TablePolicy::File)].into();
        let decisions = Decisions { all: None, tables };
        let query = decisions.query();
        let json = query.strip_prefix("&policies=").unwrap();
        assert!(!json.contains(['&', '=', '"']), "{json}");
        let read = percent_encoding::percent_decode_str(json).decode_utf8().unwrap();
        assert_eq!(serde_json::from_str::<TablePolicies>(&read).unwrap(), decisions.tables);
        let told = decisions.describe().unwrap();
        assert!(told.ends_with(": a&b=\"c\", they stay as they are; sites, they are replaced."), "{told}");
        let all = Decisions { all: Some(TablePolicy::Newer), tables: TablePolicies::new() };
        assert_eq!(all.query(), "&policy=newer");
        assert_eq!(Decisions::default().query() + &Decisions::default().describe().unwrap_or_default(), "");
    }
}
