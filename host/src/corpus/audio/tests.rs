use std::f64::consts::TAU;
use std::path::PathBuf;

use super::recording::FULL_SCALE;
use super::*;

mod containers;

const INT16: WavSpec =
    WavSpec { channels: 1, sample_rate: SAMPLE_RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };

/// One second of a sine of amplitude 0.5, the same on all channels, written in the given format.
fn sine_file(dir: &Path, spec: WavSpec, frequency_hz: f64) -> PathBuf {
    let path = dir.join("sine.wav");
    let mut writer = WavWriter::create(&path, spec).unwrap();
    for n in 0..spec.sample_rate {
        let value = 0.5 * (TAU * frequency_hz * f64::from(n) / f64::from(spec.sample_rate)).sin();
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(value as f32).unwrap(),
                SampleFormat::Int => {
                    let full_scale = (1_u64 << (spec.bits_per_sample - 1)) as f64;
                    writer.write_sample((value * full_scale).round() as i32).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
    path
}

/// Largest distance, as a fraction of full scale, from the sine of amplitude 0.5, edges of 20 ms left out.
fn distance_from_sine(samples: &[i16], frequency_hz: f64) -> f64 {
    let margin = 320;
    (margin..samples.len() - margin)
        .map(|n| {
            let wanted = 0.5 * (TAU * frequency_hz * n as f64 / f64::from(SAMPLE_RATE_HZ)).sin();
            (f64::from(samples[n]) / f64::from(FULL_SCALE) - wanted).abs()
        })
        .fold(0.0, f64::max)
}

fn reason(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("broken.wav");
    std::fs::write(&path, bytes).unwrap();
    let error = format!("{:#}", read_audio(&path, SAMPLE_RATE_HZ).unwrap_err());
    assert!(error.contains("broken.wav"), "the file is not named: {error}");
    error
}

fn wav_bytes(spec: WavSpec, samples: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = WavWriter::new(Cursor::new(&mut bytes), spec).unwrap();
    for &sample in samples {
        match spec.sample_format {
            SampleFormat::Float => writer.write_sample(sample).unwrap(),
            SampleFormat::Int => writer.write_sample(sample as i32).unwrap(),
        }
    }
    writer.finalize().unwrap();
    bytes
}

#[test]
fn a_sine_keeps_frequency_level_and_phase_in_every_format_and_rate() {
    let dir = tempfile::tempdir().unwrap();
    for sample_rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
        for channels in [1, 2] {
            for (bits_per_sample, sample_format) in [
                (8, SampleFormat::Int),
                (16, SampleFormat::Int),
                (24, SampleFormat::Int),
                (32, SampleFormat::Int),
                (32, SampleFormat::Float),
            ] {
                let spec = WavSpec { channels, sample_rate, bits_per_sample, sample_format };
                let samples = read_audio(&sine_file(dir.path(), spec, 1000.0), SAMPLE_RATE_HZ).unwrap();
                assert_eq!(samples.len(), 16_000, "{spec:?}");
                // One step of 8 bits, or some steps of 16; a delay of one sample would be wrong by 0.2.
                let limit = if bits_per_sample == 8 { 1.0 / 128.0 } else { 2e-4 };
                let distance = distance_from_sine(&samples, 1000.0);
                assert!(distance < limit, "{spec:?}: {distance}");
            }
        }
    }
}

#[test]
fn what_16_khz_cannot_hold_is_filtered_out() {
    let dir = tempfile::tempdir().unwrap();
    let spec = WavSpec { sample_rate: 44_100, ..INT16 };
    let samples = read_audio(&sine_file(dir.path(), spec, 10_000.0), SAMPLE_RATE_HZ).unwrap();
    let peak = samples[320..15_680].iter().map(|s| s.unsigned_abs()).max().unwrap();
    assert!(peak < 16, "alias of {peak} of 16384");
}

#[test]
fn sixteen_bit_mono_at_16_khz_is_bit_exact() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.wav");
    let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    write_wav(&path, &all).unwrap();
    assert_eq!(read_audio(&path, SAMPLE_RATE_HZ).unwrap(), all);
}

#[test]
fn stereo_is_averaged_and_loud_floats_saturate() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    std::fs::write(&path, wav_bytes(WavSpec { channels: 2, ..INT16 }, &[100.0, 300.0, -7.0, 7.0])).unwrap();
    assert_eq!(read_audio(&path, SAMPLE_RATE_HZ).unwrap(), [200, 0]);

    let float = WavSpec { bits_per_sample: 32, sample_format: SampleFormat::Float, ..INT16 };
    std::fs::write(&path, wav_bytes(float, &[1.0, 3.0, -1.0, -3.0])).unwrap();
    assert_eq!(read_audio(&path, SAMPLE_RATE_HZ).unwrap(), [i16::MAX, i16::MAX, i16::MIN, i16::MIN]);
}

#[test]
fn a_file_of_one_sample_is_read_at_any_rate() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.wav");
    for sample_rate in [8_000, 16_000, 44_100] {
        std::fs::write(&path, wav_bytes(WavSpec { sample_rate, ..INT16 }, &[1000.0])).unwrap();
        assert_eq!(
            read_audio(&path, SAMPLE_RATE_HZ).unwrap().len(),
            16_000_usize.div_ceil(sample_rate as usize).max(1)
        );
    }
}

#[test]
fn a_broken_file_is_an_error_that_names_file_and_reason() {
    let good = wav_bytes(INT16, &[1.0; 100]);
    assert!(reason(b"").contains("empty file"));
    assert!(reason(b"MPEG or something else altogether").ends_with("not a WAV file, nor FLAC, Ogg or MP3"));
    assert!(reason(&good[..20]).contains("truncated"));
    assert!(reason(&good[..good.len() - 31]).contains("truncated: the header says 100 samples, the file holds 84"));
    assert!(reason(&wav_bytes(INT16, &[])).contains("no samples"));
    assert!(reason(&wav_bytes(WavSpec { sample_rate: 100, ..INT16 }, &[1.0])).contains("sample rate"));
    assert!(reason(&wav_bytes(WavSpec { sample_rate: 4_000_000, ..INT16 }, &[1.0])).contains("sample rate"));
    assert!(reason(&wav_bytes(WavSpec { channels: 9, ..INT16 }, &[1.0; 9])).contains("channels"));

    let float = WavSpec { bits_per_sample: 32, sample_format: SampleFormat::Float, ..INT16 };
    assert!(reason(&wav_bytes(float, &[0.0, 0.1, f32::NAN])).contains("sample 2 is NaN"));
    assert!(reason(&wav_bytes(float, &[0.0, f32::NEG_INFINITY])).contains("sample 1 is -inf"));
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let error = format!("{:#}", read_audio(Path::new("no/such.wav"), SAMPLE_RATE_HZ).unwrap_err());
    assert!(error.contains("no/such.wav") || error.contains("no\\such.wav"), "{error}");
}

#[test]
fn a_file_cut_anywhere_or_with_any_byte_changed_is_read_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.wav");
    let good = wav_bytes(INT16, &[1.0; 8]);
    for len in 0..good.len() {
        std::fs::write(&path, &good[..len]).unwrap();
        assert!(read_audio(&path, SAMPLE_RATE_HZ).is_err(), "{len} bytes of {}", good.len());
    }
    for index in 0..44 {
        for value in [0, 1, 2, 9, 0x7f, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[index] = value;
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(samples) = read_audio(&path, SAMPLE_RATE_HZ) {
                assert!(!samples.is_empty());
            }
        }
    }
}

#[test]
fn speed_changes_length_and_pitch_together() {
    let dir = tempfile::tempdir().unwrap();
    let samples = read_audio(&sine_file(dir.path(), INT16, 1000.0), SAMPLE_RATE_HZ).unwrap();
    for factor in [0.9, 0.937, 1.0, 1.1, 1.25] {
        let changed = change_speed(&samples, factor).unwrap();
        assert_eq!(changed.len(), (16_000.0 / factor).round() as usize, "{factor}");
        let distance = distance_from_sine(&changed, 1000.0 * factor);
        assert!(distance < 2e-4, "{factor}: {distance}");
    }
    assert!(change_speed(&[], 1.1).unwrap().is_empty());
    for factor in [0.0, -1.0, 0.4, 3.0, f64::NAN] {
        assert!(change_speed(&samples, factor).is_err(), "{factor}");
    }
}

#[test]
fn a_chunk_of_odd_length_before_the_samples_is_skipped_with_its_padding() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, tagged) = (folder.path().join("plain.wav"), folder.path().join("tagged.wav"));
    let samples: Vec<i16> = (0..1000).map(|n| (n * 7) as i16).collect();
    write_wav(&plain, &samples).unwrap();
    let mut bytes = std::fs::read(&plain).unwrap();
    let at = bytes.windows(4).position(|window| window == b"data").unwrap();
    bytes.splice(at..at, *b"LIST\x05\0\0\0INFOx\0");
    std::fs::write(&tagged, bytes).unwrap();
    assert_eq!(read_audio(&tagged, SAMPLE_RATE_HZ).unwrap(), samples);
}
