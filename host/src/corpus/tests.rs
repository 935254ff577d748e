use std::fs;
use std::path::Path;

use super::check::{Report, check};
use super::*;
use crate::corpus::audio::{SAMPLE_RATE_HZ, read_audio, write_wav};
use crate::corpus::choice::{Choice, Classes};

mod manifests;

/// A folder with a one-sample recording at each of `paths`.
fn folder(paths: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in paths {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_wav(&path, &[7]).unwrap();
    }
    dir
}

fn rows(corpus: &Corpus) -> Vec<(&str, &str, &str, &str)> {
    corpus
        .utterances
        .iter()
        .map(|u| (u.id.as_str(), u.speaker.as_str(), u.emotion_name(), u.sentence.as_str()))
        .collect()
}

#[test]
fn speaker_folders_give_speaker_emotion_and_sentence() {
    let dir = folder(&["li/Angry/201.wav", "li/joy/202.WAV", "an/sad/201.wav"]);
    fs::write(dir.path().join("README.txt"), "not audio").unwrap();
    fs::write(dir.path().join("li/Angry/._201.wav"), "what macOS leaves behind").unwrap();
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert_eq!(
        rows(&corpus),
        [
            ("an/sad/201.wav", "an", "sad", "201"),
            ("li/Angry/201.wav", "li", "angry", "201"),
            ("li/joy/202.WAV", "li", "happy", "202"),
        ]
    );
    assert!(corpus.problems.is_empty());
    assert_eq!(corpus.utterances[0].samples(SAMPLE_RATE_HZ).unwrap(), [7]);
}

#[test]
fn emotion_folders_give_no_speaker() {
    let dir = folder(&["fear/a-1.wav", "Neutral/b.c.wav"]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert_eq!(rows(&corpus), [("Neutral/b.c.wav", "", "neutral", "b.c"), ("fear/a-1.wav", "", "fear", "a-1")]);
}

#[test]
fn a_speaker_may_bear_the_name_of_an_emotion() {
    let dir = folder(&["Joy/sad/1.wav", "Joy/happy/1.wav"]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert!(corpus.utterances.iter().all(|utterance| utterance.speaker == "Joy"));
}

#[test]
fn what_does_not_fit_is_skipped_counted_and_told_in_one_line() {
    let dir = folder(&["li/sad/1.wav", "li/fear/1.wav", "loose.wav", "notes/a.wav", "notes/b.wav"]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert_eq!(corpus.utterances.len(), 2);
    assert_eq!(corpus.problems.len(), 3);
    let lines = skipped::lines(&corpus.problems);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.ends_with(" and 2 more: not in a folder that is named after an emotion"), "{line}");
}

#[test]
fn an_emotion_at_another_depth_than_most_is_said_to_be_so() {
    let dir = folder(&["li/sad/1.wav", "li/fear/1.wav", "angry/1.wav"]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    let problems: Vec<String> = corpus.problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        problems,
        ["angry/1.wav: the folder angry lies at the top, those of most recordings lie below one folder"]
    );
}

#[test]
fn folders_beside_those_of_known_emotions_are_labels_too_at_any_depth() {
    let dir = folder(&[
        "data/train/li/sad/1.wav",
        "data/train/li/rude/1.wav",
        "data/train/an/fear/take 2/1.wav",
        "data/__MACOSX/li/sad/1.wav",
    ]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    let speakers: Vec<(&str, &str)> =
        corpus.utterances.iter().map(|utterance| (utterance.speaker.as_str(), utterance.emotion_name())).collect();
    assert_eq!(speakers, [("an", "fear"), ("li", "rude"), ("li", "sad")]);
    assert_eq!(corpus.labels.names(), ["fear", "rude", "sad"]);
    assert!(corpus.problems.is_empty(), "{:?}", corpus.problems);
    let parts = folder(&["train/sad/1.wav", "test/fear/1.wav"]);
    let corpus = Corpus::open(parts.path(), &Choice::default()).unwrap();
    assert!(corpus.utterances.iter().all(|utterance| utterance.speaker.is_empty()), "a part is no speaker");
}

#[cfg(unix)]
#[test]
fn links_that_lead_back_are_told_and_read_once() {
    let dir = folder(&["li/sad/1.wav", "li/fear/1.wav"]);
    for name in ["one", "two"] {
        std::os::unix::fs::symlink("..", dir.path().join("li").join(name)).unwrap();
    }
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert_eq!(corpus.utterances.len(), 2);
    assert!(corpus.problems.iter().all(|problem| problem.reason == "a link to a folder that was read before"));
    assert_eq!(corpus.problems.len(), 2);
}

#[test]
fn a_known_corpus_is_read_by_its_names_and_songs_are_counted() {
    let dir = folder(&[
        "Actor_01/03-01-05-01-02-01-01.wav",
        "Actor_02/03-01-02-01-01-01-02.wav",
        "Actor_02/03-02-02-01-01-01-02.wav",
        "Actor_02/notes.wav",
    ]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert_eq!(corpus.members[0].known.map(|known| known.name), Some("RAVDESS"));
    assert_eq!(
        rows(&corpus),
        [
            ("Actor_01/03-01-05-01-02-01-01.wav", "01", "angry", "02"),
            ("Actor_02/03-01-02-01-01-01-02.wav", "02", "calm", "01"),
        ]
    );
    let problems: Vec<String> = corpus.problems.iter().map(Problem::to_string).collect();
    assert_eq!(problems, ["Actor_02/notes.wav: not named like a recording of speech in RAVDESS"]);
    assert_eq!(corpus.remarks(), ["no speech, and left out: 1 recordings"]);
}

#[test]
fn a_known_corpus_that_lies_there_twice_is_read_once_without_loss_if_it_can() {
    let dir = folder(&[
        "AudioMP3/1001_DFA_ANG_XX.mp3",
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "copy/AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1001_DFA_SAD_XX.wav",
    ]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    let ids: Vec<&str> = corpus.utterances.iter().map(|utterance| utterance.id.as_str()).collect();
    assert_eq!(ids, ["AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1001_DFA_SAD_XX.wav"]);
    assert_eq!((corpus.problems.len(), corpus.repeated), (0, 2));
    assert_eq!(corpus.remarks(), ["2 recordings lie there more than once and are read once"]);
}

#[test]
fn labels_of_ones_own_are_the_innermost_folders_if_folders_are_asked_for() {
    let dir = folder(&["li/positive/1.wav", "li/negative/2.wav", "mo/positive/3.wav"]);
    let error = format!("{:#}", Corpus::open(dir.path(), &Choice::default()).unwrap_err());
    assert!(error.contains("--layout folders"), "{error}");
    let origin = Origin { layout: Some("folders".to_owned()), ..Origin::new(dir.path()) };
    let corpus = Corpus::open_all(&[origin], &Choice::default()).unwrap();
    assert_eq!(
        rows(&corpus),
        [
            ("li/negative/2.wav", "li", "negative", "2"),
            ("li/positive/1.wav", "li", "positive", "1"),
            ("mo/positive/3.wav", "mo", "positive", "3"),
        ]
    );
    assert_eq!(corpus.remarks(), ["not known as emotions: negative, positive; --map negative= drops one"]);
}

#[test]
fn folders_that_say_something_else_than_names_are_believed_and_a_layout_can_be_asked_for() {
    let dir = folder(&["sad/m01a01.wav", "sad/m02a02.wav", "happy/f01a03.wav"]);
    let labels = |layout: Option<&str>| -> Vec<String> {
        let origin = Origin { layout: layout.map(str::to_owned), ..Origin::new(dir.path()) };
        let corpus = Corpus::open_all(&[origin], &Choice::default()).unwrap();
        corpus.utterances.iter().map(|utterance| utterance.emotion_name().to_owned()).collect()
    };
    assert_eq!(labels(None), ["happy", "sad", "sad"]);
    assert_eq!(labels(Some("Folders")), ["happy", "sad", "sad"]);
    assert_eq!(labels(Some("shemo")), ["angry", "angry", "angry"]);
}

#[test]
fn several_corpora_are_read_as_one_and_share_nothing() {
    let [one, two] = [folder(&["li/sad/1.wav", "li/angry/1.wav"]), folder(&["li/joy/1.wav", "li/sad/1.wav", "1.wav"])];
    let named = |dir: &tempfile::TempDir, name: &str| Origin { name: Some(name.to_owned()), ..Origin::new(dir.path()) };
    let origins = [named(&one, "one"), Origin { weight: 2.0, ..named(&two, "two") }];
    let corpus = Corpus::open_all(&origins, &Choice::default()).unwrap();
    assert_eq!(
        rows(&corpus),
        [
            ("one/li/angry/1.wav", "one/li", "angry", "one/1"),
            ("one/li/sad/1.wav", "one/li", "sad", "one/1"),
            ("two/li/joy/1.wav", "two/li", "happy", "two/1"),
            ("two/li/sad/1.wav", "two/li", "sad", "two/1"),
        ]
    );
    assert_eq!((corpus.name.as_str(), corpus.members[1].weight), ("one+two", 2.0));
    assert_eq!(corpus.labels.names(), ["angry", "happy", "sad"]);
    assert_eq!(corpus.problems[0].path, "two/1.wav");
    let split = split::Split::new(&corpus, split::Protocol::Corpus, None, 1, 1).unwrap_err().to_string();
    assert!(split.contains("no utterance of class 'happy' in the training part"), "{split}");
    let choice = Choice { classes: Classes::These(vec!["sad".to_owned()]), ..Choice::default() };
    let sad = Corpus::open_all(&origins, &choice).unwrap();
    assert_eq!(sad.left_out, BTreeMap::from([("angry".to_owned(), 1), ("happy".to_owned(), 1)]));
    let twice = Corpus::open_all(&[named(&one, "one"), named(&two, "one")], &Choice::default()).unwrap_err();
    assert!(twice.to_string().contains("two corpora are called one"), "{twice}");
}

#[test]
fn the_map_of_one_of_several_corpora_is_its_own() {
    let [one, two] = [folder(&["a/calm/1.wav", "a/sad/1.wav"]), folder(&["a/calm/1.wav", "a/sad/1.wav"])];
    let map = BTreeMap::from([("calm".to_owned(), "neutral".to_owned()), ("sad".to_owned(), String::new())]);
    let first = Origin { name: Some("one".to_owned()), map, ..Origin::new(one.path()) };
    let second = Origin { name: Some("two".to_owned()), ..Origin::new(two.path()) };
    let corpus = Corpus::open_all(&[first.clone(), second], &Choice::default()).unwrap();
    let labels: Vec<&str> = corpus.utterances.iter().map(Utterance::emotion_name).collect();
    assert_eq!(labels, ["neutral", "calm", "sad"]);
    assert_eq!(corpus.left_out, BTreeMap::from([("sad".to_owned(), 1)]));
    let wrong = Origin { map: BTreeMap::from([("bored".to_owned(), String::new())]), ..first };
    let error = format!("{:#}", Corpus::open_all(&[wrong], &Choice::default()).unwrap_err());
    assert!(error.contains("the map of") && error.contains("no label 'bored', it has calm, sad"), "{error}");
}

#[test]
fn a_label_that_a_corpus_calls_by_several_names_is_told() {
    let dir = folder(&["a/happy/1.wav", "a/joy/1.wav", "a/joy/2.wav", "a/sad/1.wav"]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert_eq!(corpus.several_names(), ["happy 1, joy 2 are all happy"]);
    let map = BTreeMap::from([("joy".to_owned(), "elated".to_owned())]);
    let apart = Corpus::open(dir.path(), &Choice { map, ..Choice::default() }).unwrap();
    assert_eq!(apart.labels.names(), ["elated", "happy", "sad"]);
    assert!(apart.several_names().is_empty());
}

#[test]
fn a_folder_without_utterances_is_an_error_that_says_what_was_expected() {
    for paths in [&[][..], &["notes/1.wav"], &["li/notes/1.wav"]] {
        let dir = folder(paths);
        let error = format!("{:#}", Corpus::open(dir.path(), &Choice::default()).unwrap_err());
        assert!(error.contains("speaker/emotion/name.wav"), "{error}");
        assert_eq!(error.contains("notes/1.wav: not in a folder that is named after"), !paths.is_empty(), "{error}");
    }
    let error = format!("{:#}", Corpus::open(Path::new("no-such-folder"), &Choice::default()).unwrap_err());
    assert!(error.contains("no-such-folder"), "{error}");
}

#[test]
fn a_folder_may_hold_recordings_of_any_kind() {
    let dir = folder(&["li/sad/1.wav", "li/sad/2.FLAC", "li/fear/3.Ogg", "li/fear/4.mp3", "li/fear/notes.txt"]);
    let corpus = Corpus::open(dir.path(), &Choice::default()).unwrap();
    let ids: Vec<&str> = corpus.utterances.iter().map(|utterance| utterance.id.as_str()).collect();
    assert_eq!(ids, ["li/fear/3.Ogg", "li/fear/4.mp3", "li/sad/1.wav", "li/sad/2.FLAC"]);
    assert_eq!(corpus.utterances[0].sentence, "3");
    assert!(corpus.problems.is_empty());
}

#[test]
fn a_check_warns_of_clipped_and_quiet_recordings_and_not_of_a_peak_at_full_scale() {
    let warnings = |gain: f32| {
        let dir = tempfile::tempdir().unwrap();
        for (sentence, emotion) in ["sad", "fear"].iter().enumerate() {
            let path = dir.path().join(format!("li/{emotion}/1.wav"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let speech = crate::corpus::synth::render(1, 0, sentence, sentence);
            let peak = speech.iter().map(|sample| f32::from(sample.saturating_abs())).fold(0.0, f32::max);
            let loud = |sample: &i16| (gain * 32_767.0 / peak * f32::from(*sample)) as i16;
            write_wav(&path, &speech.iter().map(loud).collect::<Vec<_>>()).unwrap();
        }
        let report = checked(dir.path());
        report.warnings.into_iter().filter(|warning| !warning.contains("no readable")).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(warnings(1.0), "");
    let clipped = warnings(4.0);
    assert!(clipped.starts_with("li/fear/1.wav and 1 more are clipped: "), "{clipped}");
    assert!(clipped.ends_with(" runs of 3 samples or more at full scale"), "{clipped}");
    let quiet = warnings(0.004);
    assert!(quiet.starts_with("li/fear/1.wav and 1 more are too quiet: no 10 ms reach -50 dBFS"), "{quiet}");
}

#[test]
fn the_synthetic_corpus_has_every_voice_emotion_and_sentence_once() {
    let corpus = Corpus::synthetic(1);
    assert_eq!(corpus.utterances.len(), 4 * 6 * 50);
    assert_eq!(corpus.by_id().len(), corpus.utterances.len());
    assert!(corpus.utterances.is_sorted_by(|a, b| a.id < b.id));
}

/// Writes 0.2 s of a tone of the given peak after 0.1 s of silence, all with a DC offset.
fn tone(path: &Path, peak: i16, dc: i16) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let tone = (0..3_200).map(|n| if n % 8 < 4 { peak } else { -peak });
    write_wav(path, &[0; 1_600].into_iter().chain(tone).map(|sample| sample + dc).collect::<Vec<i16>>()).unwrap();
}

/// The check of a folder, as the command does it.
fn checked(dir: &Path) -> Report {
    let all = Choice { classes: Classes::All, ..Choice::default() };
    check(&Corpus::open(dir, &all).unwrap(), &Choice::default()).unwrap()
}

#[test]
fn a_check_counts_and_measures_each_speaker_and_emotion() {
    let dir = tempfile::tempdir().unwrap();
    tone(&dir.path().join("li/sad/1.wav"), 3_277, 0);
    tone(&dir.path().join("li/sad/2.wav"), 1_638, 0);
    tone(&dir.path().join("an/fear/1.wav"), 3_276, 0);
    let report = checked(dir.path());
    assert_eq!(report.utterances, 3);
    assert!(report.broken.is_empty() && report.duplicates.is_empty(), "{report}");
    assert_eq!(report.formats.iter().collect::<Vec<_>>(), [(&"16000 Hz, mono, 16-bit integer".to_owned(), &3)]);
    let li = &report.groups[1];
    assert_eq!((li.speaker.as_str(), li.emotion.as_str(), li.utterances), ("li", "sad", 2));
    assert!((li.total_s - 0.6).abs() < 1e-9 && (li.mean_s - 0.3).abs() < 1e-9, "{li:?}");
    assert!((li.peak_db + 20.0).abs() < 0.01 && (li.lead_s - 0.1).abs() < 1e-9, "{li:?}");
    assert_eq!((report.classes.as_slice(), &report.fault), (&["fear".to_owned(), "sad".to_owned()][..], &None));
    let text = report.to_string();
    assert!(text.contains("Classes: fear, sad\n"), "{text}");
    assert!(text.contains("3 of 16000 Hz, mono, 16-bit integer") && text.contains("0 broken"), "{text}");
}

#[test]
fn a_check_lists_every_broken_file_with_its_reason_and_reads_the_rest() {
    let dir = folder(&["li/sad/1.wav", "loose.wav"]);
    fs::write(dir.path().join("li/sad/empty.wav"), "").unwrap();
    fs::write(dir.path().join("li/sad/text.wav"), "this is a text and no recording").unwrap();
    let cut = fs::read(dir.path().join("li/sad/1.wav")).unwrap();
    fs::write(dir.path().join("li/sad/cut.wav"), &cut[..cut.len() - 1]).unwrap();
    let report = checked(dir.path());
    assert_eq!(report.utterances, 1);
    let broken: Vec<String> = report.broken.iter().map(Problem::to_string).collect();
    assert_eq!(broken.len(), 4, "{broken:?}");
    for wanted in [
        "loose.wav: not in a folder",
        "li/sad/cut.wav: truncated",
        "li/sad/empty.wav: empty",
        "li/sad/text.wav: not a WAV",
    ] {
        assert!(broken.iter().any(|problem| problem.starts_with(wanted)), "{wanted}: {broken:?}");
    }
}

#[test]
fn a_check_finds_recordings_that_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    tone(&dir.path().join("li/sad/1.wav"), 3_000, 0);
    tone(&dir.path().join("li/sad/2.wav"), 3_001, 0);
    tone(&dir.path().join("an/fear/1.wav"), 3_000, 0);
    let report = checked(dir.path());
    assert_eq!(report.duplicates, [["an/fear/1.wav", "li/sad/1.wav"]]);
}

#[test]
fn a_check_warns_of_an_offset_that_depends_on_the_emotion_and_only_of_that() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..6 {
        tone(&dir.path().join(format!("li/sad/{n}.wav")), 3_000 + n, 100 + n);
        tone(&dir.path().join(format!("li/angry/{n}.wav")), 3_010 + n, n);
        tone(&dir.path().join(format!("an/sad/{n}.wav")), 3_020 + n, 7 * n);
        tone(&dir.path().join(format!("an/angry/{n}.wav")), 3_030 + n, 8 * n);
    }
    let report = checked(dir.path());
    let leaks: Vec<&String> =
        report.warnings.iter().filter(|warning| warning.contains("gives the emotion away")).collect();
    assert_eq!(leaks.len(), 1, "{leaks:?}");
    assert!(
        leaks[0].starts_with("speaker li: DC offset") && leaks[0].contains("0.31 % of full scale in sad"),
        "{leaks:?}"
    );
}

#[test]
fn a_written_corpus_is_the_same_when_it_is_read_and_taken_up_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut corpus = Corpus::synthetic(3);
    corpus.utterances.truncate(4);
    assert_eq!(corpus.write(dir.path(), |_| ()).unwrap(), Written { new: 4, kept: 0 });
    let first = dir.path().join(&corpus.utterances[0].id);
    fs::remove_file(&first).unwrap();
    fs::write(dir.path().join(&corpus.utterances[1].id), "cut").unwrap();
    assert_eq!(corpus.write(dir.path(), |_| ()).unwrap(), Written { new: 2, kept: 2 });

    let read = Corpus::open(dir.path(), &Choice::default()).unwrap();
    assert_eq!(rows(&read), rows(&corpus));
    for (read, wanted) in read.utterances.iter().zip(&corpus.utterances) {
        assert_eq!(read.samples(SAMPLE_RATE_HZ).unwrap(), wanted.samples(SAMPLE_RATE_HZ).unwrap());
    }
}

#[test]
fn a_recording_in_the_place_of_a_synthetic_one_is_kept_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut corpus = Corpus::synthetic(3);
    corpus.utterances.truncate(4);
    let place = dir.path().join(&corpus.utterances[2].id);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    write_wav(&place, &[1, 2, 3]).unwrap();
    let error = format!("{:#}", corpus.write(dir.path(), |_| ()).unwrap_err());
    assert!(error.contains(&corpus.utterances[2].sentence) && error.contains("not replaced"), "{error}");
    assert_eq!(read_audio(&place, SAMPLE_RATE_HZ).unwrap(), [1, 2, 3]);
    assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 1);
}
