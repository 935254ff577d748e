//! `ser.h` is what cbindgen makes of the source.

use std::fmt::Write;
use std::path::Path;

use ser_core::contract::CONTRACT_ID;
use ser_core::model::FORMAT_VERSION;

const UPDATE: &str = "SER_UPDATE_HEADER";

/// What cbindgen can't know: numbers of ser-core, and macros with a parameter.
fn definitions() -> String {
    let mut text = String::from(
        "\n// A status that nobody reads is a warning of the compiler.\n#if defined(__GNUC__) || defined(__clang__)\n\
         #define SER_MUST_USE __attribute__((warn_unused_result))\n#else\n#define SER_MUST_USE\n#endif\n",
    );
    let mut define = |comment: &str, definition: &str| writeln!(text, "\n// {comment}\n#define {definition}").unwrap();
    define("Version of this header; see ser_version.", &format!("SER_VERSION \"{}\"", env!("CARGO_PKG_VERSION")));
    define(
        "Arithmetic of the library that this header belongs to; see ser_contract_id.",
        &format!("SER_CONTRACT_ID {CONTRACT_ID}"),
    );
    define(
        "Format of the model files that it reads; see ser_model_format.",
        &format!("SER_MODEL_FORMAT {FORMAT_VERSION}"),
    );
    define("Labels that a model has at most.", &format!("SER_MAX_LABELS {}", ser::SER_MAX_LABELS));
    define(
        "Largest length of a label, bytes, with the zero at its end.",
        &format!("SER_LABEL_BYTES {}", ser::SER_LABEL_BYTES),
    );
    for (what, handle) in [("recognizer", "RECOGNIZER"), ("listener", "LISTENER")] {
        let bytes = format!("SER_{handle}_BYTES(state_bytes) (SER_{handle}_POINTERS * sizeof(void *) + (state_bytes))");
        define(
            &format!(
                "Memory for a {what}, bytes. `state_bytes` is that of the model: `host embed` writes it into the header of the model."
            ),
            &bytes,
        );
        let words = format!("SER_{handle}_WORDS(state_bytes) ((SER_{handle}_BYTES(state_bytes) + 7) / 8)");
        define(
            &format!(
                "The same in uint64_t, which has the right alignment: `static uint64_t memory[SER_{handle}_WORDS(...)];`."
            ),
            &words,
        );
    }
    text
}

#[test]
fn ser_h_is_what_cbindgen_makes_of_the_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    config.after_includes = Some(definitions());
    let bindings = cbindgen::Builder::new().with_crate(folder).with_config(config).generate().unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    let header = String::from_utf8(header).unwrap();

    let path = folder.join("ser.h");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &header).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let differs = header.lines().zip(committed.lines()).position(|(made, found)| made != found);
    let line = 1 + differs.unwrap_or_else(|| header.lines().count().min(committed.lines().count()));
    assert!(
        header == committed,
        "{} differs from the source in line {line}; if the source is right: {UPDATE}=1 cargo test -p ser-capi header",
        path.display()
    );
}
