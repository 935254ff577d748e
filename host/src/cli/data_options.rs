//! Options for what a command reads and keeps: the corpus and the cache of rows. The simulator has them too.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use ser_core::spec::FrontEnd;

use crate::corpus::choice::{Choice, Classes, told};
use crate::corpus::known::Known;
use crate::corpus::labels::{Labels, canonical, plain};
use crate::corpus::layout::Layout;
use crate::corpus::origin::Origin;
use crate::corpus::skipped::{grouped, lines};
use crate::corpus::{Corpus, Member, Problem};
use crate::features::cache::FeatureCache;

/// The corpus that a command works on.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct CorpusOption {
    /// A known corpus as it is downloaded (RAVDESS, CREMA-D, TESS, SAVEE, EMO-DB, EMOVO, nEMO, ESD, ShEMO, URDU, ASED,
    /// CASIA), a folder with speaker/emotion/name.wav or emotion/name.wav, a CSV manifest
    /// path,speaker,emotion,sentence, or a TOML list: a table `corpus` for each, with path, and name, weight, layout and
    /// map. Given several times, all are read as one [default: the synthetic corpus].
    #[arg(id = "corpus", long, value_name = "DIR|CSV|TOML")]
    pub paths: Vec<PathBuf>,
    /// How folders are read: as folders named after emotions, or as a known corpus [default: as the names in them say].
    #[arg(long, value_name = "NAME", requires = "corpus", ignore_case = true, value_parser = layouts())]
    pub layout: Option<String>,
    /// Which of its labels are classes.
    #[command(flatten)]
    pub labels: LabelOptions,
}

/// The names of the layouts.
pub fn layouts() -> PossibleValuesParser {
    let known = Known::all().iter().map(|known| known.name);
    PossibleValuesParser::new([Layout::FOLDERS].into_iter().chain(known))
}

/// Which labels of a corpus are classes.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct LabelOptions {
    /// The classes, or 'all' [default: angry, fear, happy, neutral, sad and surprise if the corpus has all of them, and
    /// else all that it has].
    #[arg(long, value_name = "LABEL,...", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// New names of labels, for instance calm=neutral; without a new name the label is dropped: disgust=
    #[arg(long, value_name = "OLD=NEW,...", value_delimiter = ',', value_parser = renaming)]
    pub map: Vec<(String, String)>,
}

impl LabelOptions {
    /// The choice; `usual` without --labels.
    ///
    /// # Errors
    ///
    /// If a label is named twice, by the same name or by two that mean the same.
    pub fn choice(&self, usual: Classes) -> Result<Choice> {
        let classes = match self.labels.as_slice() {
            [] => usual,
            [all] if all.eq_ignore_ascii_case("all") => Classes::All,
            labels => {
                let mut labels: Vec<String> = labels.iter().map(|label| canonical(label)).collect();
                labels.sort_unstable();
                ensure!(labels.iter().all(|label| !label.is_empty()), "--labels names an empty label");
                let twice = labels.windows(2).find(|pair| pair[0] == pair[1]);
                ensure!(twice.is_none(), "--labels names {} twice", twice.map_or("a label", |pair| &pair[0]));
                Classes::These(labels)
            }
        };
        let mut map = BTreeMap::new();
        for (old, new) in &self.map {
            let before = map.insert(plain(old), canonical(new));
            ensure!(before.is_none(), "--map names {} twice", plain(old));
        }
        Ok(Choice { classes, map })
    }
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.trim().is_empty() && !new.contains('=') => {
            Ok((old.trim().to_owned(), new.trim().to_owned()))
        }
        _ => Err("wanted OLD=NEW, or OLD= to drop a label".to_owned()),
    }
}

impl CorpusOption {
    /// Whether a corpus is named.
    pub fn is_given(&self) -> bool {
        !self.paths.is_empty()
    }

    /// The corpora that the options name, those of lists among them.
    ///
    /// # Errors
    ///
    /// If a list cannot be read.
    pub fn origins(&self) -> Result<Vec<Origin>> {
        let mut origins = Vec::new();
        for path in &self.paths {
            let listed = if Origin::is_list(path) { Origin::list(path)? } else { vec![Origin::new(path)] };
            origins.extend(listed);
        }
        for origin in &mut origins {
            origin.layout = origin.layout.take().or_else(|| self.layout.clone());
        }
        Ok(origins)
    }

    /// Opens the corpus and reports on standard error what of it is skipped and left out. The classes are `usual` unless
    /// the options name them.
    ///
    /// # Errors
    ///
    /// Those of [`Corpus::open_all`].
    pub fn open(&self, usual: Classes) -> Result<Corpus> {
        let corpus = Corpus::open_all(&self.origins()?, &self.labels.choice(usual)?)?;
        tell_corpus(&corpus);
        Ok(corpus)
    }

    /// Opens the corpus for a network with these labels, which `network` names: its classes are theirs, in their order,
    /// unless the options name some of them. `map` gives labels new names, unless the options do. What the network
    /// cannot say is left out and told.
    ///
    /// # Errors
    ///
    /// Those of [`Corpus::open_all`]; or if the options name a label that the network does not know; or if it knows none of
    /// the corpus.
    pub fn open_for(&self, labels: &Labels, map: &BTreeMap<String, String>, network: &str) -> Result<Corpus> {
        let mut choice = self.labels.choice(Classes::Known(labels.names().to_vec()))?;
        if choice.map.is_empty() {
            choice.map.clone_from(map);
        }
        let corpus = Corpus::open_all(&self.origins()?, &choice)?;
        tell_corpus(&corpus);
        let is_known = |name: &String| labels.index_of(name).is_some();
        ensure!(
            !corpus.utterances.is_empty() && corpus.labels.names().iter().all(is_known),
            "the labels differ: {network} knows {labels}, corpus {} has {}; see --labels and --map",
            corpus.name,
            corpus.all_labels()
        );
        Ok(corpus)
    }
}

/// Reports on standard error what of a corpus is skipped and left out, in few lines.
pub fn tell_corpus(corpus: &Corpus) {
    for Member { name, known, .. } in &corpus.members {
        if let Some(known) = known {
            eprintln!("{name} is read as {known}");
        }
    }
    tell(&corpus.problems);
    corpus.remarks().iter().for_each(|line| eprintln!("{line}"));
    if let Some(left_out) = told(&corpus.left_out) {
        eprintln!("left out: {left_out}; --labels and --map choose");
    }
}

/// Reports on standard error what was skipped, in few lines.
pub fn tell(problems: &[Problem]) {
    lines(problems).iter().for_each(|line| eprintln!("{line}"));
}

/// Reports on standard error what had no answer, in few lines.
pub fn tell_unheard(problems: &[Problem]) {
    grouped(problems).iter().for_each(|line| eprintln!("no answer to {line}"));
}

/// Reads a number from 1 on, for an option.
///
/// # Errors
///
/// The error says what was wanted.
pub fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "wanted a whole number from 1 on".to_owned())
}

/// Where a command keeps log-mel rows.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct CacheOption {
    /// Folder that keeps log-mel rows between runs.
    #[arg(id = "cache", long, value_name = "DIR", default_value = "runs/.features")]
    pub folder: PathBuf,
}

impl CacheOption {
    /// The cache of the rows of a front end.
    ///
    /// # Errors
    ///
    /// Those of [`FeatureCache::new`].
    pub fn of(&self, front_end: &FrontEnd) -> Result<FeatureCache> {
        FeatureCache::new(front_end, &self.folder)
    }
}
