//! The logs on show: what is asked for, the lines that are kept, what is found in them, and where the reader is.
//!
//! Invariants: no more than [`MOST`] lines are kept; a stream that is taken up again shows each line once.

use std::collections::VecDeque;

use jiff::Timestamp;
use portolan::stream::LogLine;

use super::access::Right;
use super::age::{Millis, moment};
use super::cell::Tone;
use super::choice::{Choice, Switch};
use super::ink::Inked;
use super::place::{Place, Places};
use super::reveal::reveal;
use super::trouble::Trouble;

/// So many lines are kept; the oldest go.
pub const MOST: usize = 10_000;
/// The height of a line in CSS pixels; `.log` in app.css has the same.
pub const LINE_HEIGHT: f64 = 18.0;
/// So many times what is looked for is marked in one line.
const MARKED: usize = 500;
/// Lines drawn above and below those in view.
const MARGIN: usize = 12;
/// How long a wait follows the end of a stream that is followed, or a failure that may pass.
const AGAIN: Millis = 2_000;

/// A stream of logs that should be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose.
    pub place: Place,
    /// Those of the run before.
    pub previous: bool,
    /// Go on with what is written from now on.
    pub follow: bool,
    /// So many lines from the end, unless it goes on from `since`.
    pub tail: u32,
    /// Where an earlier stream ended.
    pub since: Option<Timestamp>,
}

/// What is kept of the logs between frames.
#[derive(Debug, Default)]
pub struct Logs {
    asked: Option<Asked>,
    id: u64,
    state: State,
    kept: VecDeque<Line>,
    dropped: u64,
    last: Option<Timestamp>,
    /// The last piece of a line, and whether it is shown.
    piece: Option<bool>,
    find: String,
    hits: VecDeque<u64>,
    hit: Option<u64>,
    only: bool,
    top: f64,
    height: f64,
    /// How many lines the last frame had.
    drawn: usize,
    away: bool,
    /// The reader scrolls back, and the browser has not told of it yet.
    turns_back: bool,
    /// The pod has gone.
    gone: bool,
    /// How far the lines have moved up since they were drawn, in CSS pixels.
    moved: f64,
    wish: Option<f64>,
}

#[derive(Debug, Default)]
enum State {
    /// There is no pod.
    #[default]
    Nowhere,
    Connecting,
    Open,
    Ended,
    Waiting {
        until: Millis,
        why: String,
    },
    Failed(Box<Trouble>),
}

#[derive(Debug)]
struct Line {
    time: String,
    inked: Inked,
}

/// The logs as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What can be chosen, and what is.
    pub places: Places,
    /// How they are shown.
    pub choice: Choice,
    /// How it stands, in words.
    pub status: String,
    /// What that says about health.
    pub tone: Tone,
    /// What went wrong and what to do.
    pub trouble: Option<Trouble>,
    /// How many lines there are to scroll through.
    pub lines: usize,
    /// How many went because there were too many.
    pub dropped: u64,
    /// How many hold what is looked for, and which of them was last gone to.
    pub hits: (usize, Option<usize>),
    /// The number of the first row below.
    pub first: usize,
    /// Those in view.
    pub rows: Vec<Row>,
    /// The reader is not at the end.
    pub away: bool,
}

/// A line in view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number since the first that came.
    pub number: u64,
    /// Its pieces: a class and a text each.
    pub spans: Vec<(String, String)>,
    /// Gone to by a search.
    pub current: bool,
}

impl Logs {
    /// Brings what is asked for up to date.
    pub(super) fn settle(&mut self, places: &Places, choice: &Choice, now: Millis) {
        let follow = choice.is_on(Switch::Follow) && !choice.previous;
        let wanted = places.place.clone().map(|place| Asked {
            place,
            previous: choice.previous,
            follow,
            tail: choice.tail,
            since: None,
        });
        let same = |asked: &Asked, wanted: &Asked| {
            (&asked.place, asked.previous, asked.tail) == (&wanted.place, wanted.previous, wanted.tail)
        };
        match (&mut self.asked, wanted) {
            (Some(asked), Some(wanted)) if same(asked, &wanted) => {
                if std::mem::replace(&mut asked.follow, follow) != follow {
                    match follow {
                        true => self.resume(),
                        false => self.state = State::Ended,
                    }
                }
            }
            (None, None) => {}
            (_, wanted) => self.begin(wanted),
        }
        if places.gone && matches!(self.state, State::Waiting { .. }) {
            self.state = State::Ended;
        }
        // Another pod has come under the name: what it writes goes on where the one before ended.
        let is_back = std::mem::replace(&mut self.gone, places.gone) && !places.gone;
        if is_back && follow && matches!(self.state, State::Ended | State::Failed(_)) {
            self.resume();
        }
        if matches!(self.state, State::Waiting { until, .. } if until <= now) {
            self.resume();
        }
        if self.find != choice.find || self.only != choice.only {
            self.find.clone_from(&choice.find);
            self.only = choice.only;
            self.search();
        }
    }

    /// Forgets everything: nobody looks.
    pub(super) fn leave(&mut self) {
        *self = Self { id: self.id + 1, ..Self::default() };
    }

    /// The stream that should be open, by its number.
    pub(super) fn stream(&self) -> Option<(u64, Asked)> {
        let runs = matches!(self.state, State::Connecting | State::Open);
        self.asked.clone().filter(|_| runs).map(|asked| (self.id, asked))
    }

    /// Asks anew after a failure.
    pub(super) fn again(&mut self) {
        if matches!(self.state, State::Failed(_) | State::Waiting { .. }) {
            self.resume();
        }
    }

    fn begin(&mut self, asked: Option<Asked>) {
        let state = if asked.is_some() { State::Connecting } else { State::Nowhere };
        let (find, only, height) = (std::mem::take(&mut self.find), self.only, self.height);
        *self = Self { asked, id: self.id + 1, state, find, only, height, ..Self::default() };
    }

    fn resume(&mut self) {
        self.id += 1;
        self.state = State::Connecting;
        self.piece = None;
        if let Some(asked) = &mut self.asked {
            asked.since = self.last;
        }
    }

    /// The server has begun to answer.
    pub(super) fn opened(&mut self, id: u64) {
        if id == self.id && matches!(self.state, State::Connecting) {
            self.state = State::Open;
        }
    }

    /// Takes lines of stream `id`.
    pub(super) fn take(&mut self, id: u64, lines: Vec<LogLine>) {
        if id != self.id {
            return;
        }
        for line in lines {
            self.take_line(&line);
        }
        let surplus = self.kept.len().saturating_sub(MOST);
        self.kept.drain(..surplus);
        let before = self.rows();
        self.dropped += surplus as u64;
        while self.hits.front().is_some_and(|&hit| hit < self.dropped) {
            self.hits.pop_front();
        }
        let gone = if self.shows_hits() { before - self.rows() } else { surplus };
        if self.away && gone > 0 {
            // What is read stays where it is.
            self.moved += gone as f64 * LINE_HEIGHT;
            self.top = (self.top - gone as f64 * LINE_HEIGHT).max(0.0);
            self.drawn = self.drawn.saturating_sub(gone);
            self.wish = Some(self.top);
        }
    }

    fn take_line(&mut self, line: &LogLine) {
        let (moment, time, text) = match self.piece {
            Some(_) => (None, "", &line.bytes[..]),
            None => stamped(&line.bytes),
        };
        let resumed_at = self.asked.as_ref().and_then(|asked| asked.since);
        let seen = |moment| resumed_at.is_some_and(|since| moment <= since);
        let shown = self.piece.unwrap_or_else(|| !moment.is_some_and(seen));
        self.piece = line.goes_on.then_some(shown);
        if !shown {
            return;
        }
        self.last = moment.or(self.last);
        let inked = Inked::read(text);
        if !places_of(&inked.text, &self.find).is_empty() {
            self.hits.push_back(self.dropped + self.kept.len() as u64);
        }
        self.kept.push_back(Line { time: time.to_owned(), inked });
    }

    /// Stream `id`, of a container in `places`, has ended.
    pub(super) fn ended(&mut self, id: u64, failed: Option<&portolan::Error>, places: &Places, now: Millis) {
        if id != self.id {
            return;
        }
        let Some(asked) = &self.asked else { return };
        let until = now + AGAIN;
        self.state = match failed {
            // Of a pod that no node has the server gives nothing, and no error.
            None if places.pending => {
                State::Waiting { until, why: format!("{} has not started yet.", asked.place.container) }
            }
            None if asked.follow && !places.finished => {
                State::Waiting { until, why: "The container has ended, or the connection to it.".to_owned() }
            }
            None => State::Ended,
            Some(error) => match told(error, &asked.place, places.finished) {
                Ok(why) => State::Waiting { until, why },
                Err(trouble) => State::Failed(Box::new(trouble)),
            },
        };
    }

    /// The reader has scrolled, or the pane has another size.
    pub(super) fn scrolled(&mut self, top: f64, height: f64) {
        let top = (top - self.moved).max(0.0);
        let end = top + height >= self.drawn as f64 * LINE_HEIGHT - LINE_HEIGHT;
        let back = top < self.top - 1.0;
        self.turns_back &= !back;
        self.away = if end { self.turns_back } else { self.away || back };
        (self.top, self.height) = (top, height);
    }

    /// Stays where it is from now on: the browser tells late how far the reader has scrolled, and a line that comes in
    /// between would take the logs to their end again.
    pub(super) fn back(&mut self) {
        self.turns_back = self.drawn as f64 * LINE_HEIGHT > self.height;
        self.away |= self.turns_back;
    }

    /// Goes to the end and stays there.
    pub(super) fn end(&mut self) {
        (self.away, self.turns_back) = (false, false);
        self.drawn = 0;
    }

    /// Goes to the line so many further that holds what is looked for.
    pub(super) fn step(&mut self, by: isize) {
        let Some(last) = self.hits.len().checked_sub(1) else { return };
        let next = match self.at_hit() {
            Some(at) if by > 0 => (at + 1) % self.hits.len(),
            Some(at) => at.checked_sub(1).unwrap_or(last),
            // The newest first: that is what a reader of logs looks for.
            None => last,
        };
        let hit = self.hits[next];
        let row =
            if self.shows_hits() { next } else { usize::try_from(hit - self.dropped).unwrap_or_default() };
        (self.hit, self.away) = (Some(hit), true);
        self.top = (row as f64 * LINE_HEIGHT - self.height / 2.0).max(0.0);
        self.wish = Some(self.top);
    }

    /// Where the page is to scroll to, if anywhere.
    pub(super) fn wish(&mut self) -> Option<f64> {
        let rows = self.rows();
        let end = (rows as f64 * LINE_HEIGHT - self.height).max(0.0);
        if !self.away && (rows != self.drawn || (end - self.top).abs() >= 1.0) {
            self.top = end;
            self.wish = Some(end);
        }
        (self.drawn, self.moved) = (rows, 0.0);
        self.wish.take()
    }

    /// The logs as they stand.
    pub(super) fn view(&self, places: Places, choice: &Choice, now: Millis) -> View {
        let (status, tone) = self.status(places.finished, now);
        let first =
            ((self.top / LINE_HEIGHT) as usize).saturating_sub(MARGIN).min(self.rows().saturating_sub(1));
        let count = (self.height / LINE_HEIGHT) as usize + 2 * MARGIN;
        let numbers: Vec<u64> = if self.shows_hits() {
            self.hits.iter().skip(first).take(count).copied().collect()
        } else {
            (first..self.kept.len()).take(count).map(|at| self.dropped + at as u64).collect()
        };
        let row = |number: u64| {
            let line = self.kept.get(usize::try_from(number - self.dropped).ok()?)?;
            let spans = spans(line, choice.times, &self.find);
            Some(Row { number, spans, current: self.hit == Some(number) })
        };
        View {
            places,
            choice: choice.clone(),
            status,
            tone,
            trouble: match &self.state {
                State::Failed(trouble) => Some(Trouble::clone(trouble)),
                _ => None,
            },
            lines: self.rows(),
            dropped: self.dropped,
            hits: (self.hits.len(), self.at_hit()),
            first,
            rows: numbers.into_iter().filter_map(row).collect(),
            away: self.away,
        }
    }

    fn status(&self, finished: bool, now: Millis) -> (String, Tone) {
        let follows = self.asked.as_ref().is_some_and(|asked| asked.follow);
        let previous = self.asked.as_ref().is_some_and(|asked| asked.previous);
        let (text, tone) = match &self.state {
            State::Nowhere => ("There is no pod to read from (yet).", Tone::Idle),
            State::Connecting => ("Connecting …", Tone::Busy),
            State::Open if follows => ("Following.", Tone::Good),
            State::Open => ("Reading …", Tone::Busy),
            State::Ended if previous => ("The end of the run before.", Tone::Idle),
            State::Ended if finished => ("The end: the pod has finished.", Tone::Idle),
            State::Ended => ("Not following.", Tone::Idle),
            State::Waiting { until, why } => {
                let seconds = until.saturating_sub(now).div_ceil(1_000);
                return (format!("{why} Asking again in {seconds} s."), Tone::Warn);
            }
            State::Failed(trouble) => return (trouble.title.clone(), Tone::Bad),
        };
        (text.to_owned(), tone)
    }

    /// The place of the line gone to among those that hold what is looked for.
    fn at_hit(&self) -> Option<usize> {
        self.hits.binary_search(&self.hit?).ok()
    }

    fn shows_hits(&self) -> bool {
        self.only && !self.find.is_empty()
    }

    fn rows(&self) -> usize {
        if self.shows_hits() { self.hits.len() } else { self.kept.len() }
    }

    /// Looks through all that is kept.
    fn search(&mut self) {
        let lines = self.kept.iter().zip(self.dropped..);
        let hit = |line: &Line| !places_of(&line.inked.text, &self.find).is_empty();
        self.hits = lines.filter(|(line, _)| hit(line)).map(|(_, number)| number).collect();
        (self.hit, self.drawn) = (None, usize::MAX);
    }
}

/// Cuts the time off that the server writes before each line, and reads it.
fn stamped(bytes: &[u8]) -> (Option<Timestamp>, &str, &[u8]) {
    let end = bytes.iter().take(40).position(|&byte| byte == b' ').unwrap_or_default();
    let time = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
    match moment(time) {
        Some(moment) => (Some(moment), time, &bytes[end + 1..]),
        None => (None, "", bytes),
    }
}

/// Where `text` holds `find`, whatever the case of its Latin letters.
fn places_of(text: &str, find: &str) -> Vec<usize> {
    if find.is_empty() {
        return Vec::new();
    }
    let (text, find) = (text.to_ascii_lowercase(), find.to_ascii_lowercase());
    text.match_indices(&find).map(|(at, _)| at).collect()
}

/// The pieces of a line: cut where its look changes and where what is looked for begins and ends.
fn spans(line: &Line, times: bool, find: &str) -> Vec<(String, String)> {
    let (text, mut found) = (&line.inked.text, places_of(&line.inked.text, find));
    found.truncate(MARKED);
    let mut cuts: Vec<usize> = vec![0, text.len()];
    cuts.extend(line.inked.looks.iter().flat_map(|(range, _)| [range.start, range.end]));
    cuts.extend(found.iter().flat_map(|&at| [at, at + find.len()]));
    cuts.sort_unstable();
    cuts.dedup();
    let mut spans = Vec::new();
    if times {
        spans.push(("time".to_owned(), format!("{} ", line.time)));
    }
    for cut in cuts.windows(2) {
        let begun = found.partition_point(|&at| at <= cut[0]);
        let hit = begun.checked_sub(1).is_some_and(|last| cut[0] < found[last] + find.len());
        let mut class = line.inked.look(cut[0]).class();
        if hit {
            class.push_str(if class.is_empty() { "hit" } else { " hit" });
        }
        spans.push((class, text.get(cut[0]..cut[1]).unwrap_or_default().to_owned()));
    }
    spans
}

/// What to say of a failure: words when it may pass by itself, a trouble when not.
fn told(error: &portolan::Error, place: &Place, finished: bool) -> Result<String, Trouble> {
    let text = reveal(&error.to_string()).into_owned();
    let place = place.shown();
    let Place { namespace, pod, container } = &place;
    let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let trouble = |title: &str, advice: String, command: String| Trouble {
        title: title.to_owned(),
        text: text.clone(),
        advice,
        command,
        refused: true,
    };
    match error.code() {
        _ if holds(&["previous terminated container"]) => Err(trouble(
            "There is no run before this one",
            format!(
                "{container} has not been restarted, or what it wrote has been cleared away. Turn Previous off."
            ),
            String::new(),
        )),
        _ if holds(&["waiting to start", "ContainerCreating", "PodInitializing"]) => {
            Ok(format!("{container} has not started yet."))
        }
        Some(403) => {
            Err(Right::of_pods("get", "log", namespace).trouble("You may not read these logs (403)", text))
        }
        Some(400 | 404) if finished => Err(trouble(
            "These logs are gone",
            format!("{pod} has finished, and its node has cleared away what it wrote."),
            String::new(),
        )),
        Some(404) => Ok(format!("{container} is not there (yet).")),
        Some(code) if code < 500 && code != 429 => Err(trouble(
            "The server gives no logs",
            "Choose another container, or try again.".to_owned(),
            format!("kubectl logs {pod} --namespace={namespace} --container={container}"),
        )),
        _ => Ok(format!("The stream broke off: {text}.")),
    }
}

#[cfg(test)]
mod tests;
