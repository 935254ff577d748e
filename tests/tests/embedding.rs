//! `model!` takes models of any size. A crate of its own embeds each, as a firmware does.

use std::fs;
use std::path::Path;
use std::process::Command;

use ser_core::spec::preset;
use ser_host::model::inspect::untrained_model;
use ser_tests::random_model::{MapLayer, Shape};

const KILOBYTES_300: usize = 300 << 10;

/// Builds a crate that embeds the model and says how long it is, with warnings denied. Returns what it says.
fn embedded_len(model: &[u8]) -> String {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("core");
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
    fs::create_dir(folder.path().join("src")).expect("a folder");
    let dependency = format!("[dependencies]\nser-core = {{ path = {core:?} }}\n");
    let package = "[package]\nname = \"embedding\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n";
    write("Cargo.toml", [package, &dependency].concat().as_bytes());
    // The versions that are there.
    write("Cargo.lock", &fs::read(core.with_file_name("Cargo.lock")).expect("the lock file"));
    write("src/model.ser", model);
    write(
        "src/main.rs",
        b"static MODEL: ser_core::Model<'static> = ser_core::model!(\"model.ser\");\n\
          fn main() {\n    print!(\"{}\", MODEL.file_len());\n}\n",
    );
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir", env!("CARGO_TARGET_TMPDIR")])
        .current_dir(&folder)
        .env("RUSTFLAGS", "-Dwarnings")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn models_of_more_than_300_kilobytes_embed_without_a_warning() {
    let maps = vec![MapLayer::Conv2d(3, 3, 12, 0), MapLayer::MaxPool(2, 2, 0)];
    let stream = Shape { maps, lstms: vec![160, 96], ..Shape::lstm_alone(40, 160, 6) }.fill(1).to_bytes();
    let image = untrained_model(&preset("paper-seq").expect("a preset")).expect("a model");
    for model in [stream, image] {
        assert!(model.len() > KILOBYTES_300, "{} bytes", model.len());
        assert_eq!(embedded_len(&model), model.len().to_string());
    }
}
