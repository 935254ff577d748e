//! One corpus of those that are read as one: its recordings, from a folder or a manifest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::choice::{counts, renamed};
use super::known::Known;
use super::layout::{self, Folder};
use super::origin::Origin;
use super::utterance::{Entry, Problem};
use super::{labels, manifest};

/// What is accepted, for error messages.
const EXPECTED: &str = "expected a known corpus as it is downloaded, a folder with speaker/emotion/name.wav or \
                        emotion/name.wav, or a CSV manifest with the header path,speaker,emotion,sentence";
/// A manifest with this name says nothing: its folder gives the name of the corpus.
const MANIFEST: &str = "manifest";

/// A corpus, or one of several that were read as one.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name; no other has it.
    pub name: Arc<str>,
    /// The corpus that its folder was taken for, by the names in it.
    pub known: Option<&'static Known>,
    /// A manifest in its folder, which is not read: the folder itself is.
    pub unread_manifest: Option<PathBuf>,
    /// How often its recordings are drawn beside those of the others.
    pub weight: f64,
}

/// A member with its recordings.
pub(super) struct Read {
    pub member: Member,
    pub entries: Vec<Entry>,
    pub problems: Vec<Problem>,
    /// Recordings that lie there more than once and are read once.
    pub repeated: usize,
    /// Recordings that are no speech and are left out.
    pub others: usize,
    /// Labels that the map of its origin drops.
    pub dropped: BTreeMap<String, usize>,
}

impl Read {
    /// Finds the recordings of a corpus.
    pub fn open(origin: &Origin) -> Result<Self> {
        let path = &origin.path;
        let context = || format!("cannot open corpus {}", path.display());
        let metadata = std::fs::metadata(path).with_context(context)?;
        if let (Some(layout), false) = (&origin.layout, metadata.is_dir()) {
            bail!("{}: the layout {layout} is for folders, wanted none for a manifest", path.display());
        }
        let manifest = path.join(MANIFEST).with_extension("csv");
        let has_manifest = metadata.is_dir() && manifest.is_file();
        let folder = if metadata.is_dir() {
            layout::read(path, origin.layout()?)
        } else {
            manifest::read(path).map(|(entries, problems)| Folder {
                entries,
                problems,
                repeated: 0,
                others: 0,
                known: None,
            })
        };
        let Folder { mut entries, problems, repeated, others, known } = folder.with_context(context)?;
        if entries.is_empty() {
            let first = match problems.first() {
                Some(problem) => format!("; {} skipped, first {problem}", problems.len()),
                None => String::new(),
            };
            let instead = if has_manifest {
                format!("; its manifest {} may be meant", manifest.display())
            } else {
                String::new()
            };
            bail!("no utterance in {}: {EXPECTED}{first}{instead}", path.display());
        }
        let mut dropped = BTreeMap::new();
        if !origin.map.is_empty() {
            let map = origin.map.iter().map(|(key, to)| (labels::plain(key), to.clone())).collect();
            let of = |entry: &Entry| (entry.told.label.clone(), entry.told.called.clone());
            let all = counts(entries.iter().map(|entry| (entry.told.label.as_str(), entry.told.called.as_str())));
            let new = renamed(&map, &all).with_context(|| format!("the map of {}", path.display()))?;
            entries.retain_mut(|entry| match new.get(&of(entry)) {
                Some(label) if label.is_empty() => {
                    *dropped.entry(entry.told.label.clone()).or_default() += 1;
                    false
                }
                Some(label) if *label != entry.told.label => {
                    (entry.told.label, entry.told.called) = (label.clone(), label.clone());
                    true
                }
                _ => true,
            });
        }
        let name = origin.name.clone().unwrap_or_else(|| name_of(path, metadata.is_dir())).into();
        Ok(Self {
            member: Member { name, known, unread_manifest: has_manifest.then_some(manifest), weight: origin.weight },
            entries,
            problems,
            repeated,
            others,
            dropped,
        })
    }

    /// Puts the name of the corpus before ids, speakers and sentences, and before what was skipped.
    pub fn set_apart(&mut self) {
        let name = self.member.name.clone();
        let before = |text: &mut String| *text = format!("{name}/{text}");
        for Entry { id, told, .. } in &mut self.entries {
            before(id);
            [&mut told.speaker, &mut told.sentence].into_iter().filter(|text| !text.is_empty()).for_each(before);
        }
        self.problems.iter_mut().for_each(|problem| before(&mut problem.path));
    }
}

/// The name of a folder, or of a manifest without its extension.
fn name_of(path: &Path, is_folder: bool) -> String {
    // A path such as `.` has a name only when it is resolved.
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = if is_folder { Some(&*resolved) } else { resolved.parent() };
    let folder = folder.and_then(Path::file_name);
    let file = resolved.file_stem().filter(|stem| !is_folder && *stem != MANIFEST);
    file.or(folder).map_or_else(|| "corpus".to_owned(), |name| name.to_string_lossy().into_owned())
}
