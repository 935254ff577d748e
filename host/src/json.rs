//! JSON that people write: an error names the entry that is wrong, and what it may have been meant to be.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A name is taken for a slip of another from this likeness on: 1 is the same name, 0 has no letter in common.
const LIKE: f64 = 0.5;
/// A name is taken for one at another place from this likeness on.
const ALIKE: f64 = 0.9;

/// Reads a JSON file. `what` says what the file should hold, for errors.
///
/// # Errors
///
/// If the file cannot be read or is no JSON.
pub fn read(path: &Path, what: &str) -> Result<Value> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the {what} {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no {what}", path.display()))
}

/// The value that `json` describes.
///
/// # Errors
///
/// If an entry is missing, has a wrong type or is out of range. The error names the entry. Entries that the value does
/// not have are ignored.
pub fn lenient<T: DeserializeOwned>(json: Value) -> Result<T> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner().to_string();
        let reason = match reason.strip_prefix("missing field ") {
            Some(entry) => format!("the entry {entry} is missing"),
            None => reason,
        };
        if path == "." { anyhow!(reason) } else { anyhow!("{path}: {reason}") }
    })
}

/// The value that `json` describes.
///
/// # Errors
///
/// As [`lenient`], and if an entry is unknown: the error names the known one that is most like it.
pub fn strict<T: DeserializeOwned + Serialize>(json: Value) -> Result<T> {
    let value = lenient(json.clone())?;
    let known = serde_json::to_value(&value)?;
    check_known(&json, &known, "", &known)?;
    Ok(value)
}

/// `base` with the entries that `changes` names. An object changes the entries that it names; a list replaces a list.
///
/// # Errors
///
/// As [`strict`].
pub fn with<T: DeserializeOwned + Serialize>(base: &T, changes: Value) -> Result<T> {
    if !changes.is_object() {
        bail!("wanted an object with entries, got {}", kind(&changes));
    }
    let mut json = serde_json::to_value(base)?;
    lay_over(&mut json, changes);
    strict(json)
}

/// The object that changes one entry: `a.b=1` becomes `{"a": {"b": 1}}`. What is no JSON is text.
///
/// # Errors
///
/// If there is no `=`, or a name is empty.
pub fn entry(text: &str) -> Result<Value> {
    let (path, value) = text.split_once('=').with_context(|| format!("'{text}': wanted ENTRY=VALUE"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    path.rsplit('.').try_fold(value, |value, name| {
        let name = name.trim();
        if name.is_empty() {
            bail!("'{text}': wanted ENTRY=VALUE, with a dot between the names of an entry within an entry");
        }
        Ok(Value::Object(Map::from_iter([(name.to_owned(), value)])))
    })
}

fn lay_over(base: &mut Value, changes: Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (name, change) in changes {
                lay_over(base.entry(name).or_insert(Value::Null), change);
            }
        }
        (base, changes) => *base = changes,
    }
}

/// Fails if `json` has an entry that `known`, the same value written by this program, has not. Both are at `path` of the
/// whole document, which is `all` as this program writes it.
fn check_known(json: &Value, known: &Value, path: &str, all: &Value) -> Result<()> {
    match (json, known) {
        (Value::Object(json), Value::Object(known)) => json.iter().try_for_each(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match known.get(name) {
                Some(known) => check_known(value, known, &path, all),
                None => bail!("unknown entry {path}: {}", proposal(&path, known, all)),
            }
        }),
        (Value::Array(json), Value::Array(known)) => json
            .iter()
            .zip(known)
            .enumerate()
            .try_for_each(|(index, (json, known))| check_known(json, known, &format!("{path}[{index}]"), all)),
        _ => Ok(()),
    }
}

/// What an unknown entry may have been meant to be: one of `known`, the entries beside it, or else one of `all`.
fn proposal(unknown: &str, known: &Map<String, Value>, all: &Value) -> String {
    let place = unknown.rfind('.').map_or("", |dot| &unknown[..=dot]);
    let nearest = nearest(unknown, known.keys().map(|name| format!("{place}{name}")));
    let elsewhere = self::nearest(unknown, paths(all, ""));
    match (nearest, elsewhere) {
        (Some((likeness, path)), _) if likeness >= LIKE => format!("did you mean {path}?"),
        (_, Some((likeness, path))) if likeness >= ALIKE => format!("did you mean {path}?"),
        (Some((_, path)), _) => {
            let names = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("the nearest is {path}, wanted one of {names}")
        }
        (None, _) => "wanted none here".to_owned(),
    }
}

/// The path whose last name is most like that of `unknown`, and how like it is.
fn nearest(unknown: &str, paths: impl IntoIterator<Item = String>) -> Option<(f64, String)> {
    let name = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |path: &str| strsim::normalized_damerau_levenshtein(&name(unknown), &name(path));
    paths.into_iter().map(|path| (likeness(&path), path)).max_by(|a, b| a.0.total_cmp(&b.0))
}

/// The paths of all entries of objects.
fn paths(json: &Value, place: &str) -> Vec<String> {
    let Value::Object(entries) = json else { return Vec::new() };
    let with_inner = |(name, value): (&String, &Value)| {
        let path = format!("{place}{name}");
        let mut paths = paths(value, &format!("{path}."));
        paths.push(path);
        paths
    };
    entries.iter().flat_map(with_inner).collect()
}

fn kind(json: &Value) -> &'static str {
    match json {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Tree {
        height: f64,
        #[serde(default)]
        leaves: usize,
        bark: Option<Bark>,
        rings: Vec<Bark>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Bark {
        thickness: f64,
    }

    fn tree() -> Tree {
        Tree { height: 2.0, leaves: 7, bark: Some(Bark { thickness: 0.5 }), rings: vec![] }
    }

    #[test]
    fn what_is_named_is_changed_and_nothing_else() {
        assert_eq!(with(&tree(), json!({})).unwrap(), tree());
        assert_eq!(with(&tree(), json!({"height": 3})).unwrap(), Tree { height: 3.0, ..tree() });
        assert_eq!(with(&tree(), json!({"bark": {"thickness": 1}})).unwrap().bark.unwrap().thickness, 1.0);
        assert_eq!(with(&tree(), json!({"bark": null})).unwrap().bark, None);
        assert_eq!(with(&tree(), json!({"rings": [{"thickness": 1}]})).unwrap().rings.len(), 1);
    }

    #[test]
    fn an_unknown_entry_is_an_error_that_names_its_place_and_the_nearest_known() {
        let error = |changes| with(&tree(), changes).unwrap_err().to_string();
        assert_eq!(error(json!({"heigth": 3})), "unknown entry heigth: did you mean height?");
        assert_eq!(
            error(json!({"bark": {"thicknes": 3, "thickness": 1}})),
            "unknown entry bark.thicknes: did you mean bark.thickness?"
        );
        assert_eq!(
            error(json!({"rings": [{"thickness": 1}, {"thickness": 1, "colour": 2}]})),
            "unknown entry rings[1].colour: the nearest is rings[1].thickness, wanted one of thickness"
        );
        assert_eq!(
            error(json!({"thickness": 3})),
            "unknown entry thickness: did you mean bark.thickness?",
            "elsewhere"
        );
    }

    #[test]
    fn an_entry_that_is_missing_or_of_a_wrong_type_is_named() {
        let error = |changes| with(&tree(), changes).unwrap_err().to_string();
        assert_eq!(error(json!({"rings": [{}]})), "rings[0]: the entry `thickness` is missing");
        let wrong = error(json!({"bark": {"thickness": "thin"}}));
        assert!(wrong.starts_with("bark.thickness: invalid type"), "{wrong}");
        assert_eq!(error(json!([1])), "wanted an object with entries, got a list");
    }

    #[test]
    fn a_single_entry_has_a_path_of_names_and_a_value_that_is_json_or_text() {
        assert_eq!(entry("a=1").unwrap(), json!({"a": 1}));
        assert_eq!(entry("a.b=[1, 2]").unwrap(), json!({"a": {"b": [1, 2]}}));
        assert_eq!(entry("a=once=twice").unwrap(), json!({"a": "once=twice"}));
        for wrong in ["a", "=1", "a.=1", ".a=1"] {
            assert!(entry(wrong).unwrap_err().to_string().contains("ENTRY=VALUE"), "{wrong}");
        }
    }
}
