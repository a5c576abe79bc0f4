//! Times as people read them: how long ago, as `kubectl` writes it, and the moment an RFC 3339 text names.
//!
//! Invariant: the present is always handed in as milliseconds since the Unix epoch; nothing here reads a clock.

use std::time::Duration;

use portolan::time::human_duration;

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

/// The moment `text` (RFC 3339, as the API writes times) names.
pub fn parse(text: &str) -> Option<Millis> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok()
}

/// How long before `now` the moment `then` was: `42s`, `5m10s`, `3h`, `12d`. apimachinery's `duration.HumanDuration`.
pub fn since(then: Millis, now: Millis) -> String {
    human_duration(Duration::from_millis(now.saturating_sub(then)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_writes_them() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (310, "5m10s"),
            (3_600, "60m"),
            (3 * 3_600 + 600, "3h10m"),
            (30 * 3_600, "30h"),
            (3 * 86_400 + 3_600, "3d1h"),
            (40 * 86_400, "40d"),
            (3 * 31_536_000, "3y"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(since(5_000, 5_000 + seconds * 1000), expected);
        }
        assert_eq!(since(10_000, 5_000), "0s", "a moment to come is no age");
    }

    #[test]
    fn times_of_the_api_parse_and_others_do_not() {
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(1_000));
        assert_eq!(parse("2026-11-02T10:00:00.250000Z"), Some(1_793_613_600_250));
        assert_eq!(parse("yesterday"), None);
    }
}
