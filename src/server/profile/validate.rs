//! Checks the rules of a profile that the types cannot express.

use super::comparison::ConditionValue;
use super::filter_profile::{DeclaredReference, Follow, QualifiedColumn};
use super::merge::merge_error;
use super::nearest::{did_you_mean, nearest};
use super::outside::outside_error;
use super::parse_error::ParseError;
use super::scope::ScopeProfile;
use super::selection::filter_error;
use super::spans::{Spans, start};
use super::unknown_column::unknown_column;
use super::{AppVersion, Auth, Comparison, Notice, Profile, Role};
use crate::model::classification::Classification;
use crate::model::name::TableName;
use crate::model::part_query;
use crate::model::redaction::Treatment;
use crate::model::selection::ScopeKind;

/// In bytes. Common file systems allow 255; date, time and `.json.zst` are added to the template.
const MAX_FILE_NAME_BYTES: usize = 200;

/// A rule that is broken: the offset in the text, and what is wrong there.
type Broken = (usize, String);

/// Finds the first broken rule of a profile.
pub fn validate(profile: &Profile, text: &str, places: &Spans) -> Result<(), ParseError> {
    let checked = check_names(profile, places)
        .and_then(|()| profile.auth.as_ref().map_or(Ok(()), |auth| check_auth(profile, auth, places)))
        .and_then(|()| check_roles(profile, places))
        .and_then(|()| check_selection(profile, places))
        .and_then(|()| check_app_version(profile, places))
        .and_then(|()| check_scopes(profile, places))
        .and_then(|()| check_merges(profile, places))
        .and_then(|()| check_outside(profile, places))
        .and_then(|()| profile.notice.as_ref().map_or(Ok(()), |notice| check_notice(profile, notice, places)));
    checked.map_err(|(at, what)| ParseError::at(text, at, what))
}

fn check_names(profile: &Profile, places: &Spans) -> Result<(), Broken> {
    if profile.name.trim().is_empty() {
        let what = "name is empty: give the name of the application";
        return Err((start(places.name.as_ref()), what.into()));
    }
    match file_name_error(&profile.file_name) {
        Some(what) => Err((start(places.file_name.as_ref()), what)),
        None => Ok(()),
    }
}

/// Everybody who has an archive reads the version.
fn check_app_version(profile: &Profile, places: &Spans) -> Result<(), Broken> {
    let Some(AppVersion::Column(QualifiedColumn(field))) = &profile.app_version else { return Ok(()) };
    let at = start(places.app_version.as_ref());
    match profile.column(&field.table, &field.column) {
        None => Err((at, format!("app_version: {}", unknown_column(profile, &field.table, &field.column)))),
        Some(column) if column.class != Classification::Plain => {
            Err((at, format!("app_version: {field} is not plain, and everybody who has an archive would read it")))
        }
        Some(_) => Ok(()),
    }
}

fn check_auth(profile: &Profile, auth: &Auth, places: &Spans) -> Result<(), Broken> {
    let (table, column) = auth.password_column();
    if profile.column(table, column).is_some_and(|column| column.class != Classification::Secret) {
        let what = format!("{table}.{column} holds the passwords that [auth] names: its class must be \"secret\"");
        return Err((places.column_start(table, column), what));
    }
    if auth.conditions().any(Comparison::is_unsatisfiable) {
        let what = "[auth] has an empty list, which matches no account: list a value or remove the condition";
        return Err((start(places.auth.as_ref()), what.into()));
    }
    Ok(())
}

fn check_roles(profile: &Profile, places: &Spans) -> Result<(), Broken> {
    let broken =
        profile.roles.iter().find_map(|(name, role)| Some((name, role_error(name, role, profile.auth.as_ref())?)));
    match broken {
        Some((name, what)) => Err((places.role_start(name), what)),
        None => Ok(()),
    }
}

fn role_error(name: &str, role: &Role, auth: Option<&Auth>) -> Option<String> {
    if auth.is_none() {
        Some(format!("role {name} needs [auth], which says where the accounts are"))
    } else if role.table.is_some() != role.user.is_some() {
        Some(format!("role {name}: give both table and user, or neither"))
    } else if role.when.is_empty() {
        Some(format!("role {name}: when is empty, name at least one column and its value"))
    } else if role.when.values().any(Comparison::is_unsatisfiable) {
        Some(format!("role {name}: an empty list matches no account, list at least one value"))
    } else {
        None
    }
}

/// Filters, references and owners name tables and columns of the profile.
fn check_selection(profile: &Profile, places: &Spans) -> Result<(), Broken> {
    for (name, filter) in &profile.filters {
        if matches!(name.as_str(), "tables" | "organization" | "person") {
            let what = format!("a filter cannot be called {name}, which is a choice of its own in every profile");
            return Err((places.filter_start(name), what));
        }
        if !part_query::is_filter_name(name) {
            let what =
                format!("filter {name}: a name has letters, digits, _ and - only, and is not `problem` or `refresh`");
            return Err((places.filter_start(name), what));
        }
        if let Some(what) = filter_error(profile, filter) {
            return Err((places.filter_start(name), format!("filter {name}: {what}")));
        }
    }
    for (reference, place) in profile.references.iter().zip(&places.references) {
        if let Some(what) = condition_error(profile, reference).or_else(|| within_value_error(profile, reference)) {
            return Err((place.span().start, what));
        }
        for (field, with) in
            [(&reference.from.0, &reference.together_with), (&reference.to.0, &reference.together_with)]
        {
            let columns = std::iter::once(&field.column).chain(with);
            let missing = columns.into_iter().find(|column| profile.column(&field.table, column).is_none());
            if let Some(column) = missing {
                return Err((place.span().start, unknown_column(profile, &field.table, column)));
            }
        }
    }
    for (name, table) in &profile.tables {
        if let Some(column) = table.owned_by.iter().find(|column| profile.column(name, column).is_none()) {
            let what = format!("owned_by: {}", unknown_column(profile, name, column));
            return Err((places.owned_by_start(name), what));
        }
    }
    Ok(())
}

/// What is wrong with a reference inside a value. A separator becomes part of a statement.
fn within_value_error(profile: &Profile, reference: &DeclaredReference) -> Option<String> {
    let DeclaredReference { from, path, split, .. } = reference;
    let column = &from.0;
    let names_owner = |table: &TableName| {
        let shared = profile.tables.values().filter_map(|table| table.shared.as_ref());
        profile.owner_columns(table).contains(&column.column) || shared.into_iter().any(|shared| shared.0 == *column)
    };
    if path.is_none() && split.is_none() {
        None
    } else if path.is_some() && split.is_some() {
        Some("give either path or split".into())
    } else if !reference.together_with.is_empty() {
        Some("a reference inside a value is one column's alone: leave together_with out".into())
    } else if reference.follow == Follow::Never {
        Some("a value with references cannot be emptied for one of them: leave follow out".into())
    } else if names_owner(&column.table) {
        Some(format!("{column} names owners, and a reference inside a value names none"))
    } else if split.as_ref().is_some_and(|text| {
        text.trim().is_empty() && text != " " || text.contains(['\'', '\\']) || text.contains(char::is_control)
    }) {
        Some("split needs what separates the references, without quotes and backslashes".into())
    } else {
        None
    }
}

/// What is wrong with the conditions of a reference. Their values become part of a statement.
fn condition_error(profile: &Profile, reference: &DeclaredReference) -> Option<String> {
    let table = &reference.from.0.table;
    let is_plain = |value: &ConditionValue| {
        let ConditionValue::Text(text) = value else { return false };
        !text.contains(['\'', '\\']) && !text.contains(char::is_control)
    };
    reference.when.iter().find_map(|(column, values)| {
        if profile.column(table, column).is_none() {
            return Some(format!("when: {}", unknown_column(profile, table, column)));
        }
        let values = values.accepted_values();
        let is_usable = !values.is_empty() && values.iter().all(is_plain);
        (!is_usable).then(|| format!("when: {column} needs a value, or a list of some, without quotes and backslashes"))
    })
}

/// Scopes name tables and columns of the profile, and every table has one way at most to be in them.
fn check_scopes(profile: &Profile, places: &Spans) -> Result<(), Broken> {
    for (kind, scope) in profile.scopes.iter() {
        if let Some(what) = scope_error(profile, kind, scope) {
            return Err((places.scope_start(kind.as_str()), format!("scope {}: {what}", kind.as_str())));
        }
    }
    for (name, table) in &profile.tables {
        let spans = places.tables.get(name);
        let ways = [
            ("owned_by", !table.owned_by.is_empty(), spans.and_then(|table| table.owned_by.as_ref())),
            ("whole", table.whole, spans.and_then(|table| table.whole.as_ref())),
            ("private", table.private.is_some(), spans.and_then(|table| table.private.as_ref())),
        ];
        let given: Vec<_> = ways.iter().filter(|(_, is_given, _)| *is_given).collect();
        if let [(first, ..), (second, _, at), ..] = given[..] {
            // Private records may say whose they are: a segment by a filter has them.
            if (*first, *second) != ("owned_by", "private") {
                return Err((start(*at), format!("{name}: give either {first} or {second}")));
            }
        }
        let shared = table.shared.as_ref().filter(|shared| profile.column(&shared.0.table, &shared.0.column).is_none());
        if let Some(shared) = shared {
            let at = start(spans.and_then(|table| table.shared.as_ref()));
            return Err((at, format!("shared: {}", unknown_column(profile, &shared.0.table, &shared.0.column))));
        }
    }
    Ok(())
}

fn scope_error(profile: &Profile, kind: ScopeKind, scope: &ScopeProfile) -> Option<String> {
    let missing = scope.named_columns().into_iter().find(|(table, column)| profile.column(table, column).is_none());
    if let Some((table, column)) = missing {
        return Some(unknown_column(profile, table, column));
    }
    if scope.owners.as_ref().is_some_and(|owners| owners.when.values().any(Comparison::is_unsatisfiable)) {
        return Some("an empty list matches no owner: list a value".into());
    }
    if kind == ScopeKind::Person {
        if scope.owners.is_some() || scope.notice.is_some() {
            return Some("a person's data is theirs alone: leave owners and notice out".into());
        }
        // Whoever signs in is the person: anything else would be somebody else's data.
        let is_account = |auth: &Auth| auth.table == scope.table && auth.id == scope.key;
        if profile.auth.as_ref().is_some_and(|auth| !is_account(auth)) {
            return Some("table and key must be those of [auth]: whoever signs in is the person".into());
        }
    }
    None
}

fn check_merges(profile: &Profile, places: &Spans) -> Result<(), Broken> {
    for (name, table) in &profile.tables {
        if let Some(what) = table.merge.as_ref().and_then(|merge| merge_error(profile, name, merge)) {
            let at = start(places.tables.get(name).and_then(|table| table.merge.as_ref()));
            return Err((at, format!("{name}.merge: {what}")));
        }
    }
    Ok(())
}

fn check_outside(profile: &Profile, places: &Spans) -> Result<(), Broken> {
    let broken = profile.outside.iter().find_map(|(name, rule)| Some((name, outside_error(profile, name, rule)?)));
    broken.map_or(Ok(()), |(name, what)| Err((places.outside_start(name), format!("[outside] {name}: {what}"))))
}

fn check_notice(profile: &Profile, notice: &Notice, places: &Spans) -> Result<(), Broken> {
    if profile.tables.contains_key(&notice.people) {
        return Ok(());
    }
    let near = nearest(notice.people.as_str(), profile.tables.keys().map(TableName::as_str));
    let place = places.notice.as_ref().and_then(|notice| notice.people.as_ref());
    Err((start(place), format!("notice.people must be a table of this profile{}", did_you_mean(near))))
}

/// The mistake in a file name template, if there is one.
fn file_name_error(template: &str) -> Option<String> {
    let plain = template.replace("{date}", "").replace("{time}", "");
    if template.is_empty() || template.contains(['/', '\\', '\0']) || matches!(template, "." | "..") {
        return Some("file_name must be a plain file name".into());
    }
    if plain.contains(['{', '}']) {
        return Some("file_name: only {date} and {time} may be in braces".into());
    }
    (template.len() > MAX_FILE_NAME_BYTES)
        .then(|| format!("file_name is too long: use at most {MAX_FILE_NAME_BYTES} bytes, so that date and suffix fit"))
}

/// Refuses what would let secrets out.
pub fn check_treatments(text: &str, places: &Spans) -> Result<(), ParseError> {
    match places.treatments.get("secret") {
        Some(value) if value.get_ref().as_str() != Some(Treatment::Omit.as_str()) => {
            let what = "secrets are always omitted: treatments.secret must be \"omit\"";
            Err(ParseError::at(text, value.span().start, what.into()))
        }
        _ => Ok(()),
    }
}
