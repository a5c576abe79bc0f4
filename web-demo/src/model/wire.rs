//! What goes over the wire: one record per informer, the rates between two looks, and the one word for all of them.
//!
//! Invariant: the connection is `live` only when every informer the server does not refuse is live; what was had before
//! a failure stays and is called `stale`.

use std::collections::VecDeque;

use super::age::{self, Millis};
use super::cell::Tone;
use super::trouble::Trouble;

/// What an informer is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Its watch is open and its cache is the server's.
    Live,
    /// Its first list or watch is under way.
    #[default]
    Connecting,
    /// It waits before the next try.
    Retrying,
}

/// One informer, as last looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// What it is doing.
    pub phase: Phase,
    /// Its cache has been filled once.
    pub synced: bool,
    /// A watch is open now.
    pub watching: bool,
    /// The version it resumes from.
    pub resource_version: String,
    /// Objects in its cache.
    pub objects: usize,
    /// Events since it started.
    pub events: u64,
    /// Bookmarks since it started.
    pub bookmarks: u64,
    /// Lists after the first.
    pub relists: u64,
    /// Bytes of bodies and messages since it started.
    pub bytes: u64,
    /// Errors since it started.
    pub errors: u64,
    /// The last thing that went wrong, even if all is well again.
    pub last_error: Option<Trouble>,
    /// When it tries again.
    pub next_try: Option<Millis>,
    /// When it last heard anything of the server.
    pub heard: Option<Millis>,
}

impl Figures {
    /// Both as if they were one: a kind may have an informer in each of several namespaces. It does what the worse one does
    /// and has what both have.
    pub fn join(self, other: Self) -> Self {
        Self {
            phase: self.phase.max(other.phase),
            synced: self.synced && other.synced,
            watching: self.watching && other.watching,
            resource_version: self.resource_version.max(other.resource_version),
            objects: self.objects + other.objects,
            events: self.events + other.events,
            bookmarks: self.bookmarks + other.bookmarks,
            relists: self.relists + other.relists,
            bytes: self.bytes + other.bytes,
            errors: self.errors + other.errors,
            last_error: if other.phase > self.phase {
                other.last_error
            } else {
                self.last_error.or(other.last_error)
            },
            next_try: self.next_try.into_iter().chain(other.next_try).min(),
            heard: self.heard.max(other.heard),
        }
    }
}

/// The page's connection in one word.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// `connecting`, `live`, `stale`, `refused` or `retrying`.
    pub state: &'static str,
    /// What it means.
    pub tone: Tone,
    /// Why, when it is not live.
    pub reason: String,
    /// Whole seconds until the next try.
    pub next_try: Option<u64>,
    /// How long ago the server was last heard of, while what is on show may be behind it; "" otherwise.
    pub heard: String,
}

/// All informers.
#[derive(Debug, Default)]
pub struct Wire {
    /// Each with its kind, in their order.
    informers: Vec<(String, Informer)>,
    totals: VecDeque<f64>,
    looked: Millis,
}

#[derive(Debug, Default)]
struct Informer {
    figures: Figures,
    rate: f64,
    looked: Option<(Millis, u64)>,
    down_since: Option<Millis>,
    forgiven: u64,
}

/// One row of the wire panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The kind.
    pub kind: String,
    /// As last looked at.
    pub figures: Figures,
    /// What keeps it from being live.
    pub trouble: Option<Trouble>,
    /// Events per second.
    pub rate: f64,
    /// How long ago it last heard anything of the server, in words.
    pub heard: String,
}

/// How long a rate is measured over, in milliseconds.
const LOOK: Millis = 1_000;
/// How many looks the history of rates holds.
const HISTORY: usize = 90;

impl Wire {
    /// Takes the figures of `kind`'s informer at `now`.
    pub fn look(&mut self, kind: &str, figures: Figures, now: Millis) {
        let place = self.place(kind).unwrap_or_else(|place| {
            self.informers.insert(place, (kind.to_owned(), Informer::default()));
            place
        });
        let informer = &mut self.informers[place].1;
        match informer.looked {
            Some((then, _)) if now < then + LOOK => {}
            Some((then, events)) => {
                let seconds = (now - then) as f64 / 1000.0;
                informer.rate = figures.events.saturating_sub(events) as f64 / seconds;
                informer.looked = Some((now, figures.events));
            }
            None => informer.looked = Some((now, figures.events)),
        }
        if figures.phase == Phase::Live {
            informer.forgiven = figures.errors;
        }
        informer.down_since = match figures.phase {
            Phase::Live => None,
            Phase::Connecting | Phase::Retrying => informer.down_since.or(Some(now)),
        };
        informer.figures = figures;
    }

    /// Ends one look at all informers: the sum of their rates joins the history.
    pub fn sum_up(&mut self, now: Millis) {
        if now < self.looked + LOOK {
            return;
        }
        self.looked = now;
        self.totals.push_back(self.informers().map(|informer| informer.rate).sum());
        while self.totals.len() > HISTORY {
            self.totals.pop_front();
        }
    }

    /// Forgets `kind`: its informer has been stopped.
    pub fn forget(&mut self, kind: &str) {
        if let Ok(place) = self.place(kind) {
            self.informers.remove(place);
        }
    }

    /// What keeps `kind`'s informer from being live.
    pub fn trouble(&self, kind: &str) -> Option<&Trouble> {
        self.informer(kind)?.trouble()
    }

    /// The figures of `kind`.
    pub fn figures(&self, kind: &str) -> Option<&Figures> {
        self.informer(kind).map(|informer| &informer.figures)
    }

    /// Where the informer of `kind` is, or would be.
    fn place(&self, kind: &str) -> Result<usize, usize> {
        self.informers.binary_search_by(|(own, _)| own.as_str().cmp(kind))
    }

    fn informer(&self, kind: &str) -> Option<&Informer> {
        Some(&self.informers[self.place(kind).ok()?].1)
    }

    fn informers(&self) -> impl Iterator<Item = &Informer> {
        self.informers.iter().map(|(_, informer)| informer)
    }

    /// One line per informer, in the order of their names, at `now`.
    pub fn lines(&self, now: Millis) -> Vec<Line> {
        let line = |(kind, informer): &(String, Informer)| Line {
            kind: kind.clone(),
            figures: informer.figures.clone(),
            trouble: informer.trouble().cloned(),
            rate: informer.rate,
            heard: informer.figures.heard.map(|heard| age::since(heard, now)).unwrap_or_default(),
        };
        self.informers.iter().map(line).collect()
    }

    /// Events per second of all informers, one number per look, the newest last.
    pub fn history(&self) -> Vec<f64> {
        self.totals.iter().copied().collect()
    }

    /// `outside`, a failure met at that moment, unless an informer has heard of the server since.
    pub fn unheard<'a>(&self, outside: Option<&'a (Trouble, Millis)>) -> Option<&'a Trouble> {
        let heard = self.heard();
        let (trouble, since) = outside?;
        heard.is_none_or(|heard| heard <= *since).then_some(trouble)
    }

    /// When any informer last heard of the server.
    fn heard(&self) -> Option<Millis> {
        self.informers().filter_map(|informer| informer.figures.heard).max()
    }

    /// The connection in one word. `outside` is a failure that concerns more than one informer, such as discovery's.
    pub fn connection(&self, outside: Option<&Trouble>, now: Millis) -> Connection {
        let served: Vec<&Informer> = self.informers().filter(|informer| !informer.refused()).collect();
        // Nothing but refusals is a failure of the whole.
        let refusal = self.informers().find_map(Informer::trouble).filter(|_| served.is_empty());
        let trouble = served.iter().find_map(|informer| informer.trouble()).or(outside).or(refusal);
        let waiting = served.iter().filter(|informer| !informer.live());
        let next_try = waiting.filter_map(|informer| informer.figures.next_try).min();
        let all = |holds: fn(&Informer) -> bool| {
            !served.is_empty() && served.iter().all(|informer| holds(informer))
        };
        let any_synced = served.iter().any(|informer| informer.figures.synced);
        let lost = served.iter().any(|informer| informer.lost(now));
        let (state, tone) = if all(Informer::live) && outside.is_none()
            || trouble.is_none() && !lost && all(|informer| informer.figures.synced)
        {
            ("live", Tone::Good)
        } else if lost || trouble.is_some() && any_synced {
            ("stale", Tone::Warn)
        } else if trouble.is_some_and(Trouble::forbids) {
            ("refused", Tone::Idle)
        } else if trouble.is_some() {
            ("retrying", Tone::Bad)
        } else {
            ("connecting", Tone::Busy)
        };
        let live = state == "live";
        Connection {
            state,
            tone,
            reason: trouble.filter(|_| !live).map(|trouble| trouble.title.clone()).unwrap_or_default(),
            next_try: next_try.filter(|_| !live).map(|at| at.saturating_sub(now).div_ceil(1000)),
            heard: self
                .heard()
                .filter(|_| state == "stale")
                .map(|then| age::since(then, now))
                .unwrap_or_default(),
        }
    }
}

/// How long a synced informer may be without its watch before the page calls itself stale, in milliseconds.
const GRACE: Millis = 3_000;

impl Informer {
    fn live(&self) -> bool {
        self.figures.phase == Phase::Live
    }

    /// What has gone wrong since it was last live.
    fn trouble(&self) -> Option<&Trouble> {
        self.figures.last_error.as_ref().filter(|_| !self.live() && self.figures.errors > self.forgiven)
    }

    /// The server will not serve this kind to us: the table says so, the connection is none the worse.
    fn refused(&self) -> bool {
        self.trouble().is_some_and(|trouble| trouble.refused)
    }

    /// It had everything and has lost touch. A watch that ends and opens anew every few minutes is no news.
    fn lost(&self, now: Millis) -> bool {
        let down_for = self.down_since.map_or(0, |since| now.saturating_sub(since));
        self.figures.synced && !self.live() && (self.trouble().is_some() || down_for > GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::trouble::Reach;
    use portolan::Error;
    use portolan::status::failure;

    fn figures(phase: Phase, synced: bool, last_error: Option<Trouble>) -> Figures {
        Figures { phase, synced, errors: u64::from(last_error.is_some()), last_error, ..Figures::default() }
    }

    fn broken() -> Option<Trouble> {
        Some(Trouble { title: "connection refused".into(), ..Trouble::default() })
    }

    #[test]
    fn the_word_follows_the_informers() {
        let mut wire = Wire::default();
        assert_eq!(wire.connection(None, 0).state, "connecting");
        wire.look("pods", figures(Phase::Connecting, false, None), 0);
        assert_eq!(wire.connection(None, 0).state, "connecting");
        wire.look("pods", figures(Phase::Live, true, None), 1);
        assert_eq!(wire.connection(None, 1).state, "live");
        wire.look("nodes", figures(Phase::Retrying, false, broken()), 2);
        let stale = wire.connection(None, 2);
        assert_eq!((stale.state, stale.reason.as_str()), ("stale", "connection refused"));
        wire.forget("nodes");
        assert_eq!(wire.connection(None, 3).state, "live");
    }

    #[test]
    fn without_any_data_a_failure_is_called_retrying_and_counts_down() {
        let mut wire = Wire::default();
        let next = Figures { next_try: Some(4_200), ..figures(Phase::Retrying, false, broken()) };
        wire.look("pods", next, 0);
        let connection = wire.connection(None, 1_000);
        assert_eq!((connection.state, connection.next_try), ("retrying", Some(4)));
    }

    #[test]
    fn a_watch_that_ends_and_opens_anew_is_no_news_but_one_that_stays_away_is() {
        let mut wire = Wire::default();
        wire.look("pods", figures(Phase::Live, true, None), 0);
        wire.look("pods", figures(Phase::Connecting, true, None), 1_000);
        assert_eq!(wire.connection(None, 1_100).state, "live");
        assert_eq!(wire.connection(None, 1_000 + GRACE + 1).state, "stale");
    }

    #[test]
    fn an_error_that_is_over_is_no_trouble_when_the_next_watch_opens() {
        let mut wire = Wire::default();
        wire.look("pods", figures(Phase::Live, true, broken()), 0);
        wire.look("pods", figures(Phase::Connecting, true, broken()), 1_000);
        assert_eq!((wire.connection(None, 1_100).state, wire.trouble("pods")), ("live", None));
        let again = Figures { errors: 2, ..figures(Phase::Retrying, true, broken()) };
        wire.look("pods", again, 1_200);
        assert_eq!(wire.connection(None, 1_200).state, "stale");
    }

    #[test]
    fn a_refused_kind_does_not_make_the_page_stale() {
        let mut wire = Wire::default();
        wire.look("pods", figures(Phase::Live, true, None), 0);
        let refused = Trouble { refused: true, ..broken().unwrap() };
        wire.look("secrets", figures(Phase::Retrying, false, Some(refused)), 0);
        assert_eq!(wire.connection(None, 0).state, "live");
        wire.forget("pods");
        let refused = wire.connection(None, 0);
        assert_eq!((refused.state, refused.reason.as_str()), ("retrying", "connection refused"));
    }

    #[test]
    fn to_be_allowed_nothing_is_no_failure() {
        let mut wire = Wire::default();
        let error = Error::api(failure(403, "Forbidden", "no"));
        let forbidden = Trouble::of(error.kind(), "no", "s", Reach::Unknown);
        wire.look("pods", figures(Phase::Retrying, false, Some(forbidden)), 0);
        // The server as a whole may refuse as well.
        let discovery = Trouble::of_server(error.kind(), "no", "s", Reach::Unknown);
        for outside in [None, Some(&discovery)] {
            let connection = wire.connection(outside, 0);
            assert_eq!((connection.state, connection.tone), ("refused", Tone::Idle));
        }
        assert_eq!((discovery.tone(), broken().map(|trouble| trouble.tone())), (Tone::Idle, Some(Tone::Bad)));
        assert_eq!(wire.connection(broken().as_ref(), 0).state, "retrying");
    }

    #[test]
    fn watches_that_seem_open_are_stale_when_the_server_answers_nothing_else_until_they_hear_of_it() {
        let mut wire = Wire::default();
        wire.look("pods", figures(Phase::Connecting, false, None), 0);
        let outside = broken().map(|trouble| (trouble, 5_000));
        let state = |wire: &Wire| wire.connection(wire.unheard(outside.as_ref()), 6_000).state;
        assert_eq!(state(&wire), "retrying");
        let live = |heard| Figures { heard: Some(heard), ..figures(Phase::Live, true, None) };
        wire.look("pods", live(4_900), 0);
        assert_eq!(state(&wire), "stale");
        wire.look("nodes", live(5_001), 0);
        assert_eq!(state(&wire), "live");
    }

    #[test]
    fn informers_in_several_namespaces_count_as_one() {
        let good = Figures { objects: 3, events: 5, ..figures(Phase::Live, true, None) };
        let bad = Figures { next_try: Some(9), objects: 1, ..figures(Phase::Retrying, false, broken()) };
        for joined in [good.clone().join(bad.clone()), bad.join(good.clone())] {
            assert_eq!((joined.phase, joined.synced, joined.objects), (Phase::Retrying, false, 4));
            assert_eq!((joined.next_try, joined.last_error), (Some(9), broken()));
        }
        assert_eq!(good.clone().join(good).phase, Phase::Live);
    }

    #[test]
    fn rates_are_events_between_two_looks() {
        let mut wire = Wire::default();
        wire.look("pods", Figures { events: 10, ..Figures::default() }, 1_000);
        wire.look("pods", Figures { events: 40, ..Figures::default() }, 3_000);
        wire.sum_up(3_000);
        assert_eq!(wire.lines(3_000)[0].rate, 15.0);
        assert_eq!(wire.history(), [15.0]);
    }
}
