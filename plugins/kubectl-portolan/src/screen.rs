//! Sheets on the whole terminal: a table to scroll and to filter.
//!
//! [`View`] decides, from sheets and keys, what is shown; [`show`] only waits.

use std::sync::mpsc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use portolan::Error;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Row, Table, TableState};

use crate::sheet::Sheet;

/// So often the screen looks at the keys.
const TICK: Duration = Duration::from_millis(50);

/// Shows the sheets until the person ends it, or they end.
pub(crate) async fn show(mut sheets: impl Stream<Item = Result<Sheet, Error>> + Unpin) -> Result<(), Error> {
    // The first comes before the screen is taken: what fails at once is told in one line.
    let Some(first) = sheets.next().await.transpose()? else { return Ok(()) };
    let mut view = View { sheet: first, ..View::default() };
    let keys = keys();
    let mut terminal = ratatui::init();
    let outcome = loop {
        if let Err(error) = terminal.draw(|frame| view.draw(frame)) {
            break Err(Error::canceled("the terminal cannot be drawn on").with_source(error));
        }
        if keys.try_iter().any(|key| view.key(key)) {
            break Ok(());
        }
        match tokio::time::timeout(TICK, sheets.next()).await {
            Ok(Some(Ok(sheet))) => view.sheet = sheet,
            Ok(Some(Err(error))) => break Err(error),
            Ok(None) => break Ok(()),
            Err(_elapsed) => {}
        }
    };
    ratatui::restore();
    outcome
}

/// The keys pressed, read by a thread of their own: reading them blocks.
fn keys() -> mpsc::Receiver<KeyEvent> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if let Event::Key(key) = event
                && sender.send(key).is_err()
            {
                return;
            }
        }
    });
    receiver
}

/// What is shown, and how.
#[derive(Default)]
struct View {
    sheet: Sheet,
    state: TableState,
    filter: String,
    is_typing: bool,
}

impl View {
    /// Heeds a key; whether it is the last.
    fn key(&mut self, key: KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return false;
        }
        match (key.code, key.modifiers) {
            (KeyCode::Char('c'), KeyModifiers::CONTROL) => return true,
            (KeyCode::Enter, _) if self.is_typing => self.is_typing = false,
            (KeyCode::Esc, _) if self.is_typing || !self.filter.is_empty() => {
                self.is_typing = false;
                self.filter.clear();
            }
            (KeyCode::Backspace, _) if self.is_typing => drop(self.filter.pop()),
            (KeyCode::Char(typed), _) if self.is_typing => self.filter.push(typed),
            (KeyCode::Char('q') | KeyCode::Esc, _) => return true,
            (KeyCode::Char('/'), _) => self.is_typing = true,
            (KeyCode::Char('j') | KeyCode::Down, _) => self.state.select_next(),
            (KeyCode::Char('k') | KeyCode::Up, _) => self.state.select_previous(),
            (KeyCode::PageDown, _) => self.state.scroll_down_by(20),
            (KeyCode::PageUp, _) => self.state.scroll_up_by(20),
            (KeyCode::Char('g') | KeyCode::Home, _) => self.state.select_first(),
            (KeyCode::Char('G') | KeyCode::End, _) => self.state.select_last(),
            _ => {}
        }
        false
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
                .areas(frame.area());
        let matches = |cells: &[String]| cells.iter().any(|cell| cell.contains(&self.filter));
        let rows: Vec<_> = self.sheet.rows.iter().filter(|row| matches(&row.cells)).collect();
        let state =
            self.sheet.stale.as_ref().map_or("current".to_owned(), |why| format!("NOT CURRENT: {why}"));
        let count = format!("{} of {}", rows.len(), self.sheet.rows.len());
        frame.render_widget(Line::from(format!("{}   {count}   {state}", self.sheet.title)), head);
        let widths = self.sheet.widths();
        let widths = widths.iter().map(|&width| Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX)));
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let table = Table::new(rows.iter().map(|row| Row::new(row.cells.iter().map(String::as_str))), widths)
            .header(Row::new(self.sheet.columns.iter().map(String::as_str)).style(bold))
            .column_spacing(3)
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        frame.render_stateful_widget(table, body, &mut self.state);
        let foot_text = match (self.is_typing, self.filter.as_str()) {
            (true, filter) => format!("/{filter}▏  Enter keeps the filter, Esc drops it"),
            (false, "") => "q quit   j k move   g G ends   / filter".to_owned(),
            (false, filter) => format!("only rows with {filter:?}: Esc shows all   q quit   j k move"),
        };
        frame.render_widget(Line::from(foot_text), foot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn shown(view: &mut View) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(50, 6)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let line = |y| (0..50).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
        (0..6).map(|y| line(y).trim_end().to_owned()).collect()
    }

    fn press(view: &mut View, code: KeyCode) -> bool {
        view.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn view() -> View {
        let row = |name: &str, status: &str| sheet::Row {
            key: name.into(),
            cells: vec![name.into(), status.into()],
        };
        let sheet = Sheet {
            title: "pods in default".into(),
            columns: vec!["NAME".into(), "STATUS".into()],
            rows: vec![row("web-1", "Running"), row("db", "Pending")],
            stale: None,
        };
        View { sheet, ..View::default() }
    }

    #[test]
    fn a_sheet_is_drawn_with_its_state_and_the_keys() {
        let mut view = view();
        let lines = shown(&mut view);
        assert_eq!(
            lines,
            [
                "pods in default   2 of 2   current",
                "NAME    STATUS",
                "web-1   Running",
                "db      Pending",
                "",
                "q quit   j k move   g G ends   / filter"
            ]
        );
        view.sheet.stale = Some("the watch broke".into());
        assert_eq!(shown(&mut view)[0], "pods in default   2 of 2   NOT CURRENT: the watch");
    }

    #[test]
    fn keys_filter_move_and_quit() {
        let mut view = view();
        for typed in ['/', 'd', 'b', 'q'] {
            assert!(!press(&mut view, KeyCode::Char(typed)));
        }
        press(&mut view, KeyCode::Backspace);
        press(&mut view, KeyCode::Enter);
        let lines = shown(&mut view);
        assert_eq!(lines[0], "pods in default   1 of 2   current");
        assert_eq!(lines[2], "db      Pending");
        assert!(!press(&mut view, KeyCode::Esc), "the first Esc drops the filter");
        assert_eq!(shown(&mut view)[0], "pods in default   2 of 2   current");
        press(&mut view, KeyCode::Char('j'));
        press(&mut view, KeyCode::Down);
        assert_eq!(view.state.selected(), Some(1));
        press(&mut view, KeyCode::Char('g'));
        shown(&mut view);
        assert_eq!(view.state.selected(), Some(0));
        assert!(press(&mut view, KeyCode::Esc) && press(&mut view, KeyCode::Char('q')));
        assert!(view.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
    }
}
