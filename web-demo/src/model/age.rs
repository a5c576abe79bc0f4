//! Times as people read them: how long ago, as `kubectl` writes it, and the moment an RFC 3339 text names.
//!
//! Invariant: the present is always handed in as milliseconds since the Unix epoch; nothing here reads a clock.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use portolan::time::human_duration;

/// Milliseconds since the Unix epoch.
pub type Millis = u64;

/// The moment `text` names, as [`moment`] reads it.
pub fn parse(text: &str) -> Option<Millis> {
    u64::try_from(moment(text)?.as_millisecond()).ok()
}

/// The moment `text` names: RFC 3339, as the API and kubelets write times. jiff's own parser reads far more, and would be
/// 25 KB of the page with all it has to say of errors.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let number = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i32>().ok())?
    };
    let small = |digits: &str| i8::try_from(number(digits).filter(|_| digits.len() == 2)?).ok();
    let (date, time) = text.split_at_checked("2026-11-02T".len())?;
    let (time, rest) = time.split_at_checked("10:00:00".len())?;
    let [year, month, day] = parts(date.strip_suffix('T')?, '-')?;
    let [hour, minute, second] = parts(time, ':')?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit()).filter(|&at| at > 0)?),
        None => ("0", rest),
    };
    let nanoseconds = number(&format!("{fraction:0<9.9}"))?;
    let east = match zone.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign @ ("+" | "-"), zone) => {
            let (hours, minutes) = zone.split_once(':')?;
            let seconds = i32::from(small(hours)?) * 3600 + i32::from(small(minutes)?) * 60;
            if sign == "+" { seconds } else { -seconds }
        }
        _ => return None,
    };
    let date = DateTime::new(
        i16::try_from(number(year)?).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanoseconds,
    );
    Offset::from_seconds(east).ok()?.to_timestamp(date.ok()?).ok()
}

/// The three parts of `text`.
fn parts(text: &str, between: char) -> Option<[&str; 3]> {
    let mut parts = text.split(between);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
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
        assert_eq!(parse("2026-11-02T12:30:00.123456789+02:30"), Some(1_793_613_600_123));
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.9Z",
            "0001-01-01T00:00:00Z",
            "2026-11-02T10:00:00-07:00",
        ] {
            assert_eq!(moment(text), text.parse().ok(), "{text}");
        }
        for wrong in [
            "yesterday",
            "",
            "2026-11-02",
            "2026-11-02T10:00:00",
            "2026-02-30T10:00:00Z",
            "2026-11-02T1:000:00Z",
            "2026-11-02T10:00:00.Z",
            "2026-11-02T10:00:00+2",
            "2026-11-02T+9:00:00Z",
            "größe-11-02T10:00:00Z",
        ] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
