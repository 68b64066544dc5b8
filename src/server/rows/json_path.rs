//! Paths to values inside JSON, such as `$.members[*].id`.

/// A path from the whole value on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPath(pub Vec<JsonStep>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JsonStep {
    /// The member of an object. Letters, digits and underscores.
    Member(String),
    /// Each element of an array.
    Elements,
}

/// The text is no such path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no path: write $, .name for a member and [*] for each element, such as $.members[*].id")]
pub struct InvalidPath;

impl std::str::FromStr for JsonPath {
    type Err = InvalidPath;

    /// Reads the part of SQL/JSON path (ISO/IEC 9075-2:2016, 9.39) that both engines take for the same.
    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let mut rest = text.strip_prefix('$').ok_or(InvalidPath)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("[*]") {
                steps.push(JsonStep::Elements);
                rest = after;
                continue;
            }
            let after = rest.strip_prefix('.').ok_or(InvalidPath)?;
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (name, after) = after.split_at(after.find(|c| !is_of_name(c)).unwrap_or(after.len()));
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(InvalidPath);
            }
            steps.push(JsonStep::Member(name.to_owned()));
            rest = after;
        }
        Ok(Self(steps))
    }
}

impl std::fmt::Display for JsonPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            JsonStep::Member(name) => write!(f, ".{name}"),
            JsonStep::Elements => f.write_str("[*]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_members_and_elements_are_read_and_nothing_else() {
        for path in ["$", "$[*]", "$.a", "$.members[*].user_id", "$[*][*]", "$._x9[*]"] {
            assert_eq!(path.parse::<JsonPath>().unwrap().to_string(), path);
        }
        for wrong in
            ["", "a", "$.", "$.9a", "$[0]", "$.a'b", "$.a b", "$..a", "$.a ? (@ > 1)", "$.\"a\"", "$.é", "$[*", "$x"]
        {
            assert_eq!(wrong.parse::<JsonPath>(), Err(InvalidPath), "{wrong}");
        }
    }
}
