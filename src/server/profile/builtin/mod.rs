//! What Waybill knows about single applications: one folder a product, and this list of them.
//!
//! May import: `support`. Flow: a profile, the analysis guide and `waybill sample` look a product up by its name; nothing
//! else names one.

mod product;
mod seeded_random;
mod supportsignal;

pub use product::{KnownUser, Product, SampleData, SampleSpec};

/// Every application with a built-in profile.
pub const PRODUCTS: [&Product; 1] = [&supportsignal::PRODUCT];

/// The product whose sample `waybill sample` generates.
pub const SAMPLE_PRODUCT: &Product = PRODUCTS[0];

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
