//! Ages as people read them: apimachinery's `duration.HumanDuration`.

use std::time::Duration;

use portolan::time::human_duration;

/// How long before `now` (since the Unix epoch) the moment was; `<unknown>` when there is none.
pub(super) fn since(moment: &str, now: Duration) -> String {
    match seconds(moment) {
        Some(then) => human(i64::try_from(now.as_secs()).unwrap_or(i64::MAX) - then),
        None if moment.is_empty() => "<unknown>".to_owned(),
        None => "<invalid>".to_owned(),
    }
}

/// From one moment to another, `None` when either is none.
pub(super) fn between(from: &str, to: &str) -> Option<String> {
    Some(human(seconds(to)? - seconds(from)?))
}

/// A moment as seconds since the Unix epoch.
fn seconds(moment: &str) -> Option<i64> {
    moment.parse().ok().map(jiff::Timestamp::as_second)
}

/// A moment to come is no age, but clocks may be a second apart.
fn human(seconds: i64) -> String {
    match u64::try_from(seconds) {
        Ok(seconds) => human_duration(Duration::from_secs(seconds)),
        Err(_) if seconds == -1 => "0s".to_owned(),
        Err(_) => "<invalid>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_as_kubectl_s() {
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (185, "3m5s"),
            (3_700, "61m"),
            (10_800, "3h"),
            (10_860, "3h1m"),
            (100_000, "27h"),
            (180_000, "2d2h"),
            (864_000, "10d"),
            (70_000_000, "2y80d"),
            (300_000_000, "9y"),
        ] {
            assert_eq!(human(seconds), text, "{seconds}");
        }
        assert_eq!(since("2026-01-01T00:00:00Z", Duration::from_secs(1_767_225_605)), "5s");
        assert_eq!(
            (since("", Duration::ZERO), since("soon", Duration::ZERO)),
            ("<unknown>".into(), "<invalid>".into())
        );
    }
}
