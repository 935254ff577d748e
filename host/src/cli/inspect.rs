//! `host inspect`.

use anyhow::Result;
use clap::Args;

use crate::inspect::{Summary, model_bytes, parse_model};

/// Layers, sizes and cost of a model file or a preset.
#[derive(Args, Debug)]
#[command(after_help = "Example: host inspect edge")]
pub struct InspectArgs {
    /// A model file, or the name of a preset.
    #[arg(default_value = "edge", value_name = "FILE|PRESET")]
    model: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
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
