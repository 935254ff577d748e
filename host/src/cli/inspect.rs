//! `host inspect`: layers, sizes and cost of a network.

use anyhow::Result;
use clap::Args;

use crate::model::inspect::{Summary, model_bytes, parse_model};

/// Print layers, sizes and cost of a model file or a preset.
#[derive(Args, Debug)]
#[command(after_help = "Example: host inspect edge")]
pub struct InspectArgs {
    /// Model file, or a preset: edge, cnn, rnn, paper or paper-seq.
    #[arg(default_value = "edge", value_name = "FILE|PRESET")]
    model: String,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
///
/// If there is neither such a file nor such a preset, or the file is no model.
pub fn run(args: &InspectArgs) -> Result<()> {
    let bytes = model_bytes(&args.model)?;
    let summary = Summary::new(&parse_model(&args.model, &bytes)?);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print!("{}", summary.to_table()?);
    }
    Ok(())
}
