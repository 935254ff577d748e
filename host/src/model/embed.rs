//! A model as a C header, for firmwares that use the C interface (`core/capi`).

use std::fmt::Write;

use anyhow::{Result, ensure};
use ser_core::contract::CONTRACT_ID;
use ser_core::model::{FORMAT_VERSION, SECTION_ALIGN};
use ser_core::{Listener, Model};

/// Bytes of the model per line of the header.
const BYTES_A_LINE: usize = 24;

/// The header: the file as an aligned array `NAME_model`, and macros `NAME_...` for what C cannot compute at compile
/// time.
///
/// # Errors
/// If `name` does not begin with a letter, or has characters other than letters, digits and underscores.
pub fn c_header(name: &str, model: &Model<'_>, file: &[u8]) -> Result<String> {
    let identifier = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    ensure!(
        identifier,
        "the name must have letters, digits and underscores only and begin with a letter, {name:?} came: --name gives another"
    );
    let (upper, lower) = (name.to_ascii_uppercase(), name.to_ascii_lowercase());
    let labels: Vec<String> = model.labels().iter().map(|label| string_literal(label)).collect();
    let numbers = [
        ("MODEL_BYTES", file.len() as u64, "length of the model file, bytes"),
        ("MODEL_CHECKSUM", model.checksum().into(), "CRC-32 of the model file, as in ser_model_info_t"),
        ("MODEL_FORMAT", FORMAT_VERSION.into(), "SER_MODEL_FORMAT of the library that it is for"),
        ("CONTRACT_ID", CONTRACT_ID.into(), "SER_CONTRACT_ID of the library that it is for"),
        (
            "STATE_BYTES",
            (size_of::<u32>() * model.state_words()) as u64,
            "for SER_RECOGNIZER_WORDS and SER_LISTENER_WORDS",
        ),
        ("RECOGNIZER_SNAPSHOT_BYTES", model.snapshot_len() as u64, "for ser_recognizer_snapshot"),
        ("LISTENER_SNAPSHOT_BYTES", Listener::snapshot_len(model) as u64, "for ser_listener_snapshot"),
        ("SAMPLE_RATE_HZ", model.front_end().sample_rate_hz.into(), "rate of the samples"),
        ("LABEL_COUNT", labels.len() as u64, "emotions"),
    ];

    let mut text = String::with_capacity(6 * file.len());
    writeln!(
        text,
        "// A model for ser.h, written by `host embed`. The array is static: include this in one file alone."
    )?;
    writeln!(text, "#ifndef {upper}_MODEL_H\n#define {upper}_MODEL_H\n\n#include <stdint.h>\n")?;
    for (macro_name, value, meaning) in numbers {
        writeln!(text, "// {meaning}\n#define {upper}_{macro_name} {value}u")?;
    }
    writeln!(text, "// their names, for an array of strings\n#define {upper}_LABELS {}\n", labels.join(", "))?;
    writeln!(text, "#ifdef __cplusplus\nalignas({SECTION_ALIGN})\n#else\n_Alignas({SECTION_ALIGN})\n#endif")?;
    writeln!(text, "static const uint8_t {lower}_model[{upper}_MODEL_BYTES] = {{")?;
    for line in file.chunks(BYTES_A_LINE) {
        let bytes: Vec<String> = line.iter().map(u8::to_string).collect();
        writeln!(text, "{},", bytes.join(","))?;
    }
    writeln!(text, "}};\n\n#endif")?;
    Ok(text)
}

/// A C string literal. Bytes that it cannot hold become octal escapes of three digits; with three digits an escape
/// cannot absorb the next character.
fn string_literal(text: &str) -> String {
    let escaped: String = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'?' => format!("\\{}", byte as char),
            b' '..=b'~' => (byte as char).to_string(),
            _ => format!("\\{byte:03o}"),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inspect::model_bytes;

    fn header(name: &str) -> Result<String> {
        let file = model_bytes("edge")?;
        c_header(name, &Model::parse(&file).unwrap(), &file)
    }

    #[test]
    fn the_array_holds_the_file_and_the_macros_what_the_model_says() {
        let file = model_bytes("edge").unwrap();
        let model = Model::parse(&file).unwrap();
        let header = header("Edge").unwrap();
        let array = header.split_once(" = {").unwrap().1.split_once('}').unwrap().0;
        let bytes: Vec<u8> =
            array.split(',').map(str::trim).filter(|byte| !byte.is_empty()).map(|byte| byte.parse().unwrap()).collect();
        assert_eq!(bytes, file);
        let has = |name: &str, value: usize| {
            assert!(header.contains(&format!("#define EDGE_{name} {value}u\n")), "{name} {value}")
        };
        has("MODEL_BYTES", file.len());
        has("STATE_BYTES", 4 * model.state_words());
        has("RECOGNIZER_SNAPSHOT_BYTES", model.snapshot_len());
        has("LISTENER_SNAPSHOT_BYTES", Listener::snapshot_len(&model));
        has("SAMPLE_RATE_HZ", 16_000);
        has("LABEL_COUNT", 6);
        assert!(header.contains("#define EDGE_LABELS \"angry\", \"fear\", "));
        assert!(header.contains("static const uint8_t edge_model[EDGE_MODEL_BYTES]"));
    }

    #[test]
    fn a_name_that_c_does_not_take_is_refused() {
        for name in ["", "9lives", "_edge", "ed ge", "édge", "edge-2"] {
            assert!(header(name).unwrap_err().to_string().contains(&format!("{name:?}")));
        }
    }

    #[test]
    fn no_label_ends_its_string_or_its_neighbour() {
        assert_eq!(string_literal("a\"b\\?"), r#""a\"b\\\?""#);
        assert_eq!(string_literal("é1\n"), r#""\303\2511\012""#);
    }
}
