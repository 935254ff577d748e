//! `cargo xtask layers`: which file uses which, without a circle and, where layers are declared, downwards alone.
//!
//! A file uses another if a path in its code (in a `use`, a type, an expression, the words of a macro) names something
//! that the other file defines. A name that a module only re-exports counts as the file that defines it. Code under
//! `#[cfg(test)]` does not count, nor do files called `tests.rs`.

mod arrows;
mod check;
mod resolve;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use clap::Args;

use crate::repo;
use arrows::Arrow;
use check::{Layers, circles, climbs};
use tree::Sources;

/// Check that no files of a crate use each other in a circle, and that arrows between layers point downwards.
#[derive(Args, Debug)]
#[command(after_help = "Example: cargo xtask layers --list")]
pub struct LayersArgs {
    /// Print all arrows between rooms (the folders of a crate, and files beside them) with the number of names.
    #[arg(long)]
    list: bool,
}

/// Layers of a crate, the highest first. An entry is a file without `.rs`, a folder, or both. Files of one layer may
/// use one another. `lib.rs`, which declares the modules, is in no layer.
const LAYERS: [Layers; 2] = [
    Layers {
        source: "host/src",
        layers: &[
            &["main", "cli"],
            &["report"],
            &["experiments"],
            &["evaluation"],
            &["training"],
            &["model"],
            &["features"],
            &["corpus"],
            &["files", "interrupt", "json", "progress", "shares"],
        ],
    },
    Layers {
        source: "core/src",
        layers: &[
            &["recognizer", "listener", "image_recognizer", "endpointer"],
            &["engine"],
            &["model"],
            &["kernels", "frontend"],
            &["arch"],
            &["contract", "fixed", "packed", "quant", "spec", "activation", "snapshot"],
        ],
    },
];

/// Packages whose code is read: folder, and the name under which others use its library.
const PACKAGES: [(&str, &str); 7] = [
    ("core", "ser_core"),
    ("core/capi", "ser"),
    ("host", "ser_host"),
    ("host/fourier", "ser_fourier"),
    ("firmware-sim", "firmware_sim"),
    ("tests", "ser_tests"),
    ("tools/xtask", "xtask"),
];

/// Checks the repository.
pub fn check() -> Result<()> {
    run(&LayersArgs { list: false })
}

/// Runs the command.
pub fn run(args: &LayersArgs) -> Result<()> {
    let sources = Sources::read(repo::root(), &PACKAGES)?;
    let arrows = arrows::find(&sources);
    if args.list {
        list(&sources, &arrows);
    }
    let mut faults = circles(&sources, &arrows);
    for layers in &LAYERS {
        faults.extend(climbs(&sources, &arrows, layers));
    }
    for fault in &faults {
        println!("{fault}");
    }
    ensure!(faults.is_empty(), "{} faults in the order of files and layers", faults.len());
    println!("{} files, {} arrows: no circle, no arrow up", sources.files.len(), arrows.len());
    Ok(())
}

/// Prints the arrows between rooms.
fn list(sources: &Sources, arrows: &[Arrow]) {
    let mut rooms: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        let pair = (sources.room(arrow.from), sources.room(arrow.to));
        if pair.0 != pair.1 {
            rooms.entry(pair).or_default().extend(arrow.names.iter().map(String::as_str));
        }
    }
    for ((from, to), names) in &rooms {
        println!("{from} -> {to} ({})", names.len());
    }
    println!("{} arrows between rooms", rooms.len());
}
