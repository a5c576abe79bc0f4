//! How many events there were, minute by minute over the last hour, as two heaps of bars and in words.
//!
//! An event counts once, in the minute in which it was last seen.

use super::age::{self, Millis};
use super::cell::Tone;

/// How many minutes are shown.
pub const MINUTES: usize = 60;
/// How high the bars are, and how wide a minute is, in the units of the picture.
const HEIGHT: f64 = 40.0;
const MINUTE: usize = 4;

const MINUTE_MILLIS: Millis = 60_000;

/// The last hour's events.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Normal ones and warnings by the minute, the oldest first.
    minutes: [(usize, usize); MINUTES],
    now: Millis,
}

/// The timeline as shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// The bars of the warnings, and of the normal ones above them: SVG paths.
    pub bars: [String; 2],
    /// How many of either there were; `None` when that is not known.
    pub counts: Option<[usize; 2]>,
    /// All of it in words.
    pub text: String,
    /// The most in one minute.
    pub most: usize,
}

/// The width and height of the picture.
pub const SIZE: (usize, f64) = (MINUTES * MINUTE, HEIGHT);

impl Picture {
    /// The picture of events that may not be looked at.
    pub fn unknown() -> Self {
        Self { text: "Events of the last hour: not known.".to_owned(), ..Self::default() }
    }
}

impl Timeline {
    /// The hour that ends `now`, empty.
    pub fn new(now: Millis) -> Self {
        Self { minutes: [(0, 0); MINUTES], now }
    }

    /// An event of this tone was last seen `then`.
    pub fn count(&mut self, then: Millis, tone: Tone) {
        let ago = (self.now.saturating_sub(then) / MINUTE_MILLIS) as usize;
        let Some(minute) = (MINUTES - 1).checked_sub(ago).and_then(|place| self.minutes.get_mut(place))
        else {
            return;
        };
        match tone {
            Tone::Warn | Tone::Bad => minute.1 += 1,
            _ => minute.0 += 1,
        }
    }

    /// As shown.
    pub fn picture(&self) -> Picture {
        let sum = |read: fn(&(usize, usize)) -> usize| self.minutes.iter().map(read).sum::<usize>();
        let counts = [sum(|minute| minute.1), sum(|minute| minute.0)];
        let most = self.minutes.iter().map(|(normal, warnings)| normal + warnings).max().unwrap_or_default();
        let high = |count: usize| HEIGHT * count as f64 / most.max(1) as f64;
        let mut bars = [String::new(), String::new()];
        for (place, &(normal, warnings)) in self.minutes.iter().enumerate() {
            let bar = |from: usize, count: usize| {
                let (left, bottom) = (place * MINUTE, HEIGHT - high(from));
                format!("M{left} {bottom:.1}h{}v-{:.1}h-{}z", MINUTE - 1, high(count), MINUTE - 1)
            };
            if warnings > 0 {
                bars[0].push_str(&bar(0, warnings));
            }
            if normal > 0 {
                bars[1].push_str(&bar(warnings, normal));
            }
        }
        Picture { bars, counts: Some(counts), text: self.words(counts, most), most }
    }

    fn words(&self, [warnings, normal]: [usize; 2], most: usize) -> String {
        let busiest = self.minutes.iter().rposition(|(normal, warnings)| normal + warnings == most);
        let Some(place) = busiest.filter(|_| most > 0) else {
            return "No events in the last hour.".to_owned();
        };
        let ago =
            age::since(self.now.saturating_sub((MINUTES - 1 - place) as Millis * MINUTE_MILLIS), self.now);
        let warned = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
        format!(
            "{warned} and {normal} normal events in the last hour; the most in a minute, {most}, {ago} ago."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_fall_into_their_minutes_and_are_told_in_words() {
        let now = 2 * 60 * MINUTE_MILLIS;
        let mut timeline = Timeline::new(now);
        for (minutes, tone) in [
            (0, Tone::Idle),
            (5, Tone::Warn),
            (5, Tone::Idle),
            (5, Tone::Idle),
            (59, Tone::Idle),
            (60, Tone::Warn),
            (90, Tone::Warn),
        ] {
            timeline.count(now - minutes * MINUTE_MILLIS, tone);
        }
        timeline.count(now + 9, Tone::Idle);
        let picture = timeline.picture();
        assert_eq!((picture.counts, picture.most), (Some([1, 5]), 3));
        assert_eq!(
            picture.text,
            "1 warning and 5 normal events in the last hour; the most in a minute, 3, 5m ago."
        );
        assert_eq!(picture.bars[0], "M216 40.0h3v-13.3h-3z");
        assert_eq!(picture.bars[1].matches('M').count(), 3);
        assert!(
            picture.bars[1].starts_with("M0 ") && picture.bars[1].contains("M216 26.7h3v-26.7h-3z"),
            "{:?}",
            picture.bars
        );
        assert_eq!(Timeline::new(now).picture().text, "No events in the last hour.");
    }
}
