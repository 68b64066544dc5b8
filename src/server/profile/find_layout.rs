//! Finds the layout of a built-in profile.

use super::layout::Layout;
use super::{Origin, Profile, builtin};

impl Profile {
    /// The layout of this name. Only built-in profiles have one, of their own name.
    #[must_use]
    pub fn layout(&self, name: &str) -> Option<Layout> {
        let product = builtin::find(&self.name).filter(|_| self.origin == Origin::BuiltIn && self.name == name)?;
        product.layout.map(|text| {
            toml::from_str(text)
                .unwrap_or_else(|error| unreachable!("the layout of {name} is compiled in, and has a test: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_names_tables_and_columns_of_its_profile() {
        let mut layouts = 0;
        for product in builtin::PRODUCTS.iter().filter(|product| product.layout.is_some()) {
            let profile = Profile::built_in(product.name).unwrap();
            let layout = profile.layout(product.name).unwrap();
            let mut waiting: Vec<_> = layout.documents.iter().collect();
            while let Some(node) = waiting.pop() {
                let columns =
                    node.on.keys().chain(&node.keyed_by).chain(&node.null).chain(&node.order).chain(&node.except);
                let columns = columns.chain(node.columns.iter().flatten());
                let columns = columns.chain(node.tombstone.iter().flat_map(|it| it.keep.iter().chain([&it.when])));
                for column in columns {
                    assert!(profile.column(&node.table, column).is_some(), "{}.{column}", node.table);
                }
                for child in &node.children {
                    for column in child.on.values() {
                        assert!(profile.column(&node.table, column).is_some(), "{}.{column}", node.table);
                    }
                    waiting.push(child);
                }
            }
            assert!(layout.manifest.counts.values().all(|table| layout.tables().contains(table)));
            layouts += 1;
        }
        assert_eq!(layouts, 2);
    }
}
