//! Listing records to choose from, on every engine.

use waybill::model::name::TableName;
use waybill::server::source::{AcceptedValue, ChoiceQuery, Choices, Predicate};

use crate::source_contract::on_every_engine;

#[test]
fn choices_are_found_by_part_of_the_name_or_by_key() {
    on_every_engine(|case| {
        (case.change)("INSERT INTO children VALUES (13, 1, '100%_\u{e9}'), (14, 2, 'Mixed CASE')");
        let list = |search: &str, conditions: &[Predicate<'_>], limit| {
            let (table, conditions) = (TableName::from("children"), conditions.to_vec());
            let (key, show) = ("id", "note");
            let query = ChoiceQuery { table: &table, key, show, search, conditions: &conditions, limit };
            let Choices { first, total, is_more_than } = case.source.list_choices(&query).unwrap();
            assert!(!is_more_than);
            (first.into_iter().map(|choice| (choice.key, choice.name)).collect::<Vec<_>>(), total)
        };
        let one = |key: &str, name: &str| (vec![(key.to_owned(), name.to_owned())], 1);
        let (all, total) = list("", &[], 10);
        assert_eq!((all.len(), total), (5, 5), "records without a name too");
        assert_eq!(list("", &[], 2), (all[..2].to_vec(), 5), "in the order of the names");
        assert_eq!(list("0%_", &[], 9), one("13", "100%_\u{e9}"));
        assert_eq!(list("mIXED case", &[], 9), one("14", "Mixed CASE"));
        assert_eq!(list("12", &[], 9), one("12", "x"), "by key");
        assert_eq!(list("';--\"", &[], 9).1, 0);
        let of_one =
            [Predicate { column: "parent_id", any_of: vec![AcceptedValue::Text("1"), AcceptedValue::Text("2")] }];
        assert_eq!(list("", &of_one, 9).1, 3);
        assert_eq!(list("mixed", &of_one, 9), one("14", "Mixed CASE"));
        let no_number = [Predicate::equals("parent_id", "not a number")];
        assert_eq!(list("", &no_number, 9).1, 0);
        for (table, show) in [("seen", "name"), ("nothing", "name"), ("parents", "nothing")] {
            let table = TableName::from(table);
            let query = ChoiceQuery { table: &table, key: "id", show, search: "", conditions: &[], limit: 9 };
            assert!(case.source.list_choices(&query).is_err(), "{table}.{show}");
        }
    });
}
