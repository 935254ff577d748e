use super::*;

fn summary(preset: &str) -> Summary {
    let bytes = model_bytes(preset).unwrap();
    let summary = Summary::new(&Model::parse(&bytes).unwrap());
    assert_eq!(summary.model_bytes, bytes.len());
    summary
}

fn rows(summary: &Summary) -> Vec<Option<usize>> {
    summary.layers.iter().map(|layer| layer.rows).collect()
}

#[test]
fn the_network_of_the_paper_is_as_large_as_the_paper_says() {
    let paper = summary("paper");
    assert_eq!(
        paper.layers.iter().map(|layer| layer.parameters).filter(|count| *count > 0).collect::<Vec<_>>(),
        [608, 1168, 1160, 4_487_200, 50_200, 306]
    );
    assert_eq!(paper.parameters, 4_540_642);
    assert_eq!(rows(&paper), [224, 111, 109, 54, 54, 26, 1, 1, 1, 1, 1].map(Some));
    assert_eq!(
        paper.layers.iter().map(|layer| layer.bands).collect::<Vec<_>>(),
        [224, 111, 109, 54, 54, 26, 1, 1, 1, 1, 1]
    );
    let convolutions = 224 * 224 * 8 * 75 + 109 * 109 * 16 * 72 + 54 * 54 * 8 * 144;
    assert_eq!(paper.macs_per_image, Some(convolutions + 800 * (5408 + 200) + 200 * (200 + 50) + 6 * 50));
    assert_eq!(paper.macs_per_second, None);
    let text = paper.to_table().unwrap();
    assert!(text.contains("image of 224 columns and 224 bands 0-8000 Hz"), "{text}");
    assert!(text.contains("51.69 M MAC for an image"), "{text}");
}

#[test]
fn its_second_reading_makes_a_step_of_the_lstms_for_each_of_26_rows() {
    let seq = summary("paper-seq");
    assert_eq!(rows(&seq), [224, 111, 109, 54, 54, 26, 26, 26, 1, 1].map(Some));
    assert_eq!(seq.parameters, 608 + 1168 + 1160 + 800 * (208 + 200 + 1) + 200 * (200 + 50 + 1) + 306);
}

#[test]
fn a_stream_is_counted_by_the_second() {
    for preset in ["edge", "cnn", "rnn"] {
        let summary = summary(preset);
        assert_eq!(summary.macs_per_image, None);
        assert!(rows(&summary).iter().all(Option::is_none));
        assert!(summary.to_table().unwrap().contains("for a second of speech"));
    }
    // Two LSTMs, every second hop of 16 ms.
    let lstms = 256 * (40 + 64) + 192 * (64 + 48);
    assert_eq!(summary("rnn").macs_per_second, Some(f64::from(lstms) * 62.5 / 2.0));
}

#[test]
fn a_layer_off_the_fast_path_is_told_with_the_reason() {
    let seq = summary("paper-seq");
    let slow: Vec<_> = seq.layers.iter().map(|layer| layer.slow_path.as_deref()).collect();
    let of_50_units = Some("it has 50 units, no multiple of 4");
    assert_eq!(slow[6..], [None, of_50_units, None, Some("it has 50 inputs, no multiple of 4")]);
    let text = seq.to_table().unwrap();
    assert!(text.contains("layer 8 (lstm) on a Cortex-M4, M7 or M33: it has 50 units, no multiple of 4"), "{text}");
    assert!(!summary("edge").to_table().unwrap().contains("slow"));
}

#[test]
fn a_name_that_is_neither_preset_nor_file_is_answered_with_the_presets() {
    let error = format!("{:#}", model_bytes("edgy").unwrap_err());
    assert!(error.contains("edgy: neither a preset (edge, cnn, rnn, paper, paper-seq) nor a file"), "{error}");
}
