//! What a check returns, and the words for what is wrong.

pub type CheckResult<T = ()> = Result<T, &'static str>;

pub(super) const NOT_JSON: &str = "this is not JSON";
