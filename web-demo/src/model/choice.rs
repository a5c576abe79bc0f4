//! Which of an object's logs are on show, and how: the part of the address that the panes with streams own.
//!
//! Invariant: as the route's: what is written is read back the same.

/// How many lines from the end are asked for first, unless the address says otherwise, and what else can be chosen.
pub const TAIL: u32 = 1_000;
/// The choices of [`Choice::tail`].
pub const TAILS: [u32; 4] = [100, TAIL, 5_000, 10_000];

/// What has been chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The pod, of an object that has several; "" leaves it to the page.
    pub pod: String,
    /// The container; "" leaves it to the page.
    pub container: String,
    /// The run before the present one.
    pub previous: bool,
    /// Nothing new is asked for.
    pub still: bool,
    /// Each line shows its time.
    pub times: bool,
    /// Only the lines that hold what is looked for.
    pub only: bool,
    /// What is looked for.
    pub find: String,
    /// So many lines from the end.
    pub tail: u32,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            pod: String::new(),
            container: String::new(),
            previous: false,
            still: false,
            times: false,
            only: false,
            find: String::new(),
            tail: TAIL,
        }
    }
}

/// What can be on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Go on with what is written from now on.
    Follow,
    /// The run before the present one.
    Previous,
    /// Each line with its time.
    Times,
    /// Only the lines that hold what is looked for.
    Only,
}

impl Choice {
    /// Takes one parameter of the address; what it does not know it leaves out.
    pub(super) fn take(&mut self, name: &str, value: &str) {
        match name {
            "pod" => value.clone_into(&mut self.pod),
            "container" => value.clone_into(&mut self.container),
            "find" => value.clone_into(&mut self.find),
            "tail" => self.tail = value.parse().ok().filter(|tail| TAILS.contains(tail)).unwrap_or(TAIL),
            "log" => {
                for word in value.split(',') {
                    match word {
                        "previous" => self.previous = true,
                        "still" => self.still = true,
                        "times" => self.times = true,
                        "only" => self.only = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Its parameters in the address, "" where there is nothing to say.
    pub(super) fn parameters(&self) -> [(&'static str, String); 5] {
        let words =
            [("previous", self.previous), ("still", self.still), ("times", self.times), ("only", self.only)];
        let words: Vec<&str> = words.into_iter().filter(|(_, set)| *set).map(|(word, _)| word).collect();
        let tail = if self.tail == TAIL { String::new() } else { self.tail.to_string() };
        [
            ("pod", self.pod.clone()),
            ("container", self.container.clone()),
            ("log", words.join(",")),
            ("tail", tail),
            ("find", self.find.clone()),
        ]
    }

    /// Turns `switch`.
    pub(super) fn turn(&mut self, switch: Switch) {
        let set = match switch {
            Switch::Follow => &mut self.still,
            Switch::Previous => &mut self.previous,
            Switch::Times => &mut self.times,
            Switch::Only => &mut self.only,
        };
        *set = !*set;
    }

    /// Whether `switch` is on.
    pub fn is_on(&self, switch: Switch) -> bool {
        match switch {
            Switch::Follow => !self.still,
            Switch::Previous => self.previous,
            Switch::Times => self.times,
            Switch::Only => self.only,
        }
    }
}
