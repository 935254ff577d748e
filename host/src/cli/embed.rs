//! `host embed`: a model as a C header.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use ser_core::Model;

use crate::files::write_atomic;
use crate::model::embed::c_header;

/// Write a model as a C header, for firmware that uses ser.h.
///
/// The header holds the model file as an aligned array. Macros give the sizes of the memory that the firmware needs.
#[derive(Args, Debug)]
#[command(after_help = "Example: host embed models/casia/edge.ser --out edge.h")]
pub struct EmbedArgs {
    /// Int8 model file.
    #[arg(value_name = "FILE")]
    model: PathBuf,
    /// Header to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Prefix of all names in the header [default: name of the model file, with _ for all but letters and digits].
    #[arg(long)]
    name: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// If the file can't be read or is no model, the name is unusable in C, or the header can't be written.
pub fn run(args: &EmbedArgs) -> Result<()> {
    let path = args.model.display();
    let file = std::fs::read(&args.model).with_context(|| format!("cannot read {path}"))?;
    let model = Model::parse(&file).map_err(|error| anyhow!("{path}: {error}"))?;
    let name = args.name.clone().unwrap_or_else(|| default_name(&args.model));
    write_atomic(&args.out, c_header(&name, &model, &file)?.as_bytes())
}

fn default_name(model: &Path) -> String {
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inspect::model_bytes;

    fn args(model: &Path, out: &Path) -> EmbedArgs {
        EmbedArgs { model: model.to_owned(), out: out.to_owned(), name: None }
    }

    #[test]
    fn names_come_from_the_file_unless_they_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let (model, out) = (folder.path().join("edge-2.1.ser"), folder.path().join("model.h"));
        std::fs::write(&model, model_bytes("edge").unwrap()).unwrap();
        run(&args(&model, &out)).unwrap();
        assert!(std::fs::read_to_string(&out).unwrap().contains("edge_2_1_model[EDGE_2_1_MODEL_BYTES]"));
        run(&EmbedArgs { name: Some("voice".to_owned()), ..args(&model, &out) }).unwrap();
        assert!(std::fs::read_to_string(&out).unwrap().contains("voice_model[VOICE_MODEL_BYTES]"));
    }

    #[test]
    fn an_error_names_the_file_and_leaves_the_old_header() {
        let folder = tempfile::tempdir().unwrap();
        let (model, out) = (folder.path().join("edge.ser"), folder.path().join("model.h"));
        std::fs::write(&out, "old").unwrap();
        let missing = format!("{:#}", run(&args(&model, &out)).unwrap_err());
        assert!(missing.contains("cannot read") && missing.contains("edge.ser"), "{missing}");
        std::fs::write(&model, "no model").unwrap();
        let refused = format!("{:#}", run(&args(&model, &out)).unwrap_err());
        assert!(refused.contains("edge.ser: "), "{refused}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "old");

        std::fs::write(&model, model_bytes("edge").unwrap()).unwrap();
        let nowhere = format!("{:#}", run(&args(&model, &folder.path().join("none/model.h"))).unwrap_err());
        assert!(nowhere.contains("none/model.h"), "{nowhere}");
    }
}
