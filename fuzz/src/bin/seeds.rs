//! Writes the inputs that the fuzzers start from: `seeds FOLDER` makes `FOLDER/TARGET/NUMBER`.

use std::path::{Path, PathBuf};

use ser_fuzz::calls;
use ser_tests::untrusted::{model, recording, snapshot, text};

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("a folder"));
    write(&folder.join("model"), model::seeds())?;
    write(&folder.join("snapshot"), snapshot::seeds())?;
    write(&folder.join("recording"), recording::seeds())?;
    write(&folder.join("text"), text::seeds())?;
    write(&folder.join("calls"), calls::seeds())
}

fn write(folder: &Path, seeds: Vec<Vec<u8>>) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    seeds.iter().enumerate().try_for_each(|(number, seed)| std::fs::write(folder.join(number.to_string()), seed))
}
