//! What signals do to the program.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A training that would take hours, after its first epoch.
fn training(folder: &Path) -> Child {
    let corpus = folder.join("corpus");
    for emotion in ser_host::corpus::labels::EMOTIONS {
        std::fs::create_dir_all(corpus.join(emotion)).unwrap();
        for sentence in 0..4 {
            let samples: Vec<i16> = (0..8000).map(|n| (n * (3 + sentence) * 37 % 9000) as i16).collect();
            let file = corpus.join(emotion).join(format!("{sentence}.wav"));
            ser_host::corpus::audio::write_wav(&file, &samples).unwrap();
        }
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
    command.arg("train").arg("--corpus").arg(&corpus).arg("--out").arg(folder.join("run"));
    command.arg("--cache").arg(folder.join("cache"));
    command.args(["--protocol", "random", "--preset", "rnn", "--epochs", "100000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("epoch 1/"), "{first}");
    child
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn exit_code(mut child: Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("still running");
}

#[test]
fn a_training_saves_at_a_signal_ends_with_130_and_is_no_finished_run() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let child = training(folder.path());
        send(signal, &child);
        assert_eq!(exit_code(child), Some(130), "{signal}");
        let run = folder.path().join("run");
        assert!(run.join("checkpoint.bin").is_file());
        let host = |command: &str| {
            let mut host = Command::new(env!("CARGO_BIN_EXE_host"));
            host.arg(command).arg(&run);
            if command != "report" {
                host.arg("--cache").arg(folder.path().join("cache"));
            }
            let output = host.output().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let (code, message) = host("export");
        assert_eq!(code, Some(1));
        assert!(message.contains("of 100000 epochs") && message.contains("--unfinished"), "{message}");
        let (code, message) = host("eval");
        assert_eq!(code, Some(0));
        assert!(message.contains("the run is unfinished: this is its network after"), "{message}");
    }
}

#[test]
fn a_command_with_nothing_to_save_ends_at_once_with_130_and_leaves_whole_files() {
    for (signal, delay_ms) in [("-TERM", 0), ("-INT", 37), ("-INT", 71), ("-TERM", 113)] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_host"))
            .args(["corpus", "synth"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("of 1200 files"), "{first}");
        std::thread::sleep(Duration::from_millis(delay_ms));
        send(signal, &child);
        assert_eq!(exit_code(child), Some(130));
        let mut folders = vec![folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    ser_host::corpus::audio::read_audio(&path, 16_000).unwrap();
                }
            }
        }
    }
}
