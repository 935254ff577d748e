//! What was skipped, in few lines.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;

/// More reasons than this are counted, not named.
const REASONS: usize = 20;

/// Problems that were found but not told yet. Each is told once.
#[derive(Clone, Debug, Default)]
pub struct Skipped {
    known: BTreeSet<String>,
    waiting: Vec<Problem>,
}

impl Skipped {
    /// Adds a problem, unless one of the same path was added before.
    pub fn add(&mut self, problem: &Problem) {
        if self.known.insert(problem.path.clone()) {
            self.waiting.push(problem.clone());
        }
    }

    /// The lines about what was added since the last call.
    pub fn lines(&mut self) -> Vec<String> {
        lines(&std::mem::take(&mut self.waiting))
    }
}

/// One line for each reason, however many were skipped for it: `skipped li/sad/1.wav and 191 more: truncated`.
pub fn lines(problems: &[Problem]) -> Vec<String> {
    grouped(problems).into_iter().map(|line| format!("skipped {line}")).collect()
}

/// The same without `skipped`, for a list that has a heading.
pub fn grouped(problems: &[Problem]) -> Vec<String> {
    let mut reasons: BTreeMap<&str, (usize, &str, usize)> = BTreeMap::new();
    for (place, problem) in problems.iter().enumerate() {
        reasons.entry(problem.cause()).or_insert((place, &problem.path, 0)).2 += 1;
    }
    let mut reasons: Vec<_> =
        reasons.into_iter().map(|(cause, (place, first, count))| (place, first, count, cause)).collect();
    reasons.sort_unstable();
    let rest: usize = reasons.iter().skip(REASONS).map(|(_, _, count, _)| count).sum();
    let mut lines: Vec<String> = reasons
        .into_iter()
        .take(REASONS)
        .map(|(_, first, count, cause)| match count {
            1 => format!("{first}: {cause}"),
            _ => format!("{first} and {} more: {cause}", count - 1),
        })
        .collect();
    if rest > 0 {
        lines.push(format!("{rest} more, for other reasons"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(path: &str, reason: &str) -> Problem {
        Problem { path: path.to_owned(), reason: reason.to_owned() }
    }

    #[test]
    fn equal_reasons_make_one_line_with_a_count() {
        let silent = (1..=192).map(|n| problem(&format!("li/sad/{n}.wav"), "nothing but silence"));
        let problems: Vec<Problem> =
            silent.chain([problem("li/sad/0.wav", "/tmp/c/li/sad/0.wav: truncated")]).collect();
        assert_eq!(
            lines(&problems),
            ["skipped li/sad/1.wav and 191 more: nothing but silence", "skipped li/sad/0.wav: truncated"]
        );
    }

    #[test]
    fn reasons_that_differ_by_the_name_of_the_file_alone_are_equal() {
        let problems =
            [problem("a.wav", "/tmp/c/a.wav: not a WAV file"), problem("b.wav", "/tmp/c/b.wav: not a WAV file")];
        assert_eq!(lines(&problems), ["skipped a.wav and 1 more: not a WAV file"]);
    }

    #[test]
    fn of_many_reasons_the_last_are_counted() {
        let problems: Vec<Problem> = (0..25).map(|n| problem(&format!("{n}"), &format!("reason {n}"))).collect();
        let lines = lines(&problems);
        assert_eq!((lines.len(), lines[20].as_str()), (21, "skipped 5 more, for other reasons"));
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let mut skipped = Skipped::default();
        skipped.add(&problem("a", "x"));
        assert_eq!(skipped.lines(), ["skipped a: x"]);
        skipped.add(&problem("a", "x"));
        assert!(skipped.lines().is_empty());
    }
}
