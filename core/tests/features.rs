//! Models that a core without its features refuses: `cargo test -p ser-core --no-default-features`. With the features
//! the same files pass, or fail for another reason.

use ser_core::Model;
use ser_core::contract::CRC;
use ser_core::model::{Feature, HEADER_LEN, LABEL_LEN, LAYER_RECORD_LEN, ParseError, kind};

const EDGE: &[u8] = include_bytes!("../../models/synthetic/edge.ser");

/// The result of parsing the model with other bytes and their checksum.
fn parse_with(changes: &[(usize, u8)]) -> Result<(), ParseError> {
    let mut file = EDGE.to_vec();
    changes.iter().for_each(|&(at, byte)| file[at] = byte);
    let sum = CRC.checksum(&file[20..]).to_le_bytes();
    file[16..20].copy_from_slice(&sum);
    Model::parse(&file).map(|_| ())
}

/// Start of the record of the first layer of a kind.
fn record(layer_kind: u8) -> usize {
    let labels = Model::parse(EDGE).unwrap().labels().len();
    let records = HEADER_LEN + labels * LABEL_LEN;
    (records..).step_by(LAYER_RECORD_LEN).find(|&at| EDGE[at] == layer_kind).unwrap()
}

fn refused(result: Result<(), ParseError>, feature: Feature) -> bool {
    result == Err(ParseError::Feature(feature))
}

#[test]
fn a_stream_needs_no_feature() {
    assert_eq!(parse_with(&[]), Ok(()));
}

#[test]
fn without_the_feature_what_is_for_images_is_refused() {
    let image = [(75, 1), (76, 224)];
    let padding = [(record(kind::CONV2D) + 6, 1)];
    let overlap = [(record(kind::MAX_POOL) + 6, 1)];
    let last_step = [(record(kind::TIME_MEAN), kind::LAST_STEP)];
    for changes in [&image[..], &padding, &overlap, &last_step] {
        assert_eq!(refused(parse_with(changes), Feature::Image), cfg!(not(feature = "image")), "{changes:?}");
    }
    assert!(ParseError::Feature(Feature::Image).to_string().contains("without its feature `image`"));
}

#[test]
fn without_the_feature_denoising_is_refused() {
    assert_eq!(refused(parse_with(&[(78, 10), (79, 12)]), Feature::Denoise), cfg!(not(feature = "denoise")));
    assert!(ParseError::Feature(Feature::Denoise).to_string().contains("without its feature `denoise`"));
}
