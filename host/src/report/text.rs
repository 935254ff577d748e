//! Numbers, names and text from files, as they stand in a page.

use crate::evaluation::statistics::Spread;
use crate::shares::{self, points};

/// Text from a file, made fit for XML: U+FFFD replaces each character that XML 1.0 forbids.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Text that is safe in an XML element or attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// The last characters of a text. A longer text becomes `…` and its last `limit - 1` characters.
pub fn ending(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    if count <= limit {
        text.to_owned()
    } else {
        format!("…{}", text.chars().skip(count - limit + 1).collect::<String>())
    }
}

/// `0.8125` as `81.2 %`, with a space that breaks no line.
pub fn percent(share: f64) -> String {
    shares::percent(share).replace(' ', "\u{a0}")
}

/// `71.5 % ± 2.1`; without `±` if there is no standard deviation.
pub fn plus_minus(spread: Spread) -> String {
    match spread.sd {
        Some(sd) => format!("{} \u{b1} {}", percent(spread.mean), points(sd)),
        None => percent(spread.mean),
    }
}

/// `96742` as `96,742`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with at most four decimals, a true minus sign and no trailing zeros.
pub fn number(value: &f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.replace('-', "\u{2212}") }
}

/// A text as part of a file name: lower-case ASCII letters, digits and single hyphens.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// The name of a picture's files: `prefix-name`, or `name` if the prefix is empty.
pub fn picture_name(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}-{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_files_cannot_leave_its_place() {
        assert_eq!(escape("<a href=\"x\">&'\u{1b}\u{0}"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\u{fffd}\u{fffd}");
        assert_eq!(slug("../As recorded, 2/"), "as-recorded-2");
        assert_eq!(ending("speaker/sad/201.wav", 8), "…201.wav");
        assert_eq!(ending("201.wav", 8), "201.wav");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 96_742, 1_234_567].map(thousands), ["0", "999", "1,000", "96,742", "1,234,567"]);
        assert_eq!([-20.0, 0.5, -0.0, 0.003].map(|value| number(&value)), ["\u{2212}20", "0.5", "0", "0.003"]);
        assert_eq!(percent(0.8125), "81.2\u{a0}%");
    }
}
