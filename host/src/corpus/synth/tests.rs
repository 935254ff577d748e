use super::*;

fn every_utterance() -> impl Iterator<Item = (usize, usize, usize)> {
    let emotions = |voice| (0..EMOTIONS.len()).map(move |emotion| (voice, emotion));
    (0..VOICES.len())
        .flat_map(emotions)
        .flat_map(|(voice, emotion)| (0..SENTENCES).step_by(10).map(move |s| (voice, emotion, s)))
}

/// FNV-1a.
fn hash(samples: &[i16]) -> u64 {
    let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Level of samples about their mean, in dB relative to full scale.
fn level_db(samples: &[i16]) -> f64 {
    let samples: Vec<f64> = samples.iter().map(|&sample| f64::from(sample) / 32_768.0).collect();
    let dc = mean(&samples);
    10.0 * mean(&samples.iter().map(|sample| (sample - dc).powi(2)).collect::<Vec<_>>()).log10()
}

#[test]
fn an_utterance_is_the_same_bits_everywhere() {
    // The model that comes with the repository was trained on these very samples.
    let pinned = [(0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 2, 13), (1, 3, 5, 49)];
    let hashes = pinned.map(|(seed, voice, emotion, sentence)| hash(&render(seed, voice, emotion, sentence)));
    assert_eq!(
        hashes.map(|hash| format!("{hash:016x}")),
        ["672bb6e0eafaa433", "7f077f55efed49cb", "f8c3059bafae750c", "ef8d7564652573c2"]
    );
}

#[test]
fn an_utterance_lasts_1_to_2_5_seconds_and_does_not_clip() {
    for (voice, emotion, sentence) in every_utterance() {
        let samples = render(DEFAULT_SEED, voice, emotion, sentence);
        assert!((16_000..=40_000).contains(&samples.len()), "{voice} {emotion} {sentence}: {} samples", samples.len());
        let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((1_000..32_767).contains(&peak), "{voice} {emotion} {sentence}: peak {peak}");
    }
}

#[test]
fn the_noise_floor_is_at_70_to_60_db_below_full_scale() {
    for (voice, emotion, sentence) in every_utterance() {
        // The least silence before the speech is 50 ms.
        let floor = level_db(&render(DEFAULT_SEED, voice, emotion, sentence)[..800]);
        assert!((-71.0..-59.0).contains(&floor), "{voice} {emotion} {sentence}: {floor} dB");
    }
}

#[test]
fn dc_and_noise_floor_tell_nothing_about_the_emotion() {
    let mut dc = [const { Vec::new() }; EMOTIONS.len()];
    let mut floor = [const { Vec::new() }; EMOTIONS.len()];
    for (voice, emotion, sentence) in every_utterance() {
        let samples = render(DEFAULT_SEED, voice, emotion, sentence);
        let lead: Vec<f64> = samples[..800].iter().map(|&sample| f64::from(sample) / 32_768.0).collect();
        dc[emotion].push(mean(&lead));
        floor[emotion].push(level_db(&samples[..800]));
    }
    // 20 values per emotion. Limits are four standard errors of uniform numbers, in ±0.002 and in -70 to -60.
    for emotion in 0..EMOTIONS.len() {
        assert!(mean(&dc[emotion]).abs() < 0.001, "{}", EMOTIONS[emotion]);
        assert!((mean(&floor[emotion]) + 65.0).abs() < 2.6, "{}", EMOTIONS[emotion]);
    }
}

#[test]
fn angry_speech_is_louder_and_shorter_than_sad_speech() {
    let averages = |emotion| {
        let utterances: Vec<Vec<i16>> =
            (0..SENTENCES).map(|sentence| render(DEFAULT_SEED, 2, emotion, sentence)).collect();
        let level = mean(&utterances.iter().map(|samples| level_db(samples)).collect::<Vec<_>>());
        (level, mean(&utterances.iter().map(|samples| samples.len() as f64).collect::<Vec<_>>()))
    };
    let (angry_db, angry_len) = averages(0);
    let (sad_db, sad_len) = averages(4);
    assert!(angry_db > sad_db + 4.0, "{angry_db} {sad_db}");
    assert!(sad_len > 1.15 * angry_len, "{angry_len} {sad_len}");
}

#[test]
fn seeds_voices_emotions_and_sentences_all_sound_different() {
    let hashes: std::collections::BTreeSet<u64> =
        [(1, 0, 0, 0), (2, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1)]
            .map(|(s, v, e, t)| hash(&render(s, v, e, t)))
            .into();
    assert_eq!(hashes.len(), 5);
}

#[test]
#[should_panic(expected = "no voice 4")]
fn a_voice_that_does_not_exist_is_refused() {
    render(DEFAULT_SEED, VOICES.len(), 0, 0);
}
