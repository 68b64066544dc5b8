//! The arrays and objects that are open inside a value.

use super::check_result::{CheckResult, NOT_JSON};

/// Maximum nesting of a value; the writer's limit for embedded JSON is lower.
const MAX_DEPTH: u32 = 128;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    Array,
    Object,
}

/// One bit per level.
#[derive(Clone, Default)]
pub(super) struct Nesting {
    objects: u128,
    depth: u32,
}

impl Nesting {
    pub(super) fn open(&mut self, nest: Bracket) -> CheckResult {
        if self.depth == MAX_DEPTH {
            return Err("values are nested deeper than the format allows");
        }
        self.objects = self.objects << 1 | u128::from(nest == Bracket::Object);
        self.depth += 1;
        Ok(())
    }

    pub(super) fn close(&mut self, nest: Bracket) -> CheckResult {
        if self.depth == 0 || self.innermost() != nest {
            return Err(NOT_JSON);
        }
        self.objects >>= 1;
        self.depth -= 1;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.depth == 0
    }

    pub(super) fn innermost(&self) -> Bracket {
        if self.objects & 1 == 1 { Bracket::Object } else { Bracket::Array }
    }
}
