//! Where corpora come from: on the command line one after the other, or listed in a TOML file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Deserializer, Serialize};

use super::layout::Layout;

/// A folder or manifest, and how it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Folder or manifest.
    pub path: PathBuf,
    /// Its name among others; None for that of the folder or manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How often its recordings are drawn beside those of the others, more than 0.
    #[serde(default = "one")]
    pub weight: f64,
    /// How its folder is read; None if the names in it say so. See [`Layout::named`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// New names of its labels; an empty one drops the label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

fn one() -> f64 {
    1.0
}

/// A list of corpora.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    corpus: Vec<Origin>,
}

impl Origin {
    /// A folder or manifest that is read as it looks.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), name: None, weight: 1.0, layout: None, map: BTreeMap::new() }
    }

    /// Whether a path is that of a list.
    pub fn is_list(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
    }

    /// The corpora of a list: a TOML file with a table `[[corpus]]` for each, which has a `path`, absolute or relative
    /// to the file, and may have `name`, `weight`, `layout` and `map`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no such list.
    pub fn list(file: &Path) -> Result<Vec<Self>> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot open corpus {}", file.display()))?;
        let read = || -> Result<Vec<Self>> {
            let List { corpus: mut origins } = toml::from_str(&text)?;
            ensure!(!origins.is_empty(), "it has no [[corpus]]");
            let folder = file.parent().unwrap_or(Path::new(""));
            for origin in &mut origins {
                ensure!(!origin.path.as_os_str().is_empty(), "the path of a corpus is empty");
                origin.path = folder.join(&origin.path);
                origin.check()?;
            }
            Ok(origins)
        };
        read().with_context(|| format!("{} is no list of corpora", file.display()))
    }

    /// The layout of its folder; None if the names in it say so.
    ///
    /// # Errors
    ///
    /// If there is no such layout.
    pub fn layout(&self) -> Result<Option<Layout>> {
        self.layout.as_deref().map(Layout::named).transpose()
    }

    fn check(&self) -> Result<()> {
        self.layout()?;
        ensure!(
            self.weight > 0.0 && self.weight.is_finite(),
            "the weight of {} is {}, wanted more than 0",
            self.path.display(),
            self.weight
        );
        if let Some(name) = self.name.as_ref().filter(|name| name.is_empty() || name.contains('/')) {
            bail!("the name of {} is '{name}', wanted one without /", self.path.display());
        }
        Ok(())
    }
}

/// Reads the corpora of a run. A run that was made before there were several has one path, or null for the synthetic
/// corpus.
///
/// # Errors
///
/// If it is neither.
pub fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Origin>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<Origin>),
        Path(PathBuf),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Either::List(origins)) => origins,
        Some(Either::Path(path)) => vec![Origin::new(&path)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Vec<Origin>> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("all.toml");
        std::fs::write(&file, text).unwrap();
        let mut origins = Origin::list(&file)?;
        for origin in &mut origins {
            if let Ok(below) = origin.path.strip_prefix(dir.path()) {
                origin.path = below.to_owned();
            }
        }
        Ok(origins)
    }

    #[test]
    fn a_list_names_paths_beside_it_weights_layouts_and_labels() {
        let origins = list(
            "[[corpus]]\npath = \"a\"\n\n[[corpus]]\npath = \"/b/c.csv\"\nname = \"mine\"\nweight = 2\n\
             layout = \"ravdess\"\nmap = { calm = \"neutral\", disgust = \"\" }\n",
        )
        .unwrap();
        assert_eq!(origins[0], Origin::new(Path::new("a")));
        let map = [("calm", "neutral"), ("disgust", "")].map(|(old, new)| (old.to_owned(), new.to_owned())).into();
        let second = Origin {
            name: Some("mine".to_owned()),
            weight: 2.0,
            layout: Some("ravdess".to_owned()),
            map,
            ..Origin::new(Path::new("/b/c.csv"))
        };
        assert_eq!(origins[1], second);
        assert!(second.layout().unwrap().is_some());
    }

    #[test]
    fn a_list_that_is_wrong_is_an_error_that_says_what() {
        for (text, wanted) in [
            ("", "missing field `corpus`"),
            ("corpus = []", "it has no [[corpus]]"),
            ("[[corpus]]\nname = \"a\"", "missing field `path`"),
            ("[[corpus]]\npath = \"a\"\nwieght = 2", "unknown field `wieght`"),
            ("[[corpus]]\npath = \"a\"\nweight = 0", "the weight of"),
            ("[[corpus]]\npath = \"a\"\nweight = nan", "wanted more than 0"),
            ("[[corpus]]\npath = \"a\"\nname = \"b/c\"", "wanted one without /"),
            ("[[corpus]]\npath = \"a\"\nlayout = \"ravdes\"", "unknown layout 'ravdes'"),
        ] {
            let error = format!("{:#}", list(text).unwrap_err());
            assert!(error.contains("is no list of corpora") && error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn runs_of_one_corpus_are_read_too() {
        let read = |json: &str| origins(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert_eq!(read("null"), []);
        assert_eq!(read("\"/a/b\""), [Origin::new(Path::new("/a/b"))]);
        let written = serde_json::to_string(&[Origin::new(Path::new("a")), Origin::new(Path::new("b"))]).unwrap();
        assert_eq!(read(&written).len(), 2);
    }
}
