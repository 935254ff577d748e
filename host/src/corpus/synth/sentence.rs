//! The sentences: sequences of syllables that differ in their sounds and tones, the same in every corpus.

use super::random::Random;

/// The consonant that begins a syllable. Times are those of neutral speech.
pub(super) struct Onset {
    /// Where the second formant of the vowel starts, in Hz.
    pub locus_hz: f64,
    /// Silence of the closed mouth, in s.
    pub closure_s: f64,
    /// Burst or friction, in s.
    pub noise_s: f64,
    /// Middle of the spectrum of the noise, in Hz.
    pub noise_hz: f64,
    /// Level of the noise, relative to a vowel's pulses.
    pub noise_level: f64,
    /// Breath before the vowel, in s.
    pub aspiration_s: f64,
    /// Voiced murmur, in s.
    pub murmur_s: f64,
}

/// The first three formants of a vowel of an average male voice, in Hz.
pub(super) type Vowel = [f64; 3];

/// One syllable of a sentence.
pub(super) struct Syllable {
    pub onset: &'static Onset,
    /// The sound moves from the first vowel to the second.
    pub vowels: [&'static Vowel; 2],
    /// Pitch at the start, in the middle and at the end, in semitones about the middle of the voice.
    pub tone: &'static [f64; 3],
    /// Duration of the vowel in neutral speech, in s.
    pub vowel_s: f64,
    /// Whether the syllable ends in a nasal.
    pub nasal: bool,
    /// Level relative to the other syllables.
    pub stress: f64,
}

#[rustfmt::skip]
const ONSETS: [Onset; 12] = [
    // none
    Onset { locus_hz: 1400.0, closure_s: 0.00, noise_s: 0.000, noise_hz: 1000.0, noise_level: 0.0, aspiration_s: 0.00, murmur_s: 0.00 },
    // b
    Onset { locus_hz: 900.0, closure_s: 0.05, noise_s: 0.010, noise_hz: 900.0, noise_level: 0.5, aspiration_s: 0.01, murmur_s: 0.00 },
    // d
    Onset { locus_hz: 1800.0, closure_s: 0.05, noise_s: 0.010, noise_hz: 4200.0, noise_level: 0.5, aspiration_s: 0.01, murmur_s: 0.00 },
    // g
    Onset { locus_hz: 2200.0, closure_s: 0.05, noise_s: 0.015, noise_hz: 2000.0, noise_level: 0.5, aspiration_s: 0.02, murmur_s: 0.00 },
    // t
    Onset { locus_hz: 1800.0, closure_s: 0.06, noise_s: 0.015, noise_hz: 4500.0, noise_level: 0.6, aspiration_s: 0.05, murmur_s: 0.00 },
    // k
    Onset { locus_hz: 2200.0, closure_s: 0.06, noise_s: 0.020, noise_hz: 2200.0, noise_level: 0.6, aspiration_s: 0.05, murmur_s: 0.00 },
    // s
    Onset { locus_hz: 1800.0, closure_s: 0.00, noise_s: 0.100, noise_hz: 6200.0, noise_level: 0.35, aspiration_s: 0.00, murmur_s: 0.00 },
    // sh
    Onset { locus_hz: 2000.0, closure_s: 0.00, noise_s: 0.100, noise_hz: 3200.0, noise_level: 0.40, aspiration_s: 0.00, murmur_s: 0.00 },
    // h
    Onset { locus_hz: 1500.0, closure_s: 0.00, noise_s: 0.000, noise_hz: 1500.0, noise_level: 0.0, aspiration_s: 0.07, murmur_s: 0.00 },
    // ch
    Onset { locus_hz: 2000.0, closure_s: 0.04, noise_s: 0.060, noise_hz: 3600.0, noise_level: 0.45, aspiration_s: 0.02, murmur_s: 0.00 },
    // m
    Onset { locus_hz: 900.0, closure_s: 0.00, noise_s: 0.000, noise_hz: 1000.0, noise_level: 0.0, aspiration_s: 0.00, murmur_s: 0.06 },
    // n
    Onset { locus_hz: 1700.0, closure_s: 0.00, noise_s: 0.000, noise_hz: 1000.0, noise_level: 0.0, aspiration_s: 0.00, murmur_s: 0.06 },
];

#[rustfmt::skip]
const VOWELS: [Vowel; 7] = [
    [780.0, 1300.0, 2550.0], // a
    [500.0, 900.0, 2500.0],  // o
    [520.0, 1450.0, 2500.0], // e
    [300.0, 2250.0, 2950.0], // i
    [330.0, 800.0, 2400.0],  // u
    [300.0, 1950.0, 2400.0], // ü
    [560.0, 1850.0, 2600.0], // ê
];

/// High, rising, dipping, falling and light, as in Mandarin.
const TONES: [[f64; 3]; 5] =
    [[2.5, 2.5, 2.5], [-2.0, -0.5, 2.5], [-2.0, -4.0, -1.5], [3.5, 1.0, -3.5], [0.0, -0.5, -1.0]];

/// The syllables of sentence `index`.
pub(super) fn syllables(index: usize) -> Vec<Syllable> {
    // The key does not hold the seed of the corpus: the text is the same in all corpora.
    let mut random = Random::new([0, 0, 0, index as u64]);
    let count = *random.pick(&[4, 5, 5, 6]);
    (0..count)
        .map(|_| {
            let vowel = random.pick(&VOWELS);
            Syllable {
                onset: random.pick(&ONSETS),
                vowels: [vowel, if random.chance(0.3) { random.pick(&VOWELS) } else { vowel }],
                tone: random.pick(&TONES),
                vowel_s: random.uniform([0.11, 0.19]),
                nasal: random.chance(0.25),
                stress: random.uniform([0.75, 1.1]),
            }
        })
        .collect()
}
