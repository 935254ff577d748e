//! The same recording in any container gets the same prediction.

use proptest::prelude::*;
use ser_core::Model;
use ser_host::corpus::audio::{Recording, SAMPLE_RATE_HZ, to_rate};
use ser_host::corpus::synth;
use ser_host::evaluation::compare::hear;
use ser_tests::containers::{Encoding, Lengths, flac, wav};

const MODEL: &[u8] = include_bytes!("../../models/synthetic/edge.ser");

/// What the model says of samples at 16 kHz, with all bits.
fn logits(samples: &[i16]) -> Vec<i32> {
    let model = Model::parse(MODEL).expect("a valid file");
    hear(&model, samples, 256).expect("a stream").prediction.expect("speech").logits.to_vec()
}

fn probabilities(samples: &[i16]) -> Vec<f32> {
    let model = Model::parse(MODEL).expect("a valid file");
    hear(&model, samples, 256).expect("a stream").prediction.expect("speech").probabilities.to_vec()
}

fn decoded(bytes: &[u8]) -> Vec<i16> {
    Recording::decode(bytes).expect("a recording").at(SAMPLE_RATE_HZ).expect("samples")
}

fn speech() -> impl Strategy<Value = Vec<i16>> {
    (0..4usize, 0..6usize, 0..50usize).prop_map(|(voice, emotion, sentence)| synth::render(9, voice, emotion, sentence))
}

fn lengths() -> impl Strategy<Value = Lengths> {
    prop::sample::select(vec![Lengths::True, Lengths::AllOnes, Lengths::Sox, Lengths::Zero, Lengths::Long])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_container_that_holds_all_bits_changes_no_bit_of_a_prediction(
        samples in speech(),
        channels in 1u16..=3,
        encoding in prop::sample::select(vec![
            Encoding::Integer(16), Encoding::Integer(20), Encoding::Integer(24), Encoding::Integer(32),
            Encoding::Upper(24), Encoding::Upper(20), Encoding::Lower(24), Encoding::Lower(20),
            Encoding::Float(32), Encoding::Float(64),
        ]),
        lengths in lengths(),
    ) {
        let read = decoded(&wav(&samples, SAMPLE_RATE_HZ, channels, encoding, lengths));
        prop_assert!(read == samples, "{encoding:?}, {lengths:?}");
        prop_assert_eq!(logits(&read), logits(&samples));
    }

    #[test]
    fn flac_changes_no_bit_of_a_prediction(
        samples in speech(),
        channels in 1u8..=3,
        bits in prop::sample::select(vec![16u8, 24]),
        block in 16u16..=4608,
    ) {
        // Silence at both ends takes blocks of one value.
        let samples = [&[0; 5000][..], &samples, &[-1; 5000]].concat();
        let read = decoded(&flac(&samples, SAMPLE_RATE_HZ, channels, bits, block));
        prop_assert!(read == samples);
        prop_assert_eq!(logits(&read), logits(&samples));
    }

    #[test]
    fn a_coarse_code_is_as_far_from_the_sample_as_its_step_and_its_prediction_is_that_of_what_it_says(
        samples in speech(),
        channels in 1u16..=2,
        encoding in prop::sample::select(vec![Encoding::Integer(8), Encoding::ALaw, Encoding::MuLaw]),
        lengths in lengths(),
    ) {
        let read = decoded(&wav(&samples, SAMPLE_RATE_HZ, channels, encoding, lengths));
        prop_assert_eq!(read.len(), samples.len());
        for (read, sample) in read.iter().zip(&samples) {
            // Half a step: 8 bits have one, the other codes 16 in each octave down to their least.
            let step = match encoding {
                Encoding::ALaw => (f64::from(*sample).abs() / 16.0).max(16.0),
                Encoding::MuLaw => ((f64::from(*sample).abs() + 132.0) / 16.0).max(8.0),
                _ => 256.0,
            };
            let distance = (f64::from(*read) - f64::from(*sample)).abs();
            prop_assert!(distance <= step / 2.0 + 1.0 || *sample > 32_512, "{} became {} in {:?}", sample, read, encoding);
        }
        let plain = decoded(&wav(&read, SAMPLE_RATE_HZ, 1, Encoding::Integer(16), Lengths::True));
        prop_assert_eq!(logits(&read), logits(&plain));
    }

    #[test]
    fn a_higher_rate_changes_a_prediction_by_no_more_than_resampling_explains(
        samples in speech(),
        rate_hz in prop::sample::select(vec![22_050u32, 44_100, 48_000, 96_000]),
        as_flac in any::<bool>(),
    ) {
        let dense = to_rate(&samples, SAMPLE_RATE_HZ, rate_hz).expect("a rate");
        let read = decoded(&if as_flac {
            flac(&dense, rate_hz, 2, 24, 4096)
        } else {
            wav(&dense, rate_hz, 2, Encoding::Float(32), Lengths::True)
        });
        prop_assert_eq!(read.len(), samples.len());
        let (was, is) = (probabilities(&samples), probabilities(&read));
        for (was, is) in was.iter().zip(&is) {
            prop_assert!((was - is).abs() < 0.07, "{:?} became {:?}", was, is);
        }
    }
}
