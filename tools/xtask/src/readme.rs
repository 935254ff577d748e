//! The commands that README.md tells a reader to type, so that the gate runs these and no others.

use anyhow::{Context, Result, ensure};

use crate::repo;

/// README's two commands.
#[derive(Debug, PartialEq, Eq)]
pub struct Commands {
    /// The first one, which shows the core at work.
    pub first: String,
    /// The one that runs all tests.
    pub test: String,
}

/// Reads both from README.md.
pub fn commands() -> Result<Commands> {
    parse(&repo::read("README.md")?)
}

/// They are the first two commands in README's `sh` blocks: one starts with `cargo run`, one with `cargo test`.
fn parse(markdown: &str) -> Result<Commands> {
    let commands = shell_commands(markdown);
    let mut two: Vec<String> = commands.into_iter().take(2).collect();
    two.sort();
    let wanted = "README.md must open with two commands in `sh` blocks, one of cargo run and one of cargo test";
    let test = two.pop().with_context(|| format!("{wanted}; it has none"))?;
    let first = two.pop().with_context(|| format!("{wanted}; it has one: {test}"))?;
    ensure!(
        first.starts_with("cargo run ") && test.starts_with("cargo test "),
        "{wanted}; they are `{first}` and `{test}`"
    );
    Ok(Commands { first, test })
}

/// All commands in the `sh` blocks of a Markdown text, in order; a line that ends with a backslash goes on in the next.
pub fn shell_commands(markdown: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let (mut inside, mut goes_on) = (false, false);
    for line in markdown.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = line == "```sh";
            goes_on = false;
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let part = line.trim_end_matches('\\').trim_end();
            match commands.last_mut() {
                Some(command) if goes_on => {
                    command.push(' ');
                    command.push_str(part);
                }
                _ => commands.push(part.to_owned()),
            }
            goes_on = line.ends_with('\\');
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_the_lines_of_sh_blocks_alone() {
        let text = "a\n```sh\none --x \\\n    --y\n# a comment\n\ntwo\n```\n```text\nthree\n```\n```sh\nfour\n```\n";
        assert_eq!(shell_commands(text), ["one --x --y", "two", "four"]);
    }

    #[test]
    fn the_two_commands_may_stand_in_either_order() {
        let run = "```sh\ncargo run -p a\n```\n";
        let test = "```sh\ncargo test --workspace\n```\n";
        let wanted = Commands { first: "cargo run -p a".to_owned(), test: "cargo test --workspace".to_owned() };
        assert_eq!(parse(&format!("{run}{test}")).unwrap(), wanted);
        assert_eq!(parse(&format!("{test}{run}```sh\nother\n```\n")).unwrap(), wanted);
    }

    #[test]
    fn another_command_among_the_first_two_is_an_error_that_shows_both() {
        let error = parse("```sh\ncargo test --all\nls\n```\n").unwrap_err().to_string();
        assert!(error.contains("`cargo test --all` and `ls`"), "{error}");
        assert!(parse("").unwrap_err().to_string().contains("it has none"));
        assert!(parse("```sh\nls\n```").unwrap_err().to_string().contains("it has one"));
    }

    #[test]
    fn the_readme_of_this_repository_has_both() {
        commands().unwrap();
    }
}
