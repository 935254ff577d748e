//! The named networks for images: their results and their memory.

use ser_core::Model;
use ser_core::spec::{self, Network};
use ser_tests::random_model::Shape;
use ser_tests::reference::ModelFile;
use ser_tests::signals;
use ser_tests::under_test::run_rows;

/// A random model of this network, as a file.
fn model_bytes(network: &Network) -> Vec<u8> {
    let bytes = Shape::from(network).fill(1).to_bytes();
    let model = Model::parse(&bytes).expect("a valid file");
    assert_eq!(model.layers().iter().map(|layer| layer.spec()).collect::<Vec<_>>(), network.layers.as_slice());
    bytes
}

#[test]
fn every_layer_of_the_papers_networks_equals_the_reference() {
    for network in [spec::paper(), spec::paper_seq()] {
        let bytes = model_bytes(&network);
        let codes: Vec<i8> =
            signals::noise(5, i16::MAX, 224 * 224 * 3).iter().map(|value| (value >> 8) as i8).collect();
        let rows: Vec<Vec<i8>> = codes.chunks_exact(224 * 3).map(<[i8]>::to_vec).collect();
        let reference = ModelFile::read(&bytes).expect("a valid file").run(&rows);
        let shapes: Vec<_> = reference.layers.iter().map(|map| (map.rows.len(), map.bands, map.channels)).collect();
        assert_eq!(shapes[..6], [(224, 224, 8), (111, 111, 8), (109, 109, 16), (54, 54, 16), (54, 54, 8), (26, 26, 8)]);
        assert_eq!(run_rows(&Model::parse(&bytes).expect("a valid file"), &rows).difference(&reference), None);
    }
}

/// A third of `paper`'s memory is the flattened row, widened to int16; the convolutions share this work memory.
#[test]
fn the_papers_networks_need_32_and_17_kilobytes() {
    for (network, bytes) in [(spec::paper(), 32_336), (spec::paper_seq(), 17_148)] {
        let file = model_bytes(&network);
        assert_eq!(4 * Model::parse(&file).expect("a valid file").network_words(), bytes);
    }
}
