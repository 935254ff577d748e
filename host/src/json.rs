//! JSON that people write: an error names the entry that is wrong, and what it may have been meant to be.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::map::Entry;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

/// A name is taken for a slip of another from this likeness on: 1 is the same name, 0 has no letter in common.
const LIKE: f64 = 0.5;
/// A name is a slip of another, and no entry of another version, from this likeness on.
const SLIP: f64 = 0.75;
/// A name is taken for one at another place from this likeness on.
const ALIKE: f64 = 0.9;

/// Reads a JSON file. `what` says what the file should hold, for errors.
///
/// # Errors
///
/// If the file cannot be read, is no JSON, or has an entry twice.
pub fn read(path: &Path, what: &str) -> Result<Value> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the {what} {}", path.display()))?;
    let Once(json) = serde_json::from_slice(&bytes).with_context(|| format!("{} is no {what}", path.display()))?;
    Ok(json)
}

/// A value whose objects have each entry once. serde_json alone takes the last of several.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some((name, Once(value))) = object.next_entry::<String, Once>()? {
            match entries.entry(name) {
                Entry::Vacant(entry) => entry.insert(value),
                Entry::Occupied(entry) => {
                    return Err(A::Error::custom(format_args!("the entry `{}` is there twice", entry.key())));
                }
            };
        }
        Ok(Value::Object(entries))
    }
}

/// The value that `json` describes.
///
/// # Errors
///
/// If an entry is missing, has a wrong type or is out of range. The error names the entry, and one that may be a slip of
/// it. Entries that the value does not have are ignored.
pub fn lenient<T: DeserializeOwned>(json: Value) -> Result<T> {
    serde_path_to_error::deserialize(&json).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.inner().to_string();
        let reason = match reason.strip_prefix("missing field ") {
            Some(entry) => match slip::<T>(&json, &error, entry.trim_matches('`')) {
                Some(slip) => format!("the entry {entry} is missing: is it `{slip}`?"),
                None => format!("the entry {entry} is missing"),
            },
            None => reason,
        };
        if path == "." { anyhow!(reason) } else { anyhow!("{path}: {reason}") }
    })
}

/// The entry beside a missing one that is most like it and that no other is missed for.
fn slip<T: DeserializeOwned>(
    json: &Value,
    error: &serde_path_to_error::Error<serde_json::Error>,
    missing: &str,
) -> Option<String> {
    let mut renamed = json.clone();
    let entries = error.path().iter().try_fold(&mut renamed, inside)?.as_object_mut()?;
    let (likeness, name) = nearest(missing, entries.keys().cloned())?;
    let value = entries.remove(&name)?;
    entries.insert(missing.to_owned(), value);
    let still_missing = serde_path_to_error::deserialize::<_, T>(&renamed).is_err_and(|again| {
        again.path().to_string() == error.path().to_string() && again.inner().to_string().starts_with("missing field ")
    });
    (likeness >= LIKE && !still_missing).then_some(name)
}

/// What stands in `json` at this place.
fn inside<'a>(json: &'a mut Value, place: &Segment) -> Option<&'a mut Value> {
    match place {
        Segment::Seq { index } => json.get_mut(*index),
        Segment::Map { key } => json.get_mut(key),
        Segment::Enum { variant } => json.get_mut(variant),
        Segment::Unknown => None,
    }
}

/// The value that `json` describes.
///
/// # Errors
///
/// As [`lenient`], and if an entry is unknown: the error names the known one that is most like it.
pub fn strict<T: DeserializeOwned + Serialize>(json: Value) -> Result<T> {
    known(json, 0.0)
}

/// The value that `json` describes, which this program wrote, or another version of it.
///
/// # Errors
///
/// As [`lenient`], and if an unknown entry is almost called like a known one. Others are ignored.
pub fn written<T: DeserializeOwned + Serialize>(json: Value) -> Result<T> {
    known(json, SLIP)
}

/// Fails for unknown entries that are at least so like a known one.
fn known<T: DeserializeOwned + Serialize>(json: Value, likeness: f64) -> Result<T> {
    let value = lenient(json.clone())?;
    let known = serde_json::to_value(&value)?;
    Known { all: &known, likeness }.check(&json, &known, "")?;
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

/// One object with the entries of all.
///
/// # Errors
///
/// If two of them name the same entry.
pub fn join(changes: &[Value]) -> Result<Value> {
    let mut all = Value::Object(Map::new());
    changes.iter().try_for_each(|change| add(&mut all, change.clone(), ""))?;
    Ok(all)
}

fn add(all: &mut Value, change: Value, path: &str) -> Result<()> {
    match (all, change) {
        (Value::Object(all), Value::Object(change)) => change.into_iter().try_for_each(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match all.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                    Ok(())
                }
                Entry::Occupied(entry) => add(entry.into_mut(), value, &path),
            }
        }),
        (first, second) => bail!("{path} is given twice: {first} and {second}"),
    }
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

/// What a document may have.
struct Known<'a> {
    /// The whole document as this program writes it.
    all: &'a Value,
    /// Unknown entries that are less like a known one are ignored.
    likeness: f64,
}

impl Known<'_> {
    /// Fails if `json` has an entry that `known`, the same value written by this program, has not. Both are at `path` of
    /// the document.
    fn check(&self, json: &Value, known: &Value, path: &str) -> Result<()> {
        match (json, known) {
            (Value::Object(json), Value::Object(known)) => json.iter().try_for_each(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match known.get(name) {
                    Some(known) => self.check(value, known, &path),
                    None => self.unknown(&path, known),
                }
            }),
            (Value::Array(json), Value::Array(known)) => json
                .iter()
                .zip(known)
                .enumerate()
                .try_for_each(|(index, (json, known))| self.check(json, known, &format!("{path}[{index}]"))),
            _ => Ok(()),
        }
    }

    /// The error of an unknown entry: it may have been meant to be one of `known`, the entries beside it, or else one of
    /// all.
    fn unknown(&self, unknown: &str, known: &Map<String, Value>) -> Result<()> {
        let place = unknown.rfind('.').map_or("", |dot| &unknown[..=dot]);
        let nearest = nearest(unknown, known.keys().map(|name| format!("{place}{name}")));
        let elsewhere = self::nearest(unknown, paths(self.all, ""));
        let meant = match (nearest, elsewhere) {
            (Some((likeness, _)), _) if likeness < self.likeness => return Ok(()),
            (None, _) if self.likeness > 0.0 => return Ok(()),
            (Some((likeness, path)), _) if likeness >= LIKE => format!("did you mean {path}?"),
            (_, Some((likeness, path))) if likeness >= ALIKE => format!("did you mean {path}?"),
            (Some((_, path)), _) => {
                let names = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                format!("the nearest is {path}, wanted one of {names}")
            }
            (None, _) => "wanted none here".to_owned(),
        };
        bail!("unknown entry {unknown}: {meant}")
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
    fn a_missing_entry_that_is_there_with_a_slip_is_told() {
        let error = |json| lenient::<Tree>(json).unwrap_err().to_string();
        assert_eq!(
            error(json!({"heigth": 3, "bark": null, "rings": []})),
            "the entry `height` is missing: is it `heigth`?"
        );
        assert_eq!(
            error(json!({"height": 3, "bark": {"thicknes": 1}, "rings": []})),
            "bark: the entry `thickness` is missing: is it `thicknes`?"
        );
        // An entry that is wanted itself is no slip of another.
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Rates {
            learning_rate: f64,
            final_learning_rate: f64,
        }
        let error = lenient::<Rates>(json!({"final_learning_rate": 1})).unwrap_err().to_string();
        assert_eq!(error, "the entry `learning_rate` is missing");
    }

    #[test]
    fn an_entry_of_another_version_is_ignored_and_a_slip_is_not() {
        let tree = |more: Value| {
            let mut json = serde_json::to_value(tree()).unwrap();
            json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            written::<Tree>(json)
        };
        assert_eq!(tree(json!({"colour": 1})).unwrap(), self::tree());
        assert_eq!(tree(json!({"leafs": 1})).unwrap(), self::tree());
        let error = tree(json!({"leavse": 1})).unwrap_err().to_string();
        assert_eq!(error, "unknown entry leavse: did you mean leaves?");
    }

    #[test]
    fn an_entry_that_is_there_twice_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tree.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path, "tree")
        };
        let error = format!("{:#}", read(r#"{"a": [1, {"b": 1, "b": 2}]}"#).unwrap_err());
        assert!(error.contains("tree.json is no tree: the entry `b` is there twice"), "{error}");
        let text = r#"{"a": [null, true, -1, 18446744073709551615, 0.1, "é\n"], "b": {}}"#;
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());

        let entries = |texts: &[&str]| join(&texts.iter().map(|text| entry(text).unwrap()).collect::<Vec<_>>());
        assert_eq!(entries(&["a.b=1", "a.c=2", "d=3"]).unwrap(), json!({"a": {"b": 1, "c": 2}, "d": 3}));
        assert_eq!(entries(&["a.b=1", "a.b=2"]).unwrap_err().to_string(), "a.b is given twice: 1 and 2");
        assert_eq!(entries(&["a=null", "a.b=2"]).unwrap_err().to_string(), "a is given twice: null and {\"b\":2}");
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
