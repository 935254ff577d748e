//! Shares as text.

/// `0.8125` as `81.2 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", points(share))
}

/// `0.8125` as `81.2`, for a table whose heading says that it counts in per cent.
pub fn points(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_one_decimal_in_per_cent() {
        assert_eq!([0.0, 0.8125, 1.0].map(percent), ["0.0 %", "81.2 %", "100.0 %"]);
        assert_eq!(points(0.0567), "5.7");
    }
}
