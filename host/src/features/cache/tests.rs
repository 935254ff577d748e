use super::*;
use crate::corpus::audio::write_wav;
use crate::corpus::choice::Choice;
use ser_core::spec::{edge, paper};

fn corpus(dir: &Path, level: i16) -> Corpus {
    for (emotion, name) in [("angry", "a"), ("sad", "b")] {
        std::fs::create_dir_all(dir.join(emotion)).unwrap();
        let tone: Vec<i16> = (0..8000).map(|n| if n / 40 % 2 == 0 { level } else { -level }).collect();
        write_wav(&dir.join(emotion).join(format!("{name}.wav")), &tone).unwrap();
    }
    Corpus::open(dir, &Choice::default()).unwrap()
}

/// The rows of the whole corpus, or the reasons why there are none.
fn rows(cache: &FeatureCache, corpus: &Corpus, speed: f64) -> Vec<Result<Rows, String>> {
    let all: Vec<&Utterance> = corpus.utterances.iter().collect();
    let extracted = cache.of_part(corpus, &all, speed).unwrap();
    extracted.into_iter().map(|kept| kept.map(|kept| kept.rows().unwrap().into_owned())).collect()
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn kept_rows_are_those_of_the_extractor_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = Corpus { utterances: Corpus::synthetic(1).utterances.split_off(1190), ..Corpus::synthetic(1) };
    for front_end in [edge().front_end, paper().front_end] {
        let cache = FeatureCache::new(&front_end, &dir.path().join("cache")).unwrap();
        let extractor = Extractor::new(&front_end).unwrap();
        for speed in [1.0, 0.94] {
            let extract = |utterance: &Utterance| {
                extractor
                    .log_mel(&change_speed(&utterance.samples(front_end.sample_rate_hz).unwrap(), speed).unwrap())
                    .unwrap()
            };
            let wanted: Vec<Result<Rows, String>> =
                corpus.utterances.iter().map(|utterance| Ok(extract(utterance))).collect();
            for _ in 0..2 {
                assert_eq!(rows(&cache, &corpus, speed), wanted);
            }
            let all: Vec<&Utterance> = corpus.utterances.iter().collect();
            for (kept, wanted) in cache.of_part(&corpus, &all, speed).unwrap().into_iter().zip(wanted) {
                assert_eq!(kept.unwrap().len(), wanted.unwrap().len());
            }
        }
    }
    assert_eq!(files(&dir.path().join("cache")), 4, "one for each front end and speed");
}

#[test]
fn changed_audio_or_a_changed_front_end_is_no_cache_hit() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cache");
    let front_end = edge().front_end;
    let rows = |level: i16, front_end: &FrontEnd| {
        let corpus = corpus(&dir.path().join("corpus"), level);
        rows(&FeatureCache::new(front_end, &folder).unwrap(), &corpus, 1.0)
    };
    let first = rows(5000, &front_end);
    assert_ne!(rows(9000, &front_end), first);
    assert_ne!(rows(5000, &FrontEnd { floor_db: -60.0, ..front_end }), first);
}

#[test]
fn a_front_end_at_another_rate_hears_the_recordings_at_it() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(&dir.path().join("corpus"), 5000);
    let folder = dir.path().join("cache");
    let rows = |front_end: &FrontEnd| {
        let rows = rows(&FeatureCache::new(front_end, &folder).unwrap(), &corpus, 1.0);
        rows.into_iter().map(|rows| rows.unwrap().len()).collect::<Vec<_>>()
    };
    let at_16_khz = edge().front_end;
    let at_8_khz = FrontEnd {
        sample_rate_hz: 8_000,
        frame_len: at_16_khz.frame_len / 2,
        hop_len: at_16_khz.hop_len / 2,
        fft_len: at_16_khz.fft_len / 2,
        mel_bands: 20,
        mel_high_hz: 4_000.0,
        ..at_16_khz
    };
    assert_eq!(rows(&at_8_khz), rows(&at_16_khz));
    assert_eq!(files(&folder), 2);
}

#[test]
fn a_damaged_cache_file_is_computed_anew() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(&dir.path().join("corpus"), 5000);
    let folder = dir.path().join("cache");
    let cache = FeatureCache::new(&edge().front_end, &folder).unwrap();
    let computed = rows(&cache, &corpus, 1.0);
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&file).unwrap();
    let mut long = bytes.clone();
    long[20..24].fill(0xff);
    let mut many = bytes.clone();
    many[..8].fill(0xff);
    for damaged in [&bytes[..bytes.len() - 3], &bytes[..5], &[], &long, &many] {
        std::fs::write(&file, damaged).unwrap();
        assert_eq!(rows(&cache, &corpus, 1.0), computed);
    }
}

#[test]
fn an_unreadable_utterance_leaves_its_reason_and_the_others_their_rows() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(&dir.path().join("corpus"), 5000);
    std::fs::write(dir.path().join("corpus/angry/a.wav"), b"").unwrap();
    let folder = dir.path().join("cache");
    let cache = FeatureCache::new(&edge().front_end, &folder).unwrap();
    let found = rows(&cache, &corpus, 1.0);
    assert!(found[0].as_ref().is_err_and(|reason| reason.contains("empty")), "{:?}", found[0]);
    assert!(found[1].is_ok());
    assert_eq!(files(&folder), 1);
    assert_eq!(rows(&cache, &corpus, 1.0), found);
    let mut skipped = Vec::new();
    let all: Vec<&Utterance> = corpus.utterances.iter().collect();
    let readable = cache.readable(&corpus, &all, &mut |problem| skipped.push(problem.path)).unwrap();
    assert_eq!((readable.len(), skipped), (1, vec!["angry/a.wav".to_owned()]));
}

#[test]
fn the_rows_of_a_part_are_those_of_its_utterances_and_parts_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(&dir.path().join("corpus"), 5000);
    let folder = dir.path().join("cache");
    let cache = FeatureCache::new(&edge().front_end, &folder).unwrap();
    let all = rows(&cache, &corpus, 1.1);
    for (utterance, wanted) in corpus.utterances.iter().zip(all) {
        let part = cache.of_part(&corpus, &[utterance], 1.1).unwrap();
        assert_eq!(*part[0].as_ref().unwrap().rows().unwrap(), wanted.unwrap());
    }
    assert_eq!(files(&folder), 1);
    let (first, second) = corpus.utterances.split_at(1);
    let smaller = Corpus { utterances: first.to_vec(), ..corpus.clone() };
    assert!(cache.of_part(&smaller, &[&second[0]], 1.0).is_err());
}

#[test]
fn of_a_changed_corpus_and_of_several_only_what_is_new_is_computed() {
    let dir = tempfile::tempdir().unwrap();
    let before = corpus(&dir.path().join("corpus"), 5000);
    let cache = FeatureCache::new(&edge().front_end, &dir.path().join("cache")).unwrap();
    let first = rows(&cache, &before, 1.0);
    // A recording that keeps its name, length and time and cannot be read any more: only kept rows can have it.
    let unread = dir.path().join("corpus/sad/b.wav");
    let time = std::fs::metadata(&unread).unwrap().modified().unwrap();
    let len = std::fs::read(&unread).unwrap().len();
    std::fs::write(&unread, vec![0; len]).unwrap();
    std::fs::File::options().append(true).open(&unread).unwrap().set_modified(time).unwrap();
    write_wav(&dir.path().join("corpus/angry/a.wav"), &[700; 9000]).unwrap();
    let changed = Corpus::open(&dir.path().join("corpus"), &Choice::default()).unwrap();
    let second = rows(&cache, &changed, 1.0);
    assert_eq!(second[1], first[1]);
    assert_ne!(second[0], first[0]);
    let more = dir.path().join("corpus/sad/c.wav");
    write_wav(&more, &[-700; 9000]).unwrap();
    let larger = rows(&cache, &Corpus::open(&dir.path().join("corpus"), &Choice::default()).unwrap(), 1.0);
    assert_eq!(larger[..2], second[..]);
    // At another speed nothing is kept yet.
    assert!(rows(&cache, &changed, 1.1)[1].is_err());
}

#[test]
fn a_stop_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(&dir.path().join("corpus"), 5000);
    let folder = dir.path().join("cache");
    let cache = FeatureCache::new(&edge().front_end, &folder).unwrap();
    let asked = Stop::default();
    asked.ask();
    assert!(!cache.fill(&corpus, 1.0, &asked).unwrap());
    assert_eq!(files(&folder), 0);
    assert!(cache.fill(&corpus, 1.0, &Stop::default()).unwrap());
    assert!(cache.fill(&corpus, 1.0, &asked).unwrap(), "the file is there");
}

#[test]
fn files_that_nobody_used_lately_make_room_for_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3600);
    let file = |name: &str, hours: u32| {
        let path = dir.path().join(name);
        std::fs::write(&path, [0; 100]).unwrap();
        let file = std::fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - hours * hour).unwrap();
        path
    };
    let (oldest, old, new) = (file("a.rows", 50), file("b.rows", 40), file("c.rows", 30));
    let (recent, foreign) = (file("d.rows", 1), file("notes.txt", 60));
    make_room(dir.path(), &new, 400, 24 * hour);
    assert!(oldest.exists(), "they fit");
    make_room(dir.path(), &new, 300, 24 * hour);
    assert!(!oldest.exists() && old.exists());
    make_room(dir.path(), &new, 0, 24 * hour);
    assert!(!old.exists() && new.exists() && recent.exists() && foreign.exists());
}
