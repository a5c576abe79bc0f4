//! A terminal in a container: what the reader types as bytes, and the screen that comes of what the command writes.
//!
//! Invariant: the screen's text holds no character that would reorder it, and nothing that is written reaches anything but
//! the screen: no title, no clipboard.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::rc::Rc;

use super::access::Right;
use super::cell::Tone;
use super::ink::{self, Look};
use super::place::{Place, Places};
use super::reveal::is_control;
use super::trouble::{Trouble, port, proxy};

/// So many lines above the screen are kept.
const SCROLLBACK: usize = 2_000;
/// How many lines a turn of the wheel, and the keys, scroll by.
const STRIDE: isize = 12;
/// The largest screen, in cells each way.
const LARGEST: u16 = 500;

/// The command: bash where there is one, else sh.
pub const SHELL: [&str; 3] =
    ["sh", "-c", "TERM=xterm-256color; export TERM; command -v bash >/dev/null 2>&1 && exec bash; exec sh"];

/// The screen's size in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Wide.
    pub columns: u16,
    /// High.
    pub rows: u16,
}

/// What goes to the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The screen has another size.
    Size(Size),
}

/// A pressed key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stroke {
    /// As the browser names it.
    pub key: String,
    /// With the control key.
    pub ctrl: bool,
    /// With the alt key.
    pub alt: bool,
    /// With the shift key.
    pub shift: bool,
}

/// What is kept of the terminal between frames.
#[derive(Default)]
pub struct Terminal {
    place: Option<Place>,
    id: u64,
    state: State,
    size: Option<Size>,
    screen: Option<vt100::Parser<Answers>>,
    outbox: VecDeque<Input>,
    rows: Rc<Vec<Vec<Span>>>,
    /// The screen is not what was drawn.
    changed: bool,
    begun: bool,
}

#[derive(Debug, Default)]
enum State {
    /// There is no pod.
    #[default]
    Nowhere,
    Connecting,
    Open,
    Exited(i32),
    Failed(Box<Trouble>),
}

/// A class and a text.
pub type Span = (String, String);

/// The terminal as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What can be chosen, and what is.
    pub places: Places,
    /// How it stands, in words.
    pub status: String,
    /// What that says about health.
    pub tone: Tone,
    /// What went wrong and what to do.
    pub trouble: Option<Trouble>,
    /// Keys go to the command.
    pub open: bool,
    /// It has ended and can be begun again.
    pub ended: bool,
    /// There has been a shell, and the screen is its.
    pub begun: bool,
    /// The lines of the screen.
    pub rows: Rc<Vec<Vec<Span>>>,
}

/// What the terminal answers by itself when it is asked.
#[derive(Default)]
struct Answers(Vec<u8>);

impl vt100::Callbacks for Answers {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        action: char,
    ) {
        let param = params.first().and_then(|param| param.first()).copied().unwrap_or_default();
        match (first, action, param) {
            // Where the cursor is.
            (None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                self.0.extend_from_slice(format!("\x1b[{};{}R", row + 1, column + 1).as_bytes());
            }
            // What it is: a VT100 with the advanced video option.
            (None, 'c', 0) => self.0.extend_from_slice(b"\x1b[?1;2c"),
            _ => {}
        }
    }
}

impl Terminal {
    /// Brings up to date whose terminal it is.
    pub(super) fn settle(&mut self, place: Option<&Place>) {
        if self.place.as_ref() != place {
            self.begin(place.cloned());
        }
    }

    /// Forgets everything: nobody looks.
    pub(super) fn leave(&mut self) {
        if self.place.is_some() {
            self.begin(None);
            self.size = None;
        }
    }

    /// The command that should run, by its number, once the screen's size is known.
    pub(super) fn stream(&self) -> Option<(u64, Place, Size)> {
        let runs = matches!(self.state, State::Connecting | State::Open);
        let (place, size) = self.place.clone().filter(|_| runs).zip(self.size)?;
        Some((self.id, place, size))
    }

    /// What is to be sent next.
    pub(super) fn input(&mut self) -> Option<Input> {
        self.outbox.pop_front()
    }

    /// Begins again what has ended.
    pub(super) fn again(&mut self) {
        if self.has_ended() {
            self.begin(self.place.clone());
        }
    }

    fn begin(&mut self, place: Option<Place>) {
        let state = if place.is_some() { State::Connecting } else { State::Nowhere };
        *self = Self { place, id: self.id + 1, state, size: self.size, ..Self::default() };
        self.screen = self.size.and_then(screen);
        self.changed = true;
    }

    /// The screen has this size now.
    pub(super) fn resize(&mut self, size: Size) {
        let size = Size { columns: size.columns.clamp(1, LARGEST), rows: size.rows.clamp(1, LARGEST) };
        if self.size == Some(size) {
            return;
        }
        self.size = Some(size);
        match (&mut self.screen, NonZeroU16::new(size.rows), NonZeroU16::new(size.columns)) {
            (Some(screen), Some(rows), Some(columns)) => screen.set_size(rows, columns),
            _ => self.screen = screen(size),
        }
        if matches!(self.state, State::Open) {
            self.outbox.push_back(Input::Size(size));
        }
        self.changed = true;
    }

    /// Command `id` has begun, with a screen of `size`.
    pub(super) fn opened(&mut self, id: u64, size: Size) {
        if id == self.id {
            self.state = State::Open;
            self.begun = true;
            // It may have changed on the way.
            self.outbox.extend(self.size.filter(|now| *now != size).map(Input::Size));
        }
    }

    /// Command `id` has written something.
    pub(super) fn take(&mut self, id: u64, bytes: &[u8]) {
        let Some(screen) = self.screen.as_mut().filter(|_| id == self.id) else { return };
        screen.process(bytes);
        let answer = std::mem::take(&mut screen.callbacks_mut().0);
        if !answer.is_empty() {
            self.outbox.push_back(Input::Bytes(answer));
        }
        self.changed = true;
    }

    /// Command `id` has ended; it ran by way of `source`.
    pub(super) fn ended(&mut self, id: u64, outcome: Result<i32, &portolan::Error>, source: &str) {
        if id != self.id {
            return;
        }
        self.state = match (outcome, &self.place) {
            (Ok(code), _) => State::Exited(code),
            (Err(error), Some(place)) => State::Failed(Box::new(told(error, place, source))),
            (Err(_), None) => State::Nowhere,
        };
        self.changed = true;
    }

    /// Whether the terminal takes this key; others are the browser's.
    pub fn takes(&self, stroke: &Stroke) -> bool {
        match self.state {
            State::Open => scroll(stroke).is_some() || encode(stroke, false).is_some(),
            State::Exited(_) | State::Failed(_) => stroke.key == "Enter",
            State::Nowhere | State::Connecting => false,
        }
    }

    /// A key that it takes has been pressed.
    pub(super) fn press(&mut self, stroke: &Stroke) {
        if self.has_ended() {
            return self.again();
        }
        if let Some(by) = scroll(stroke) {
            return self.scroll(by);
        }
        let application = self.screen.as_ref().is_some_and(|screen| screen.screen().application_cursor());
        if let Some(bytes) = encode(stroke, application) {
            self.send(bytes);
        }
    }

    /// Text has been typed, or put in from the clipboard.
    pub(super) fn text(&mut self, text: &str, pasted: bool) {
        let bracketed =
            pasted && self.screen.as_ref().is_some_and(|screen| screen.screen().bracketed_paste());
        // A paste must not be able to end its own brackets.
        let text = text.replace("\r\n", "\r").replace('\n', "\r").replace('\x1b', "");
        self.send(if bracketed { format!("\x1b[200~{text}\x1b[201~") } else { text }.into_bytes());
    }

    fn send(&mut self, bytes: Vec<u8>) {
        if matches!(self.state, State::Open) {
            self.outbox.push_back(Input::Bytes(bytes));
            self.scroll(isize::MIN);
        }
    }

    /// Looks so many lines further up.
    pub(super) fn scroll(&mut self, by: isize) {
        let Some(screen) = &mut self.screen else { return };
        let at = screen.screen().scrollback().saturating_add_signed(by);
        screen.screen_mut().set_scrollback(at);
        self.changed = true;
    }

    fn has_ended(&self) -> bool {
        matches!(self.state, State::Exited(_) | State::Failed(_))
    }

    /// The terminal as it stands. The screen is drawn here, once for all that has come since the last frame.
    pub(super) fn view(&mut self, places: Places) -> View {
        if std::mem::take(&mut self.changed) {
            let open = matches!(self.state, State::Open);
            let drawn = self.screen.as_ref().map(|screen| draw(screen.screen(), open));
            self.rows = Rc::new(drawn.unwrap_or_default());
        }
        let (status, tone) = match &self.state {
            State::Nowhere => ("There is no pod to run a shell in (yet).".to_owned(), Tone::Idle),
            State::Connecting => ("Connecting …".to_owned(), Tone::Busy),
            State::Open => {
                ("Connected. F6 leaves the terminal, Shift+PageUp scrolls.".to_owned(), Tone::Good)
            }
            State::Exited(0) => {
                ("The shell has ended (exit code 0). Enter begins another.".to_owned(), Tone::Idle)
            }
            State::Exited(code @ (126 | 127)) => {
                (format!("Exit code {code}: the container may have no shell. Enter tries again."), Tone::Warn)
            }
            State::Exited(code) => {
                (format!("The shell has ended with exit code {code}. Enter begins another."), Tone::Warn)
            }
            State::Failed(trouble) => (trouble.title.clone(), Tone::Bad),
        };
        View {
            places,
            status,
            tone,
            trouble: match &self.state {
                State::Failed(trouble) => Some(Trouble::clone(trouble)),
                _ => None,
            },
            open: matches!(self.state, State::Open),
            ended: self.has_ended(),
            begun: self.begun,
            rows: self.rows.clone(),
        }
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("place", &self.place)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn screen(size: Size) -> Option<vt100::Parser<Answers>> {
    let (rows, columns) = (NonZeroU16::new(size.rows)?, NonZeroU16::new(size.columns)?);
    Some(vt100::Parser::new_with_callbacks(rows, columns, SCROLLBACK, Answers::default()))
}

/// The screen's lines, cut where the look changes; `cursor` when it is to be shown.
fn draw(screen: &vt100::Screen, cursor: bool) -> Vec<Vec<Span>> {
    let (rows, columns) = screen.size();
    let cursor = Some(screen.cursor_position())
        .filter(|_| cursor && !screen.hide_cursor() && screen.scrollback() == 0);
    let line = |row: u16| {
        let mut spans: Vec<((Look, bool, bool), String)> = Vec::new();
        for column in 0..columns.get() {
            let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else {
                continue;
            };
            let style = (look(cell), cell.is_wide(), cursor == Some((row, column)));
            let text: String = cell.contents().chars().filter(|letter| !is_control(*letter)).collect();
            let text = if text.is_empty() { " " } else { text.as_str() };
            match spans.last_mut().filter(|(last, _)| *last == style && !cell.is_wide()) {
                Some((_, before)) => before.push_str(text),
                None => spans.push((style, text.to_owned())),
            }
        }
        if let Some((_, text)) = spans.last_mut().filter(|(style, _)| *style == Default::default()) {
            text.truncate(text.trim_end().len());
        }
        spans.into_iter().map(|(style, text)| (class(style), text)).collect()
    };
    (0..rows.get()).map(line).collect()
}

/// The class of a look, of a letter twice as wide, of the one under the cursor.
fn class((look, wide, cursor): (Look, bool, bool)) -> String {
    let words = [look.class(), "wide".to_owned(), "cursor".to_owned()];
    let words = words.into_iter().zip([look != Look::default(), wide, cursor]);
    words.filter(|(_, set)| *set).map(|(word, _)| word).collect::<Vec<_>>().join(" ")
}

fn look(cell: &vt100::Cell) -> Look {
    let colour = |colour| match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(ink::of_256(index)),
        vt100::Color::Rgb(red, green, blue) => Some(ink::nearest(red, green, blue)),
    };
    Look {
        ink: colour(cell.fgcolor()),
        paper: colour(cell.bgcolor()),
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
        inverse: cell.inverse(),
    }
}

/// How far a key scrolls up, when it scrolls.
fn scroll(stroke: &Stroke) -> Option<isize> {
    match (stroke.shift, stroke.key.as_str()) {
        (true, "PageUp") => Some(STRIDE),
        (true, "PageDown") => Some(-STRIDE),
        _ => None,
    }
}

/// What a key that is no letter sends, as xterm does it; `None` for those that the browser keeps: letters come as text, F6
/// leaves, and what copies and pastes does so.
fn encode(stroke: &Stroke, application: bool) -> Option<Vec<u8>> {
    let Stroke { key, ctrl, alt, shift } = stroke;
    let modifier = 1 + u8::from(*shift) + 2 * u8::from(*alt) + 4 * u8::from(*ctrl);
    let cursor = |letter: char| match (modifier, application) {
        (1, true) => format!("\x1bO{letter}"),
        (1, false) => format!("\x1b[{letter}"),
        _ => format!("\x1b[1;{modifier}{letter}"),
    };
    let numbered = |number: u8| match modifier {
        1 => format!("\x1b[{number}~"),
        _ => format!("\x1b[{number};{modifier}~"),
    };
    let text = match key.as_str() {
        "Enter" => "\r".to_owned(),
        "Backspace" => if *ctrl { "\x08" } else { "\x7f" }.to_owned(),
        "Tab" => if *shift { "\x1b[Z" } else { "\t" }.to_owned(),
        "Escape" => "\x1b".to_owned(),
        "ArrowUp" => cursor('A'),
        "ArrowDown" => cursor('B'),
        "ArrowRight" => cursor('C'),
        "ArrowLeft" => cursor('D'),
        "Home" => cursor('H'),
        "End" => cursor('F'),
        "Insert" => numbered(2),
        "Delete" => numbered(3),
        "PageUp" => numbered(5),
        "PageDown" => numbered(6),
        "F1" => "\x1bOP".to_owned(),
        "F2" => "\x1bOQ".to_owned(),
        "F3" => "\x1bOR".to_owned(),
        "F4" => "\x1bOS".to_owned(),
        "F5" => numbered(15),
        "F7" => numbered(18),
        "F8" => numbered(19),
        "F9" => numbered(20),
        "F10" => numbered(21),
        letter => return chord(letter, *ctrl, *alt, *shift),
    };
    Some(text.into_bytes())
}

/// A letter with the control or the alt key. Both together write letters on many keyboards; Ctrl+V pastes, and Ctrl+Shift is
/// the browser's.
fn chord(letter: &str, ctrl: bool, alt: bool, shift: bool) -> Option<Vec<u8>> {
    let mut letters = letter.chars();
    let (letter, None) = (letters.next()?, letters.next()) else { return None };
    match (ctrl, alt) {
        (true, false) if !shift || !letter.is_ascii_alphabetic() => match letter.to_ascii_uppercase() {
            'V' => None,
            letter @ ('@'..='_' | ' ') => Some(vec![u8::try_from(letter).ok()? & 0x1f]),
            _ => None,
        },
        (false, true) if letter.is_ascii() => Some(vec![0x1b, u8::try_from(letter).ok()?]),
        _ => None,
    }
}

/// What to say when the command does not run.
fn told(error: &portolan::Error, place: &Place, source: &str) -> Trouble {
    let text = error.to_string();
    let Place { namespace, pod, container } = place;
    let (title, advice, command) = match error.code() {
        Some(403) if text.contains("is forbidden") => {
            let right = Right::of_pods("create", "exec", namespace);
            return right.trouble("You may not run commands here (403)", text);
        }
        Some(403) => (
            "kubectl proxy lets no commands pass (403)",
            "That is its default. Start it again like this and load the page anew; whoever reaches its port can then run \
             commands in your containers, so end it afterwards."
                .to_owned(),
            proxy(port(source), " --reject-paths='^$'"),
        ),
        Some(404) => ("There is no such container (any more)", "Choose another one.".to_owned(), String::new()),
        _ if text.contains("executable file not found") || text.contains("no such file") => (
            "This container has no shell",
            "Put one beside it.".to_owned(),
            format!("kubectl debug {pod} --namespace={namespace} --target={container} --image=busybox -it"),
        ),
        _ => (
            "The connection to the shell has ended",
            "What ran in it may have ended with it. Enter, or the button, begins another.".to_owned(),
            String::new(),
        ),
    };
    Trouble { title: title.to_owned(), text, advice, command, refused: true }.revealed()
}

#[cfg(test)]
mod tests;
