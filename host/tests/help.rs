//! What the program says of its options.

use std::process::Command;

fn host(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_host")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn only_options_of_the_front_end_stand_under_its_heading() {
    for command in ["train", "crossval"] {
        let (_, help, _) = host(&[command, "--help"]);
        let (general, front_end) = help.split_once("\nFront end:\n").unwrap();
        let names = |text: &str| -> Vec<String> {
            let option =
                |line: &str| line.trim_start().strip_prefix("--")?.split([' ', '=', '[']).next().map(str::to_owned);
            text.lines().filter_map(option).collect()
        };
        assert_eq!(names(front_end), ["denoise", "window", "mel-bands", "pre-emphasis", "keep-silence"], "{command}");
        for option in ["corpus", "preset", "recipe", "set", "epochs", "protocol", "out", "cache"] {
            assert!(names(general).iter().any(|name| name == option), "{command} --{option}");
        }
    }
}

#[test]
fn options_with_a_choice_list_it() {
    let (_, help, _) = host(&["train", "--help"]);
    assert!(help.contains("[possible values: edge, cnn, rnn, paper, paper-seq]"), "{help}");
    let (_, help, _) = host(&["paper", "--help"]);
    assert!(help.contains("[possible values: knn, svm, kernel-regression, gmm, hmm, rnn, edge, paper-seq,"), "{help}");
    let (code, _, message) = host(&["paper", "--only", "knn,cnn"]);
    assert_eq!(code, Some(2));
    assert!(message.contains("'cnn'") && message.contains("kernel-regression"), "{message}");
}

#[test]
fn a_backend_that_was_not_built_is_not_offered_and_the_error_says_how_to_build_it() {
    let (_, help, _) = host(&["train", "--help"]);
    for (backend, built) in
        [("ndarray", cfg!(feature = "ndarray")), ("wgpu", cfg!(feature = "wgpu")), ("cuda", cfg!(feature = "cuda"))]
    {
        assert_eq!(help.contains(&format!("- {backend}:")), built, "{backend}");
        if !built {
            let (code, _, message) = host(&["train", "--backend", backend]);
            assert_eq!(code, Some(1));
            assert!(message.contains(&format!("--features {backend}")), "{message}");
        }
    }
}

#[test]
fn the_recipe_that_would_be_used_is_printed_and_nothing_is_trained() {
    let (code, recipe, message) =
        host(&["train", "--preset", "rnn", "--set", "epochs=7", "--set", "shuffle=once", "--print-recipe"]);
    assert_eq!(code, Some(0), "{message}");
    let recipe: serde_json::Value = serde_json::from_str(&recipe).unwrap();
    assert_eq!((&recipe["epochs"], &recipe["shuffle"]), (&7.into(), &"once".into()));
    assert_eq!(recipe["sentence_prior"], 1.0);
    let (code, _, message) = host(&["train", "--set", "learning_rat=1", "--print-recipe"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("unknown entry learning_rat: did you mean learning_rate?"), "{message}");
}

#[test]
fn a_table_of_finished_folds_takes_no_option_of_a_training() {
    for option in
        [["--teachers", "2"], ["--set", "epochs=1"], ["--mel-bands", "20"], ["--corpus", "x"], ["--folds", "3"]]
    {
        let (code, _, message) = host(&[&["crossval", "--gather", "x"], &option[..]].concat());
        assert_eq!(code, Some(2), "{option:?}");
        assert!(message.contains("cannot be used with"), "{message}");
        let (code, _, _) = host(&[&["train", "--from", "x", "--qat", "1", "--out", "y"], &option[..]].concat());
        assert_eq!(code, Some(2), "{option:?}");
    }
}
