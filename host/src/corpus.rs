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
mod member;
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

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use choice::{Choice, Chosen, counts};
use labels::{EMOTIONS, Labels};
pub use member::Member;
use member::Read;
use origin::Origin;
use utterance::{Entry, Source, Told};
pub use utterance::{Problem, Utterance};
pub use write::Written;

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
    /// Recordings of known corpora that lie there more than once and are read once.
    pub repeated: usize,
    /// Recordings of known corpora that are no speech and are left out.
    pub others: usize,
}

impl Corpus {
    /// Finds the utterances of a folder or of a CSV manifest; no audio is read.
    ///
    /// A folder is that of a [`Known`](known::Known) corpus, as it is downloaded, or one in which recordings lie in folders that are
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
        let mut read: Vec<Read> = origins.iter().map(Read::open).collect::<Result<_>>()?;
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
        let member =
            Member { name: format!("synthetic-{seed}").into(), known: None, unread_manifest: None, weight: 1.0 };
        Self::of(
            vec![Read { member, entries, problems: Vec::new(), repeated: 0, others: 0, dropped: BTreeMap::new() }],
            choice,
        )
    }

    /// The labels that it has, classes or not, with commas between them.
    pub fn all_labels(&self) -> String {
        let classes = self.utterances.iter().map(Utterance::emotion_name);
        let all: BTreeSet<&str> = classes.chain(self.left_out.keys().map(String::as_str)).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    }

    /// Labels that a corpus calls by several names, one line for each: `happy 10 and joy 5 are both happy`.
    fn several_names(&self) -> Vec<String> {
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

    /// What is worth knowing of how it was read, one line each: labels with several names, labels that are not known as
    /// emotions, recordings that lie there more than once or are no speech, manifests that are not read.
    pub fn remarks(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.several_names().iter().map(|line| format!("{line}; --map renames each")).collect();
        let unknown: Vec<&str> =
            self.labels.names().iter().map(String::as_str).filter(|label| !labels::is_known(label)).collect();
        if let Some(first) = unknown.first() {
            lines.push(format!("not known as emotions: {}; --map {first}= drops one", unknown.join(", ")));
        }
        if self.repeated > 0 {
            lines.push(format!("{} recordings lie there more than once and are read once", self.repeated));
        }
        if self.others > 0 {
            lines.push(format!("no speech, and left out: {} recordings", self.others));
        }
        let manifests = self.members.iter().filter_map(|member| member.unread_manifest.as_ref());
        lines.extend(manifests.map(|path| format!("{} is not read: give it in place of its folder", path.display())));
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
        let (mut repeated, mut others) = (0, 0);
        for Read { member, entries, problems: of_member, repeated: twice, others: no_speech, dropped } in read {
            repeated += twice;
            others += no_speech;
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
        Ok(Self { name, members, labels, utterances, map: choice.map.clone(), left_out, problems, repeated, others })
    }

    /// The utterances by id.
    pub fn by_id(&self) -> BTreeMap<&str, &Utterance> {
        self.utterances.iter().map(|utterance| (utterance.id.as_str(), utterance)).collect()
    }
}
