//! Recordings: utterances with their speaker, emotion and sentence, from folders, manifests or the synthesiser. Also
//! the check for what is wrong with them, and the split into parts.

pub mod audio;
pub mod check;
pub mod choice;
pub mod copies;
mod cues;
pub mod known;
pub mod labels;
pub mod layout;
mod manifest;
mod measure;
pub mod origin;
pub mod sentences;
pub mod skipped;
pub mod split;
pub mod synth;
mod table;
#[cfg(test)]
mod tests;
pub mod trained;
mod utterance;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use choice::{Choice, Chosen, Counts, renamed};
use known::Known;
use labels::{EMOTIONS, Labels};
use layout::Folder;
use origin::Origin;
use utterance::{Entry, Source, Told};
pub use utterance::{Problem, Utterance};
pub use write::Written;

/// What [`Corpus::open`] accepts, for error messages.
const EXPECTED: &str = "expected a known corpus as it is downloaded, a folder with speaker/emotion/name.wav or \
                        emotion/name.wav, or a CSV manifest with the header path,speaker,emotion,sentence";
/// A manifest with this name says nothing: its folder gives the name of the corpus.
const MANIFEST: &str = "manifest";

/// A list of utterances, and what was skipped.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Name of the folder or manifest; of several, their names with `+` between them.
    pub name: String,
    /// What it is made of: one, unless several were read as one.
    pub members: Vec<Member>,
    /// The classes.
    pub labels: Labels,
    /// Sorted by id.
    pub utterances: Vec<Utterance>,
    /// New names of labels that were asked for.
    pub map: BTreeMap<String, String>,
    /// Labels that are no class, with the number of their utterances, which are left out.
    pub left_out: BTreeMap<String, usize>,
    /// What was found and skipped.
    pub problems: Vec<Problem>,
}

/// A corpus, or one of several that were read as one.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name; no other has it.
    pub name: Arc<str>,
    /// The corpus that its folder was taken for, by the names in it.
    pub known: Option<&'static Known>,
    /// How often its recordings are drawn beside those of the others.
    pub weight: f64,
}

/// A member with its recordings.
struct Read {
    member: Member,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    /// Labels that the map of its origin drops.
    dropped: BTreeMap<String, usize>,
}

impl Corpus {
    /// Finds the utterances of a folder or of a CSV manifest; no audio is read.
    ///
    /// A folder is that of a [`Known`] corpus, as it is downloaded, or one in which recordings lie in folders that are
    /// named after emotions, at any depth: `speaker/emotion/name.wav`, or `emotion/name.wav`, which says nothing about
    /// speakers. Recordings end in [`audio::EXTENSIONS`]. A manifest is a CSV file with the columns `path` and
    /// `emotion`, and `speaker`, `sentence` and `sex` where they are known, in any order; its paths are absolute or
    /// relative to the manifest. [`canonical`](labels::canonical) names the emotions, and `choice` says which of them
    /// are classes. In a folder, names that start with a dot and other files are ignored.
    ///
    /// What does not fit (wrong place, missing file) is skipped and listed in [`Corpus::problems`].
    ///
    /// # Errors
    ///
    /// If the folder or manifest cannot be read or has no utterance at all, or if the corpus lacks a label that
    /// `choice` names.
    pub fn open(path: &Path, choice: &Choice) -> Result<Self> {
        Self::open_all(&[Origin::new(path)], choice)
    }

    /// Reads several corpora as one; without any, the synthetic one. If there are more than one, ids, speakers and
    /// sentences begin with the name of their corpus, so that no two corpora share them.
    ///
    /// # Errors
    ///
    /// As [`Corpus::open`]; or if two have the same name.
    pub fn open_all(origins: &[Origin], choice: &Choice) -> Result<Self> {
        if origins.is_empty() {
            return Self::of_voices(synth::DEFAULT_SEED, choice);
        }
        let mut read: Vec<Read> = origins.iter().map(read).collect::<Result<_>>()?;
        let mut names = BTreeSet::new();
        for (Read { member, .. }, origin) in read.iter().zip(origins) {
            ensure!(
                names.insert(member.name.clone()),
                "two corpora are called {}, the second is {}: name them in a TOML list",
                member.name,
                origin.path.display()
            );
        }
        if read.len() > 1 {
            read.iter_mut().for_each(Read::set_apart);
        }
        Self::of(read, choice).with_context(|| {
            let paths: Vec<String> = origins.iter().map(|origin| origin.path.display().to_string()).collect();
            format!("cannot open corpus {}", paths.join(" and "))
        })
    }

    /// The synthetic corpus: every voice says every sentence in every emotion. Samples are rendered at each request.
    pub fn synthetic(seed: u64) -> Self {
        Self::of_voices(seed, &Choice::default()).expect("all that is chosen is there")
    }

    fn of_voices(seed: u64, choice: &Choice) -> Result<Self> {
        let mut entries = Vec::with_capacity(synth::VOICES.len() * EMOTIONS.len() * synth::SENTENCES);
        for (voice, speaker) in synth::VOICES.iter().enumerate() {
            for (emotion, label) in EMOTIONS.iter().enumerate() {
                for sentence in 0..synth::SENTENCES {
                    let name = format!("{:03}", 201 + sentence);
                    entries.push(Entry {
                        id: format!("{speaker}/{label}/{name}.wav"),
                        told: Told::new(speaker, label, &name),
                        source: Source::Synthetic { seed, voice, emotion, sentence },
                    });
                }
            }
        }
        let member = Member { name: format!("synthetic-{seed}").into(), known: None, weight: 1.0 };
        Self::of(vec![Read { member, entries, problems: Vec::new(), dropped: BTreeMap::new() }], choice)
    }

    /// The labels that it has, classes or not, with commas between them.
    pub fn all_labels(&self) -> String {
        let classes = self.utterances.iter().map(Utterance::emotion_name);
        let all: BTreeSet<&str> = classes.chain(self.left_out.keys().map(String::as_str)).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// Labels that a corpus calls by several names, one line for each: `happy 10 and joy 5 are both happy`.
    pub fn several_names(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for member in &self.members {
            let own = self.utterances.iter().filter(|utterance| utterance.corpus == member.name);
            let meant = own.map(|utterance| (utterance.emotion_name(), utterance.called.as_str()));
            // What --map has renamed is called something else on purpose.
            let meant = meant.filter(|(label, called)| labels::canonical(called) == *label);
            for (label, names) in counts(meant).into_iter().filter(|(_, names)| names.len() > 1) {
                let names: Vec<String> = names.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
                lines.push(format!("{} are all {label}", names.join(", ")));
            }
        }
        lines
    }

    /// What a choice is among the classes of this corpus.
    fn chosen(&self, choice: &Choice) -> Result<Chosen> {
        let labels = self.utterances.iter().map(|utterance| (utterance.emotion_name(), utterance.called.as_str()));
        choice.among(&counts(labels))
    }

    /// The recordings of the members whose labels are chosen.
    fn of(read: Vec<Read>, choice: &Choice) -> Result<Self> {
        let told = read.iter().flat_map(|read| &read.entries).map(|Entry { told, .. }| told);
        let Chosen { labels, mut left_out, class_of } =
            choice.among(&counts(told.map(|told| (told.label.as_str(), told.called.as_str()))))?;
        let name = read.iter().map(|read| &*read.member.name).collect::<Vec<_>>().join("+");
        let (mut members, mut utterances, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for Read { member, entries, problems: of_member, dropped } in read {
            for Entry { id, told: Told { speaker, sex, label, called, sentence }, source } in entries {
                let (corpus, labels) = (member.name.clone(), labels.clone());
                if let Some(&emotion) = class_of.get(&(label, called.clone())) {
                    utterances.push(Utterance { id, corpus, speaker, sex, called, emotion, labels, sentence, source });
                }
            }
            dropped.into_iter().for_each(|(label, count)| *left_out.entry(label).or_default() += count);
            problems.extend(of_member);
            members.push(member);
        }
        utterances.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { name, members, labels, utterances, map: choice.map.clone(), left_out, problems })
    }

    /// The utterances by id.
    pub fn by_id(&self) -> BTreeMap<&str, &Utterance> {
        self.utterances.iter().map(|utterance| (utterance.id.as_str(), utterance)).collect()
    }
}

/// Finds the recordings of a corpus.
fn read(origin: &Origin) -> Result<Read> {
    let path = &origin.path;
    let context = || format!("cannot open corpus {}", path.display());
    let metadata = std::fs::metadata(path).with_context(context)?;
    let folder = if metadata.is_dir() {
        layout::read(path, origin.layout()?)
    } else {
        manifest::read(path).map(|(entries, problems)| Folder { entries, problems, known: None })
    };
    let Folder { mut entries, problems, known } = folder.with_context(context)?;
    if entries.is_empty() {
        let first = match problems.first() {
            Some(problem) => format!("; {} skipped, first {problem}", problems.len()),
            None => String::new(),
        };
        bail!("no utterance in {}: {EXPECTED}{first}", path.display());
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
    Ok(Read { member: Member { name, known, weight: origin.weight }, entries, problems, dropped })
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

impl Read {
    /// Puts the name of the corpus before ids, speakers and sentences, and before what was skipped.
    fn set_apart(&mut self) {
        let name = self.member.name.clone();
        let before = |text: &mut String| *text = format!("{name}/{text}");
        for Entry { id, told, .. } in &mut self.entries {
            before(id);
            [&mut told.speaker, &mut told.sentence].into_iter().filter(|text| !text.is_empty()).for_each(before);
        }
        self.problems.iter_mut().for_each(|problem| before(&mut problem.path));
    }
}

/// How often each label is there, by the name that the corpus has for it.
fn counts<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Counts {
    // By reference first: there are many recordings and few labels.
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    labels.for_each(|label| *counts.entry(label).or_default() += 1);
    let mut of_labels = Counts::new();
    for ((label, name), count) in counts {
        of_labels.entry(label.to_owned()).or_default().insert(name.to_owned(), count);
    }
    of_labels
}
