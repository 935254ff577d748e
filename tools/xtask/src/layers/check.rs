//! What arrows may not do: go in a circle, or up.

use std::path::Path;

use super::arrows::Arrow;
use super::tree::Sources;

/// The layers of a crate.
#[derive(Debug)]
pub struct Layers<'a> {
    /// The folder of its sources.
    pub source: &'a str,
    /// The highest first; each holds names of files or folders in `source`.
    pub layers: &'a [&'a [&'a str]],
}

/// The circles, as texts: each a set of files of which every one leads to every other, with all arrows in it.
pub fn circles(sources: &Sources, arrows: &[Arrow]) -> Vec<String> {
    let count = sources.files.len();
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    for arrow in arrows {
        next[arrow.from].push(arrow.to);
    }
    let reached: Vec<Vec<bool>> = (0..count).map(|start| reachable(&next, start)).collect();
    let mut faults = Vec::new();
    for (first, from_first) in reached.iter().enumerate() {
        let circle: Vec<usize> = (0..count).filter(|&file| from_first[file] && reached[file][first]).collect();
        // Each circle is told once, from its first file.
        if circle.first() == Some(&first) {
            let mut text = format!("CIRCLE of {} files", circle.len());
            let within = |arrow: &&Arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to);
            for arrow in arrows.iter().filter(within) {
                text.push_str(&format!("\n    {}", in_words(sources, arrow)));
            }
            faults.push(text);
        }
    }
    faults
}

/// The arrows from a layer to a higher one, and the files that are in no layer, as texts.
pub fn climbs(sources: &Sources, arrows: &[Arrow], layers: &Layers<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for path in &sources.files {
        if let Place::Nowhere = place(path, layers) {
            faults.push(format!("NO LAYER has {}", path.display()));
        }
    }
    for arrow in arrows {
        let [from, to] = [arrow.from, arrow.to].map(|file| place(&sources.files[file], layers));
        if let (Place::Layer(from), Place::Layer(to)) = (from, to)
            && to < from
        {
            faults.push(format!("UP {}", in_words(sources, arrow)));
        }
    }
    faults
}

/// Where a file is.
enum Place {
    /// In another crate, or the library's root.
    Elsewhere,
    /// In this layer, counted from the highest.
    Layer(usize),
    /// In the crate, and in none of its layers.
    Nowhere,
}

fn place(path: &Path, layers: &Layers<'_>) -> Place {
    let Ok(within) = path.strip_prefix(layers.source) else { return Place::Elsewhere };
    let name = within.with_extension("");
    let Some(first) = name.iter().next().and_then(|word| word.to_str()) else { return Place::Elsewhere };
    if first == "lib" {
        return Place::Elsewhere;
    }
    layers.layers.iter().position(|layer| layer.contains(&first)).map_or(Place::Nowhere, Place::Layer)
}

fn reachable(next: &[Vec<usize>], start: usize) -> Vec<bool> {
    let mut reached = vec![false; next.len()];
    let mut waiting = next[start].clone();
    while let Some(file) = waiting.pop() {
        if !std::mem::replace(&mut reached[file], true) {
            waiting.extend(&next[file]);
        }
    }
    reached
}

fn in_words(sources: &Sources, arrow: &Arrow) -> String {
    let names: Vec<&str> = arrow.names.iter().map(String::as_str).collect();
    format!("{} -> {}: {}", sources.files[arrow.from].display(), sources.files[arrow.to].display(), names.join(", "))
}
