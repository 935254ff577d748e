//! Corpora from manifests.

use super::*;

#[test]
fn a_misspelt_column_of_a_manifest_is_told() {
    let dir = folder(&["1.wav"]);
    let csv = dir.path().join("list.csv");
    let problems = |header: &str| -> Vec<String> {
        fs::write(&csv, format!("{header}\n1.wav,a,sad,x\n")).unwrap();
        Corpus::open(&csv, &Choice::default()).unwrap().problems.iter().map(Problem::to_string).collect()
    };
    assert_eq!(
        problems("path,speeker,emotion,sentance"),
        [
            "line 1: the column 'speeker' is not read; is it 'speaker'?",
            "line 1: the column 'sentance' is not read; is it 'sentence'?"
        ]
    );
    assert!(problems("path,who,emotion,note").is_empty());
    assert!(problems("path,speaker,emotion,sentence").is_empty());
}

#[test]
fn a_manifest_that_is_not_read_is_told_and_a_layout_is_for_folders() {
    let dir = folder(&["li/sad/1.wav", "li/fear/2.wav"]);
    let csv = dir.path().join("manifest.csv");
    fs::write(&csv, "path,emotion\nli/sad/1.wav,sad\n").unwrap();
    let remarks = Corpus::open(dir.path(), &Choice::default()).unwrap().remarks();
    assert_eq!(remarks, [format!("{} is not read: give it in place of its folder", csv.display())]);
    let origin = Origin { layout: Some("ravdess".to_owned()), ..Origin::new(&csv) };
    let error = format!("{:#}", Corpus::open_all(&[origin], &Choice::default()).unwrap_err());
    assert!(error.contains("the layout ravdess is for folders"), "{error}");
}

#[test]
fn a_manifest_of_a_folder_gives_the_same_corpus_wherever_it_lies() {
    let dir = folder(&["wav/03a01Fa.wav", "wav/08b02Lb.wav"]);
    let all = Choice { classes: Classes::All, ..Choice::default() };
    let corpus = Corpus::open(dir.path(), &all).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for manifest in [dir.path().join("list.csv"), elsewhere.path().join("list.csv")] {
        corpus.write_manifest(dir.path(), &manifest).unwrap();
        let again = Corpus::open(&manifest, &all).unwrap();
        let told = |corpus: &Corpus| -> Vec<[String; 3]> {
            let utterances = corpus.utterances.iter();
            utterances.map(|u| [u.speaker.clone(), u.emotion_name().to_owned(), u.sentence.clone()]).collect()
        };
        assert_eq!(told(&again), [["03", "happy", "a01"], ["08", "boredom", "b02"]].map(|row| row.map(str::to_owned)));
        assert_eq!(told(&again), told(&corpus));
        assert!(again.utterances.iter().all(|utterance| utterance.samples(SAMPLE_RATE_HZ).is_ok()));
    }
}

#[test]
fn lists_of_meld_and_iemocap_are_read() {
    let dir = folder(&["audio/dia3_utt14.wav", "Ses01F_impro01_M007.wav"]);
    let meld = dir.path().join("train_sent_emo.csv");
    fs::write(&meld, "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nHi,Joey,joy,3,14\nNo,Ross,anger,3,15\n")
        .unwrap();
    let corpus = Corpus::open(&meld, &Choice::default()).unwrap();
    assert_eq!(rows(&corpus), [("audio/dia3_utt14.wav", "Joey", "happy", "")]);
    assert_eq!(corpus.problems[0].to_string(), "line 3 (dia3_utt15): there is no file");

    // Each part counts anew.
    let parts = folder(&[
        "train/splits/dia0_utt1.wav",
        "test/splits/dia0_utt1.wav",
        "test/old/dia0_utt2.wav",
        "test/dia0_utt2.wav",
    ]);
    let list = |name: &str| {
        let path = parts.path().join(name);
        fs::write(&path, "Emotion,Dialogue_ID,Utterance_ID\njoy,0,1\nanger,0,2\n").unwrap();
        Corpus::open(&path, &Choice::default())
    };
    let test = list("test_sent_emo.csv").unwrap();
    assert_eq!(rows(&test), [("test/splits/dia0_utt1.wav", "", "happy", "")]);
    assert!(test.problems[0].to_string().contains("2 files are called so, "), "{}", test.problems[0]);
    assert_eq!(list("train_sent_emo.csv").unwrap().utterances[0].id, "train/splits/dia0_utt1.wav");
    assert!(format!("{:#}", list("all.csv").unwrap_err()).contains("files are called so"));
    let iemocap = dir.path().join("iemocap.csv");
    fs::write(&iemocap, "file,label\nSes01F_impro01_M007.wav,exc\n").unwrap();
    let corpus = Corpus::open(&iemocap, &Choice::default()).unwrap();
    assert_eq!(rows(&corpus), [("Ses01F_impro01_M007.wav", "Ses01M", "excited", "")]);
}

#[test]
fn a_manifest_is_read_with_columns_in_any_order() {
    let dir = folder(&["audio/1.wav", "audio/2.wav", "audio/3.wav"]);
    let csv = dir.path().join("mine.csv");
    fs::write(
        &csv,
        "\u{feff}emotion, path, speaker, sentence\nANGER,./audio/1.wav,li,hello\nsad,audio\\2.wav,\"an, b\",\nfear,audio/3.wav,li,bye\n",
    )
    .unwrap();
    let corpus = Corpus::open(&csv, &Choice::default()).unwrap();
    assert_eq!(corpus.name, "mine");
    assert_eq!(
        rows(&corpus),
        [
            ("audio/1.wav", "li", "angry", "hello"),
            ("audio/2.wav", "an, b", "sad", ""),
            ("audio/3.wav", "li", "fear", "bye"),
        ]
    );
    assert!(corpus.problems.is_empty(), "{:?}", corpus.problems);
    assert_eq!(corpus.utterances[1].samples(SAMPLE_RATE_HZ).unwrap(), [7]);
}

#[test]
fn a_manifest_may_have_lines_from_windows_and_what_its_header_lacks_is_told() {
    let dir = folder(&["1.wav", "2.wav"]);
    let csv = dir.path().join("mine.csv");
    fs::write(&csv, "path,emotion,speaker\r\n1.wav,sad,li\r\n3.wav,sad,li\r\n2.wav,fear,li\r\n").unwrap();
    let corpus = Corpus::open(&csv, &Choice::default()).unwrap();
    assert_eq!(rows(&corpus), [("1.wav", "li", "sad", ""), ("2.wav", "li", "fear", "")]);
    assert_eq!(corpus.problems[0].to_string(), "line 3 (3.wav): there is no file");
    fs::write(&csv, "path,emotion,Sex\n1.wav,sad,f\n").unwrap();
    let told = Corpus::open(&csv, &Choice::default()).unwrap().problems[0].to_string();
    assert_eq!(told, "line 1: the column 'Sex' is not read; is it 'sex'?");
    for header in ["Path,emotion", "path;emotion"] {
        fs::write(&csv, format!("{header}\n1.wav,sad\n")).unwrap();
        let error = format!("{:#}", Corpus::open(&csv, &Choice::default()).unwrap_err());
        assert!(error.contains("with commas and in lower case") && error.contains(header), "{error}");
    }
}

#[test]
fn bad_rows_of_a_manifest_are_skipped_with_their_line() {
    let dir = folder(&["1.wav"]);
    let csv = dir.path().join("m.csv");
    let rows = [
        "path,speaker,emotion,sentence",
        "1.wav,li,sad,a",
        "1.wav,li,,a",
        "2.wav,li,sad,a",
        "../1.wav,li,sad,a",
        "no/such/../2.wav,li,sad,a",
        "1.wav,li",
        "./1.wav,li,sad,a",
    ];
    fs::write(&csv, rows.join("\n")).unwrap();
    let corpus = Corpus::open(&csv, &Choice::default()).unwrap();
    assert_eq!(corpus.utterances.len(), 1);
    let problems: Vec<String> = corpus.problems.iter().map(Problem::to_string).collect();
    for (problem, wanted) in problems.iter().zip([
        "line 3: it has no emotion",
        "line 4 (2.wav): there is no file",
        "line 5 (../1.wav): there is no file",
        "line 6 (no/such/../2.wav): there is no file",
        "line 7: ",
        "line 8 (./1.wav): it is listed before",
    ]) {
        assert!(problem.starts_with(wanted), "{problem} | {wanted}");
    }
    assert_eq!(problems.len(), 6);
}

#[test]
fn a_manifest_may_name_files_anywhere_and_a_file_has_one_name_however_it_is_written() {
    let dir = folder(&["lists/1.wav", "lists/more/2.wav", "other/3.flac"]);
    let csv = dir.path().join("lists/m.csv");
    let whole = dir.path().display();
    let rows = [
        "path,speaker,emotion,sentence".to_owned(),
        "more/../1.wav,li,sad,a".to_owned(),
        format!("{whole}/lists/more/2.wav,li,sad,b"),
        "../other/3.flac,li,sad,c".to_owned(),
        format!("{whole}/lists/1.wav,li,sad,a"),
        format!("{whole}/other/3.flac,li,sad,c"),
    ];
    fs::write(&csv, rows.join("\n")).unwrap();
    let corpus = Corpus::open(&csv, &Choice::default()).unwrap();
    let ids: Vec<&str> = corpus.utterances.iter().map(|utterance| utterance.id.as_str()).collect();
    assert_eq!(ids, ["../other/3.flac", "1.wav", "more/2.wav"]);
    assert!(corpus.utterances.iter().all(|utterance| utterance.samples(SAMPLE_RATE_HZ).unwrap() == [7]));
    let problems: Vec<String> = corpus.problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        problems,
        [
            format!("line 5 ({whole}/lists/1.wav): it is listed before"),
            format!("line 6 ({whole}/other/3.flac): it is listed before"),
        ]
    );
    // A name that leads out of the corpus is no place to write to.
    let error = format!("{:#}", corpus.write(&dir.path().join("new"), |_| ()).unwrap_err());
    assert!(error.contains("lies outside of its corpus"), "{error}");
    assert!(!dir.path().join("new").exists());
}

#[test]
fn a_file_that_is_no_manifest_is_an_error() {
    let dir = folder(&["1.wav"]);
    let error = format!("{:#}", Corpus::open(&dir.path().join("1.wav"), &Choice::default()).unwrap_err());
    assert!(error.contains("1.wav"), "{error}");
    let csv = dir.path().join("m.csv");
    for (header, missing) in [("path,speaker", "emotion"), ("speaker,emotion", "path")] {
        fs::write(&csv, format!("{header}\n1.wav,sad\n")).unwrap();
        let error = format!("{:#}", Corpus::open(&csv, &Choice::default()).unwrap_err());
        assert!(error.contains(&format!("no column '{missing}'")) && error.ends_with(header), "{error}");
    }
    fs::write(&csv, "path,emotion\n1.wav,sad\n").unwrap();
    let corpus = Corpus::open(&csv, &Choice::default()).unwrap();
    assert_eq!(rows(&corpus), [("1.wav", "", "sad", "")], "speaker and sentence may be unknown");
}
