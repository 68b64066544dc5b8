//! What Waybill knows about single applications: one folder a product, and this list of them.
//!
//! May import: `support`. Flow: a profile and the analysis guide look a product up by its name; `waybill sample` makes the
//! sample of one, from its `SampleSpec`; nothing else names one.

pub mod carol;
pub mod ocomms;
mod product;
mod seeded_random;
pub mod supportsignal;

pub use product::{
    CopyRecords, InsertRecords, KnownUser, Product, Records, Sample, SampleFile, SampleFiles, TableRows,
};

/// Every application with a built-in profile.
pub const PRODUCTS: [&Product; 3] = [&supportsignal::PRODUCT, &ocomms::PRODUCT, &carol::PRODUCT];

/// Returns the product of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Product> {
    PRODUCTS.into_iter().find(|product| product.name == name)
}

/// The names of all products, for messages and help texts.
#[must_use]
pub fn names() -> String {
    PRODUCTS.map(|product| product.name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::profile::Profile;

    #[test]
    fn every_product_has_a_profile_of_its_name_and_a_guide_with_examples_and_prompts() {
        for product in PRODUCTS {
            assert_eq!(Profile::from_toml(product.profile).unwrap().name, product.name);
            assert!(product.guide.contains("\n---\n"), "{}", product.name);
            assert_eq!(find(product.name).unwrap().name, product.name);
        }
        assert!(find("other").is_none());
    }
}
