//! Times and durations between their wire numbers and the text Go writes for them.

use jiff::Timestamp;
use jiff::tz::Offset;

/// The seconds of Go's zero time, 0001-01-01T00:00:00Z.
const ZERO_TIME: i64 = -62_135_596_800;

/// The units of a duration, largest first, in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

/// What JSON writes as a text made of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Time(Timestamp),
    MicroTime(Timestamp),
    /// Nanoseconds.
    Duration(i64),
}

impl Moment {
    /// A time in seconds since 1970 and nanoseconds; `None` for Go's zero time.
    pub(super) fn of_time(seconds: i64, nanos: i32, is_micro: bool) -> Result<Option<Self>, &'static str> {
        let nanos = if is_micro { nanos / 1000 * 1000 } else { 0 };
        if seconds == ZERO_TIME && nanos == 0 {
            return Ok(None);
        }
        let time = Timestamp::new(seconds, nanos).map_err(|_| "a time beyond the calendar")?;
        Ok(Some(if is_micro { Self::MicroTime(time) } else { Self::Time(time) }))
    }

    /// As Go writes it: a time as RFC 3339 in UTC with whole seconds, or six digits of them.
    pub(super) fn text(self) -> String {
        let (time, is_micro) = match self {
            Self::Time(time) => (time, false),
            Self::MicroTime(time) => (time, true),
            Self::Duration(nanos) => return duration_text(nanos),
        };
        let at = Offset::UTC.to_datetime(time);
        let (year, month, day) = (at.year(), at.month(), at.day());
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        match is_micro {
            true => format!("{text}.{:06}Z", at.subsec_nanosecond() / 1000),
            false => text + "Z",
        }
    }
}

/// Seconds and nanoseconds of an RFC 3339 text with any offset; `None` for Go's zero time.
pub(super) fn time_of(text: &str, is_micro: bool) -> Result<Option<(i64, i32)>, &'static str> {
    let timestamp: Timestamp = text.parse().map_err(|_| "not a time in RFC 3339")?;
    let nanos = timestamp.as_nanosecond();
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).map_err(|_| "not a time in RFC 3339")?;
    let nanos = nanos.rem_euclid(1_000_000_000) as i32;
    if seconds == ZERO_TIME && nanos == 0 {
        return Ok(None);
    }
    Ok(Some((seconds, if is_micro { nanos / 1000 * 1000 } else { 0 })))
}

/// As Go's `time.Duration.String`: `1h0m0s`, `1.5µs`, `0s`.
fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{nanos}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(nanos, 1_000, 3)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(nanos, 1_000_000, 6)),
        _ => {
            let minutes = nanos / 60_000_000_000;
            let seconds = decimal(nanos % 60_000_000_000, 1_000_000_000, 9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// As Go's `time.ParseDuration`, in nanoseconds.
pub(super) fn duration_of(text: &str) -> Result<i64, &'static str> {
    const WRONG: &str = "not a duration such as 1h30m";
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(WRONG);
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if (whole.is_empty() && fraction.is_empty()) || whole.len() > 19 {
            return Err(WRONG);
        }
        let (unit, nanos) = UNITS.into_iter().find(|(unit, _)| after.starts_with(unit)).ok_or(WRONG)?;
        let nanos = u128::from(nanos);
        total += whole.parse::<u128>().unwrap_or(0) * nanos;
        let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
        total += fraction.parse::<u128>().unwrap_or(0) * nanos / 10_u128.pow(fraction.len() as u32);
        if total > 1 << 64 {
            return Err(WRONG);
        }
        rest = &after[unit.len()..];
    }
    let total = i128::try_from(total).map_err(|_| WRONG)?;
    i64::try_from(if is_negative { -total } else { total }).map_err(|_| WRONG)
}

/// `nanos` in a unit, its fraction without trailing zeros.
fn decimal(nanos: u64, unit: u64, width: usize) -> String {
    let text = format!("{}.{:0width$}", nanos / unit, nanos % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        for (seconds, nanos, is_micro, text) in [
            (0, 0, false, Some("1970-01-01T00:00:00Z")),
            (0, 999, false, Some("1970-01-01T00:00:00Z")),
            (-62_135_596_800, 0, false, None),
            (-62_135_596_799, 0, false, Some("0001-01-01T00:00:01Z")),
            (1_700_000_000, 123_456_789, true, Some("2023-11-14T22:13:20.123456Z")),
            (-1, 500_000_000, true, Some("1969-12-31T23:59:59.500000Z")),
        ] {
            let written = Moment::of_time(seconds, nanos, is_micro).unwrap().map(Moment::text);
            assert_eq!(written.as_deref(), text);
            if let (Some(text), true) = (text, nanos != 999) {
                let expected = (seconds, if is_micro { nanos / 1000 * 1000 } else { 0 });
                assert_eq!(time_of(text, is_micro).unwrap(), Some(expected));
            }
        }
        assert_eq!(time_of("2023-11-14T23:13:20.9+01:00", false), Ok(Some((1_700_000_000, 0))));
        assert_eq!(time_of("0001-01-01T00:00:00Z", false), Ok(None));
        assert!(Moment::of_time(i64::MAX, 0, false).is_err() && Moment::of_time(0, i32::MIN, true).is_err());
        assert!(time_of("yesterday", false).is_err());
    }

    #[test]
    fn durations_are_written_and_read_as_go_does() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (-2_000_000, "-2ms"),
            (3_600_000_000_000, "1h0m0s"),
            (90_000_000_000, "1m30s"),
            (1_000_000_001, "1.000000001s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(Moment::Duration(nanos).text(), text);
            assert_eq!(duration_of(text), Ok(nanos));
        }
        assert_eq!(duration_of("+1.5h"), Ok(5_400_000_000_000));
        for wrong in ["", "-", "1", "1x", ".s", "99999999999h", "h", "1h 1m"] {
            assert!(duration_of(wrong).is_err(), "{wrong}");
        }
    }
}
