//! Containers and encodings, one by one.

use super::*;

/// A WAV file with this format description and these bytes of samples.
fn wav(format: &[u8], samples: &[u8]) -> Vec<u8> {
    let chunk = |id: &[u8], bytes: &[u8]| [id, &(bytes.len() as u32).to_le_bytes(), bytes].concat();
    chunk(b"RIFF", &[b"WAVE".as_slice(), &chunk(b"fmt ", format), &chunk(b"data", samples)].concat())
}

/// A format description: encoding, channels, rate, bytes of a frame, bits.
fn format(tag: u16, channels: u16, rate: u32, frame_len: u16, bits: u16) -> Vec<u8> {
    let [a, b, c, d] = [tag, channels, frame_len, bits].map(u16::to_le_bytes);
    [&a[..], &b, &rate.to_le_bytes(), &(rate * u32::from(frame_len)).to_le_bytes(), &c, &d].concat()
}

fn decoded(bytes: &[u8]) -> Vec<i16> {
    Recording::decode(bytes).unwrap().at(SAMPLE_RATE_HZ).unwrap()
}

#[test]
fn bits_that_do_not_fill_their_bytes_are_the_upper_ones_but_alsas_are_the_lower_ones() {
    let sub_format =
        b"\x16\x00\x18\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
    let extensible = [format(0xfffe, 1, 16_000, 4, 32), sub_format.to_vec()].concat();
    let upper = Recording::decode(&wav(&extensible, &[0, 0x80, 0x34, 0x12, 0, 0, 0, 0xc0])).unwrap();
    assert_eq!(upper.format.to_string(), "16000 Hz, mono, 24-bit integer in 32 bits");
    assert_eq!(upper.samples, [0x12_3480 as f32 / 8_388_608.0, -0.5]);
    // S24_LE as arecord writes it: what stands in the fourth byte does not count.
    let lower =
        Recording::decode(&wav(&format(1, 1, 16_000, 4, 24), &[0x80, 0x34, 0x12, 0, 0, 0, 0xc0, 0x55])).unwrap();
    assert_eq!((lower.samples, lower.format), (upper.samples.clone(), upper.format));
    // 20 bits in three bytes.
    let twenty = Recording::decode(&wav(&format(1, 1, 16_000, 3, 20), &[0x80, 0x34, 0x12, 0, 0, 0xc0])).unwrap();
    assert_eq!(
        (twenty.samples, twenty.format.encoding.to_string()),
        (upper.samples, "20-bit integer in 24 bits".into())
    );
}

#[test]
fn samples_tell_which_bytes_they_fill_where_the_header_does_not() {
    let header = format(1, 1, 16_000, 4, 24);
    // The upper three bytes, then the lower ones; 16-bit samples in 24 bits, and quiet ones.
    let cases: [(&[u8], f32); 4] = [
        (&[0, 0x80, 0x34, 0x12, 0, 0xff, 0xff, 0xff], 0x12_3480 as f32),
        (&[0x80, 0x34, 0x12, 0, 0xff, 0xff, 0xff, 0xff], 0x12_3480 as f32),
        (&[0, 0x34, 0x12, 0, 0, 0xff, 0xff, 0xff], 0x12_3400 as f32),
        (&[3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], 3.0),
    ];
    for (samples, first) in cases {
        let file = wav(&header, samples);
        let recording = Recording::decode(&file).unwrap();
        assert_eq!(recording.samples[0], first / 8_388_608.0, "{samples:x?}");
        let mut heard = Vec::new();
        stream::hear(&file[..], None, SAMPLE_RATE_HZ, |new| heard.extend_from_slice(new)).unwrap();
        assert_eq!(heard, recording.at(SAMPLE_RATE_HZ).unwrap());
    }
}

#[test]
fn a_file_of_unknown_length_is_read_to_its_end() {
    let samples: Vec<i16> = (0..500).map(|n| n * 60 - 15_000).collect();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let whole = wav(&format(1, 1, 16_000, 2, 16), &bytes);
    // ffmpeg, sox, arecord, a recorder without power; lengths of the file and of the samples.
    let whole_len = whole.len() as u32 - 8;
    for lens in [
        [u32::MAX; 2],
        [0x7fff_f024, 0x7fff_f000],
        [0x8000_0024, 0x8000_0000],
        [0, 0],
        [36, 0],
        [u32::MAX, 0],
        [whole_len, 0],
    ] {
        let [file_len, samples_len] = lens.map(u32::to_le_bytes);
        let bytes = [&whole[..4], &file_len, &whole[8..40], &samples_len, &whole[44..]].concat();
        assert_eq!(decoded(&bytes), samples, "{lens:x?}");
        let mut heard = Vec::new();
        stream::hear(&bytes[..], None, SAMPLE_RATE_HZ, |new| heard.extend_from_slice(new)).unwrap();
        assert_eq!(heard, samples, "{lens:x?}");
    }
    // Where the file's own length has room for what follows, no samples are no samples.
    let [file_len, samples_len] = [whole.len() as u32 - 8, 0].map(u32::to_le_bytes);
    let empty =
        [&whole[..4], &file_len, &whole[8..40], &samples_len, b"LIST", &992u32.to_le_bytes(), &whole[52..]].concat();
    assert!(reason(&empty).contains("no samples"));
}

#[test]
fn a_file_with_64_bit_lengths_is_read_and_a_cut_one_is_told() {
    let samples = [1i16, -2, 3, -4];
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let whole = wav(&format(1, 1, 16_000, 2, 16), &bytes);
    for magic in [b"RF64", b"BW64"] {
        let file = |len: u64| {
            let long = [&100u64.to_le_bytes()[..], &len.to_le_bytes(), &4u64.to_le_bytes(), &[0; 4]].concat();
            let unknown = u32::MAX.to_le_bytes();
            [&magic[..], &unknown, b"WAVEds64", &28u32.to_le_bytes(), &long, &whole[12..40], &unknown, &bytes].concat()
        };
        assert_eq!(decoded(&file(8)), samples);
        assert_eq!(decoded(&file(0)), samples);
        assert!(reason(&file(10)).contains("the header says 5 samples, the file holds 4"));
    }
}

#[test]
fn what_is_not_read_is_named() {
    let of = |tag, frame_len, bits| reason(&wav(&format(tag, 1, 16_000, frame_len, bits), &[0; 64]));
    for (tag, name) in [(2, "Microsoft ADPCM"), (0x11, "IMA ADPCM"), (0x55, "MP3"), (0x4242, "0x4242")] {
        let reason = of(tag, 1, 4);
        assert!(reason.contains(name) && !reason.contains("not a WAV"), "{reason}");
    }
    assert!(of(3, 2, 16).contains("floats of 16 bits in 2 bytes"));
    assert!(of(1, 8, 64).contains("integers of 64 bits in 8 bytes"));
    assert!(of(1, 0, 16).contains("integers of 16 bits in 0 bytes"));
    assert!(reason(&wav(&format(1, 2, 16_000, 5, 16), &[0; 64])).contains("5 bytes for the samples of 2 channels"));
    assert!(reason(b"RIFX\0\0\0\0WAVE").contains("big-endian WAV"));
    assert!(reason(b"RIFF\0\0\0\0AVI LIST").contains("not a WAV file but RIFF of type \"AVI \""));
    assert!(reason(b"RIFF\x08\0\0\0WAVEdata\0\0\0\0").contains("no format (fmt) before its samples"));
    assert!(reason(b"FORM\0\0\0\0AIFFCOMM").ends_with("nor FLAC, Ogg or MP3, but AIFF"));
    assert!(reason(b"\0\0\0\x20ftypM4A ").ends_with("but MP4 (M4A)"));
    // Names that lie.
    assert!(reason(&[b"fLaC\0\0\0\x22".as_slice(), &[0; 34]].concat()).contains("not a WAV file but FLAC: "));
    let one_frame = [b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90\x64".as_slice(), &[0; 413]].concat();
    let reason = reason(&one_frame);
    assert!(reason.contains("not a WAV file but MP3: wanted at least 2 frames"), "{reason}");
}

const FLAC: &[u8] = include_bytes!("../fixtures/tone.flac");
const VORBIS: &[u8] = include_bytes!("../fixtures/tone.ogg");
const MP3: &[u8] = include_bytes!("../fixtures/tone.mp3");

/// What the fixtures hold: half a second of a sine of 1 kHz, made by this formula and encoded by libsndfile 1.2, because
/// no crate here encodes Ogg and MP3. The FLAC file has a second channel, half as loud and inverted.
fn tone() -> Vec<i16> {
    (0..8000).map(|n| (16_384.0 * (TAU * f64::from(n) / 16.0).sin()).round() as i16).collect()
}

#[test]
fn flac_is_exact_and_vorbis_and_mp3_keep_length_frequency_level_and_phase() {
    let flac = Recording::decode(FLAC).unwrap();
    assert_eq!(flac.format.to_string(), "16000 Hz, stereo, FLAC of 16 bits");
    let average = |sample: &i16| f32::from(*sample) / 32_768.0 + f32::from(-sample.div_euclid(2)) / 32_768.0;
    assert_eq!(flac.samples, tone().iter().map(|sample| average(sample) / 2.0).collect::<Vec<_>>());
    for (name, bytes, limit) in [("Vorbis", VORBIS, 0.02), ("MP3", MP3, 0.005)] {
        let recording = Recording::decode(bytes).unwrap();
        assert_eq!(recording.format.to_string(), format!("16000 Hz, mono, {name}"));
        let samples = recording.at(SAMPLE_RATE_HZ).unwrap();
        assert_eq!(samples.len(), 8000, "{name}");
        let distance = distance_from_sine(&samples, 1000.0);
        assert!(distance < limit, "{name}: {distance}");
    }
}

#[test]
fn a_file_is_read_by_its_contents_whatever_its_name_and_tags() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tone.wav");
    // An ID3 tag of 300 bytes.
    let tag = [b"ID3\x04\0\0\0\0\x02\x2c".as_slice(), &[0; 300]].concat();
    for (bytes, tagged) in [(FLAC, false), (FLAC, true), (MP3, true), (VORBIS, false)] {
        std::fs::write(&path, [if tagged { tag.as_slice() } else { &[] }, bytes].concat()).unwrap();
        assert_eq!(read_audio(&path, SAMPLE_RATE_HZ).unwrap(), decoded(bytes));
    }
}

/// A FLAC file whose header says neither how many samples there are nor their checksum, as from a pipe.
fn from_a_pipe(flac: &[u8]) -> Vec<u8> {
    let mut flac = flac.to_vec();
    // The last four bits of the byte before belong to the channels.
    flac[21] &= 0xf0;
    flac[22..42].fill(0);
    flac
}

#[test]
fn a_compressed_file_that_is_cut_or_damaged_is_refused_or_read_as_it_was() {
    let pipe = from_a_pipe(FLAC);
    let read = |bytes: &[u8]| Recording::decode(bytes).map(|recording| recording.samples);
    assert_eq!(read(&pipe).unwrap(), read(FLAC).unwrap());
    for bytes in [FLAC, &pipe, VORBIS] {
        let whole = read(bytes).unwrap();
        for cut in 0..bytes.len() {
            if let Ok(samples) = read(&bytes[..cut]) {
                // A FLAC file of unknown length was cut between its two frames.
                assert!(bytes == pipe && samples == whole[..4096], "cut at {cut} of {}", bytes.len());
            }
        }
        for at in (0..bytes.len()).step_by(3) {
            let mut changed = bytes.to_vec();
            changed[at] ^= 0x55;
            if let Ok(samples) = read(&changed) {
                assert!(samples == whole || at < 42, "byte {at} of {}", bytes.len());
            }
        }
    }
    for cut in (0..MP3.len()).step_by(7) {
        let _ = read(&MP3[..cut]);
    }
    for at in (0..MP3.len()).step_by(3) {
        let mut bytes = MP3.to_vec();
        bytes[at] ^= 0x55;
        let _ = read(&bytes);
    }
    let mut damaged = FLAC.to_vec();
    damaged[FLAC.len() / 4] ^= 1;
    assert!(reason(&damaged).contains("damaged: samples 0 to 4096 cannot be read"), "{}", reason(&damaged));
    let mut tagged = pipe.clone();
    tagged.extend_from_slice(b"TAG");
    tagged.resize(pipe.len() + 128, 0);
    assert_eq!(read(&tagged).unwrap(), read(FLAC).unwrap());
    for (bytes, wanted) in [
        (&FLAC[..FLAC.len() - 40], "truncated or damaged: the header says 8000 samples, 4096 can be read"),
        (&pipe[..FLAC.len() - 40], "bytes are no whole FLAC frame"),
        (&VORBIS[..VORBIS.len() - 40], "is not whole"),
        (&MP3[..MP3.len() / 2], "truncated or damaged: the header says 8000 samples"),
    ] {
        assert!(reason(bytes).contains(wanted), "{}", reason(bytes));
    }
    // A wrong checksum of all samples.
    let mut changed = FLAC.to_vec();
    changed[30] ^= 1;
    assert!(reason(&changed).contains("do not fit their checksum"));
}

#[test]
fn a_stream_of_another_container_is_no_raw_pcm_unless_a_rate_says_so() {
    let hear = |bytes: &[u8], raw_rate_hz| stream::hear(bytes, raw_rate_hz, SAMPLE_RATE_HZ, |_| {});
    let others: [(&[u8], &str); 3] =
        [(b"FORM\0\0\0\0AIFFCOMM", "AIFF"), (b"\0\0\0\x20ftypM4A ", "MP4"), (b".snd\0\0\0\x20", "AU")];
    for (bytes, name) in others {
        let error = hear(bytes, None).unwrap_err().to_string();
        assert!(error.starts_with(name) && error.contains("wanted WAV"), "{error}");
        hear(bytes, Some(SAMPLE_RATE_HZ)).unwrap();
    }
    hear(&[1, 0, 2, 0], None).unwrap();
    // The length of this WAV file, 1.9 GB, reads "ftyp".
    let mut long = wav(&format(1, 1, 16_000, 2, 16), &[0; 8]);
    long[4..8].copy_from_slice(b"ftyp");
    let mut heard = Vec::new();
    stream::hear(&long[..], None, SAMPLE_RATE_HZ, |new| heard.extend_from_slice(new)).unwrap();
    assert_eq!(heard, Recording::decode(&long).unwrap().at(SAMPLE_RATE_HZ).unwrap());
}

#[test]
fn a_stream_in_any_pieces_is_the_file() {
    /// Gives as many bytes at a time as its second field says.
    struct Pieces<'a>(&'a [u8], usize);
    impl std::io::Read for Pieces<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let len = self.1.min(to.len());
            std::io::Read::read(&mut self.0, &mut to[..len])
        }
    }
    let heard = |bytes: &[u8], piece: usize, raw: Option<u32>, rate: u32| {
        let mut samples = Vec::new();
        stream::hear(Pieces(bytes, piece), raw, rate, |new| samples.extend_from_slice(new)).map(|()| samples)
    };
    let samples: Vec<i16> = (0..9_001).map(|n| ((n * n) % 20_011 - 10_000) as i16).collect();
    let raw: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let file = wav(&format(1, 1, 16_000, 2, 16), &raw);
    let stereo = wav(&format(1, 2, 44_100, 6, 24), &[&raw[..], &raw, &raw].concat());
    for piece in [1, 7, 4096, 100_000] {
        assert_eq!(heard(&raw, piece, None, 16_000).unwrap(), samples);
        assert_eq!(heard(&raw, piece, Some(48_000), 16_000).unwrap(), to_rate(&samples, 48_000, 16_000).unwrap());
        for (bytes, rate) in [(&file[..], 16_000), (&file, 8_000), (&stereo, 16_000), (FLAC, 16_000), (FLAC, 8_000)] {
            assert_eq!(heard(bytes, piece, None, rate).unwrap(), Recording::decode(bytes).unwrap().at(rate).unwrap());
        }
    }
    let error = |bytes: &[u8], raw| format!("{:#}", heard(bytes, 100, raw, 16_000).unwrap_err());
    assert_eq!(error(&[], None), "an empty stream");
    assert_eq!(error(&wav(&format(1, 1, 16_000, 2, 16), &[]), None), "no samples");
    assert!(error(&raw[..raw.len() - 1], None).contains("in the middle of a sample"));
    assert!(error(&file[..file.len() - 9], None).contains("the header says 9001 samples, the file holds 8996"));
    assert!(error(&file, Some(8_000)).contains("for raw PCM alone"));
}
