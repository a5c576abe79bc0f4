//! Lengths of time as people read them.

use std::time::Duration;

/// A length of time in at most two units, as `kubectl` writes ages: `42s`, `5m10s`, `3h`, `12d`. apimachinery's
/// `duration.HumanDuration`.
///
/// ```
/// use std::time::Duration;
/// use portolan::time::human_duration;
/// assert_eq!(human_duration(Duration::from_secs(310)), "5m10s");
/// ```
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit}{small}{small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_as_kubectl_s() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (185, "3m5s"),
            (310, "5m10s"),
            (3_600, "60m"),
            (3_700, "61m"),
            (10_800, "3h"),
            (10_860, "3h1m"),
            (11_400, "3h10m"),
            (100_000, "27h"),
            (108_000, "30h"),
            (180_000, "2d2h"),
            (262_800, "3d1h"),
            (864_000, "10d"),
            (3_456_000, "40d"),
            (70_000_000, "2y80d"),
            (94_608_000, "3y"),
            (300_000_000, "9y"),
        ] {
            assert_eq!(human_duration(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
