//! Rewrites what a record refers to: in columns, inside JSON, in lists, and in texts that name files.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::ids::{IdMap, is_uuid};
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::seal::archive::MEDIA_FOLDER;
use crate::server::rows::{ForeignKey, JsonStep, Referring};

/// The JSON texts of a record's columns.
pub type Values = BTreeMap<String, String>;

const UUID_CHARS: usize = 36;

/// The text of a JSON string; nothing for anything else.
pub fn text_of(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

pub fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What a reference goes by must be plain: a value that says its own type (`docs/format.md`, "Values") would not be looked at. Returns the
/// column that is not.
pub fn find_disguised<'k>(keys: impl Iterator<Item = &'k ForeignKey>, values: &Values) -> Option<&'k str> {
    let is_text = |column: &String| values.get(column).is_none_or(|json| json == "null" || text_of(json).is_some());
    for key in keys {
        let column = &key.columns[0];
        if let Some((other, _)) = key.when.iter().find(|(other, _)| !is_text(other)) {
            return Some(other);
        }
        let is_plain = match key.referring {
            Referring::Json(_) => values.get(column).is_none_or(|json| is_plain_json(json)),
            Referring::Columns | Referring::List(_) => is_text(column),
        };
        if !is_plain {
            return Some(column);
        }
    }
    None
}

/// JSON as it is, as the text that `$json` holds, or in a column of texts.
fn is_plain_json(json: &str) -> bool {
    let Ok(tag) = serde_json::from_str::<OrderedMap<String, Box<RawValue>>>(json) else {
        return true;
    };
    let is_tag = tag.len() == 1 && tag.iter().all(|(name, _)| name.starts_with('$'));
    !is_tag || tag.get("$json").is_some_and(|text| text_of(text.get()).is_some())
}

/// Calls `visit` with the table and the id of everything that the record refers to by this reference.
pub fn visit(key: &ForeignKey, values: &Values, visit: &mut dyn FnMut(&TableName, &str)) {
    let mut note = |id: &str| {
        visit(&key.target, id);
        None
    };
    rewritten(key, values, &mut note);
}

/// Replaces the ids that the record refers to by this reference.
pub fn rewrite(key: &ForeignKey, values: &mut Values, ids: &IdMap) {
    let mut map = |id: &str| match ids.map(&key.target, id) {
        Cow::Borrowed(_) => None,
        Cow::Owned(new) => Some(new),
    };
    if let Some(json) = rewritten(key, values, &mut map) {
        values.insert(key.columns[0].clone(), json);
    }
}

/// The column's JSON with other ids, if one is another.
fn rewritten(key: &ForeignKey, values: &Values, map: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let refers = key.when.iter().all(|(column, texts)| {
        values.get(column).and_then(|json| text_of(json)).is_some_and(|text| texts.contains(&text))
    });
    let json = values.get(&key.columns[0]).filter(|json| refers && *json != "null")?;
    match &key.referring {
        Referring::Columns => map(&text_of(json)?).map(|new| json_text(&new)),
        Referring::List(separator) => {
            let text = text_of(json)?;
            let mut is_changed = false;
            let parts: Vec<String> = text
                .split(separator.as_str())
                .map(|part| match map(part.trim()) {
                    Some(new) => {
                        is_changed = true;
                        part.replacen(part.trim(), &new, 1)
                    }
                    None => part.to_owned(),
                })
                .collect();
            is_changed.then(|| json_text(&parts.join(separator)))
        }
        Referring::Json(path) => {
            // A value that was not embedded is a tagged text (`docs/format.md`, "Values").
            let tagged: Option<OrderedMap<String, String>> = serde_json::from_str(json).ok();
            let tagged = tagged.as_ref().filter(|tag| tag.len() == 1).and_then(|tag| tag.get("$json"));
            if let Some(text) = tagged {
                return within_json(text, &path.0, map).map(|new| format!("{{\"$json\":{}}}", json_text(&new)));
            }
            // A column of texts may hold JSON, too. A path of no steps leads to the string itself.
            match text_of(json).filter(|_| !path.0.is_empty()) {
                Some(text) => within_json(&text, &path.0, map).map(|new| json_text(&new)),
                None => within_json(json, &path.0, map),
            }
        }
    }
}

/// The JSON with other ids where the path leads, if one is another. Everything else stays as it is written.
fn within_json(json: &str, path: &[JsonStep], map: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let mut new = String::with_capacity(json.len());
    let mut copied = 0;
    for found in find_values(json, path) {
        // A value of a text is a part of it.
        let start = found.as_ptr() as usize - json.as_ptr() as usize;
        if let Some(id) = text_of(found).and_then(|id| map(&id)) {
            new.push_str(&json[copied..start]);
            new.push_str(&json_text(&id));
            copied = start + found.len();
        }
    }
    new.push_str(&json[copied..]);
    (copied > 0).then_some(new)
}

/// The JSON texts to which the path leads, in their order. What has another shape has none.
fn find_values<'j>(json: &'j str, path: &[JsonStep]) -> Vec<&'j str> {
    let Some((step, rest)) = path.split_first() else { return vec![json] };
    let inner: Vec<&'j RawValue> = match step {
        JsonStep::Elements => serde_json::from_str(json).unwrap_or_default(),
        JsonStep::Member(name) => {
            let members: OrderedMap<String, &'j RawValue> = serde_json::from_str(json).unwrap_or_default();
            members.get(name.as_str()).copied().into_iter().collect()
        }
    };
    inner.into_iter().flat_map(|value| find_values(value.get(), rest)).collect()
}

/// Replaces the ids of files that a text names as `media/<id>`.
pub fn rewrite_media_names(json: &str, media: &TableName, ids: &IdMap) -> Option<String> {
    let text = text_of(json)?;
    let (mut new, mut rest, mut is_changed) = (String::with_capacity(text.len()), text.as_str(), false);
    while let Some(at) = rest.find(MEDIA_FOLDER) {
        let (before, after) = rest.split_at(at + MEDIA_FOLDER.len());
        new.push_str(before);
        rest = after;
        if let Some(id) = after.get(..UUID_CHARS).filter(|id| is_uuid(id)) {
            let mapped = ids.map(media, id);
            is_changed |= mapped != id;
            new.push_str(&mapped);
            rest = &after[UUID_CHARS..];
        }
    }
    new.push_str(rest);
    is_changed.then(|| json_text(&new))
}

#[cfg(test)]
mod tests {
    use super::super::ids::IdOrigin;
    use super::*;

    const ID: &str = "01900000-0000-7000-8000-000000000001";

    fn key(referring: Referring, when: Vec<(String, Vec<String>)>) -> ForeignKey {
        ForeignKey { when, referring, ..ForeignKey::new(vec!["to".into()], "media".into(), vec!["id".into()]) }
    }

    fn ids() -> IdMap {
        IdMap::new(IdOrigin::Copied, "import".to_owned())
    }

    fn new_id() -> String {
        ids().map(&"media".into(), ID).into_owned()
    }

    fn rewritten_value(key: &ForeignKey, json: &str) -> String {
        let mut values = Values::from([("to".to_owned(), json.to_owned()), ("kind".to_owned(), "\"file\"".to_owned())]);
        rewrite(key, &mut values, &ids());
        values["to"].clone()
    }

    #[test]
    fn ids_are_replaced_where_they_refer_and_nowhere_else() {
        let (columns, new) = (key(Referring::Columns, Vec::new()), new_id());
        assert_eq!(rewritten_value(&columns, &format!("\"{ID}\"")), format!("\"{new}\""));
        assert_eq!(rewritten_value(&columns, "null"), "null");
        let of_kind = |kind: &str| key(Referring::Columns, vec![("kind".into(), vec![kind.into()])]);
        assert_eq!(rewritten_value(&of_kind("file"), &format!("\"{ID}\"")), format!("\"{new}\""));
        assert_eq!(rewritten_value(&of_kind("other"), &format!("\"{ID}\"")), format!("\"{ID}\""));
        let list = key(Referring::List(",".into()), Vec::new());
        assert_eq!(rewritten_value(&list, &format!("\" {ID} ,{ID}\"")), format!("\" {new} ,{new}\""));
        let json = key(Referring::Json("$.a[*].id".parse().unwrap()), Vec::new());
        let text = |id: &str| format!(r#"{{"x": 1.50,"a":[{{"id" : "{id}","b":"{ID}"}}, {{"id":7}},3],"id":"{ID}"}}"#);
        assert_eq!(rewritten_value(&json, &text(ID)), text(&new));
        let tagged = |id: &str| format!("{{\"$json\":{}}}", json_text(&text(id)));
        assert_eq!(rewritten_value(&json, &tagged(ID)), tagged(&new));
        let in_text = |id: &str| json_text(&text(id));
        assert_eq!(rewritten_value(&json, &in_text(ID)), in_text(&new));
        assert_eq!(rewritten_value(&json, "\"no JSON\""), "\"no JSON\"");
        let whole = key(Referring::Json("$".parse().unwrap()), Vec::new());
        assert_eq!(rewritten_value(&whole, &format!("\"{ID}\"")), format!("\"{new}\""));
        assert_eq!(rewritten_value(&json, "[1]"), "[1]");
    }

    #[test]
    fn what_says_its_own_type_is_disguised() {
        let disguised = |referring: Referring, json: &str| {
            let values = Values::from([("to".to_owned(), json.to_owned())]);
            find_disguised(std::iter::once(&key(referring, Vec::new())), &values).is_some()
        };
        let json = || Referring::Json("$[*]".parse().unwrap());
        for value in [r#"{"$text":"x"}"#, r#"{"$bytes":"eA=="}"#, r#"{ "$text": "x"}"#, "7", "true", "[1]"] {
            assert!(disguised(Referring::Columns, value), "{value}");
        }
        for value in [r#"{"$text":"[]"}"#, r#"{"$bytes":"W10="}"#, r#"{"$json":7}"#] {
            assert!(disguised(json(), value), "{value}");
        }
        for value in ["null", "[]", r#"["a"]"#, r#""[\"id\"]""#, r#"{"$json":"[]"}"#, r#"{"a":1}"#, r#"{"$a":1,"b":2}"#]
        {
            assert!(!disguised(json(), value), "{value}");
        }
        assert!(!disguised(Referring::Columns, "null") && !disguised(Referring::Columns, "\"x\""));
        let kind = key(Referring::Columns, vec![("kind".into(), vec!["file".into()])]);
        let values = Values::from([("kind".to_owned(), r#"{"$text":"file"}"#.to_owned())]);
        assert_eq!(find_disguised(std::iter::once(&kind), &values), Some("kind"));
    }

    #[test]
    fn texts_name_files_by_their_new_ids() {
        let new = new_id();
        let text = |id: &str| json_text(&format!("![](media/{id}.png) media/ media/x \u{e9}media/{id}"));
        assert_eq!(rewrite_media_names(&text(ID), &"media".into(), &ids()).unwrap(), text(&new));
        assert_eq!(rewrite_media_names("\"media/none\"", &"media".into(), &ids()), None);
    }
}
