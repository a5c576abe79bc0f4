//! A terminal, key by key.

use super::*;
use portolan::Error;
use portolan::status::failure;

fn place() -> Place {
    Place { namespace: "n".into(), pod: "p".into(), container: "c".into() }
}

const SIZE: Size = Size { columns: 20, rows: 4 };

fn open() -> (Terminal, u64) {
    let mut terminal = Terminal::default();
    terminal.settle(Some(&place()));
    assert_eq!(terminal.stream(), None, "the size is not known");
    terminal.resize(SIZE);
    let (id, _, size) = terminal.stream().unwrap();
    terminal.opened(id, size);
    (terminal, id)
}

fn stroke(keys: &str) -> Stroke {
    let mut words: Vec<&str> = keys.split('-').collect();
    let key = words.pop().unwrap().to_owned();
    Stroke {
        key,
        ctrl: words.contains(&"ctrl"),
        alt: words.contains(&"alt"),
        shift: words.contains(&"shift"),
    }
}

fn text(terminal: &mut Terminal) -> Vec<String> {
    let view = terminal.view(Places::default());
    view.rows
        .iter()
        .map(|row| row.iter().map(|(_, text)| text.as_str()).collect::<String>().trim_end().to_owned())
        .collect()
}

#[test]
fn what_is_written_is_drawn_and_what_is_typed_is_sent() {
    let (mut terminal, id) = open();
    terminal.take(id, b"$ \x1b[1;32mls\x1b[0m\r\n\x1b]0;evil\x07a\xe2\x80\xaeb");
    assert_eq!(text(&mut terminal), ["$ ls", "ab", "", ""]);
    let rows = terminal.view(Places::default()).rows;
    assert_eq!(rows[0][1], ("ink-2 bold".to_owned(), "ls".to_owned()));
    assert_eq!(rows[1][1], ("cursor".to_owned(), " ".to_owned()));
    terminal.text("ls", false);
    terminal.press(&stroke("Enter"));
    let sent: Vec<Input> = std::iter::from_fn(|| terminal.input()).collect();
    assert_eq!(sent, [Input::Bytes(b"ls".to_vec()), Input::Bytes(b"\r".to_vec())]);
    terminal.take(id, b"\x1b[6n");
    assert_eq!(terminal.input(), Some(Input::Bytes(b"\x1b[2;3R".to_vec())));
    terminal.take(id + 1, b"of another");
    assert_eq!(text(&mut terminal)[1], "ab");
}

#[test]
fn keys_are_what_xterm_sends_and_the_page_keeps_its_own() {
    let sends = |keys: &str, application| {
        encode(&stroke(keys), application).map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let sent = [
        ("ArrowUp", false, "\x1b[A"),
        ("ArrowUp", true, "\x1bOA"),
        ("ctrl-ArrowLeft", true, "\x1b[1;5D"),
        ("shift-Tab", false, "\x1b[Z"),
        ("Delete", false, "\x1b[3~"),
        ("ctrl-c", false, "\x03"),
        ("ctrl-[", false, "\x1b"),
        ("alt-b", false, "\x1bb"),
        ("Escape", false, "\x1b"),
    ];
    for (keys, application, expected) in sent {
        assert_eq!(sends(keys, application).as_deref(), Some(expected), "{keys}");
    }
    for keys in ["a", "F6", "ctrl-v", "ctrl-shift-c", "ctrl-alt-q", "F12", "Shift", "Unidentified", "ctrl-ä"]
    {
        assert_eq!(sends(keys, false), None, "{keys}");
    }
    let (terminal, _) = open();
    assert!(
        terminal.takes(&stroke("Tab"))
            && terminal.takes(&stroke("shift-PageUp"))
            && !terminal.takes(&stroke("F6"))
    );
}

#[test]
fn a_paste_is_bracketed_and_cannot_break_out() {
    let (mut terminal, id) = open();
    terminal.take(id, b"\x1b[?2004h");
    terminal.text("a\nb\x1b[201~c", true);
    assert_eq!(terminal.input(), Some(Input::Bytes(b"\x1b[200~a\rb[201~c\x1b[201~".to_vec())));
}

#[test]
fn a_new_size_is_told_and_what_scrolled_off_can_be_seen() {
    let (mut terminal, id) = open();
    for line in 0..10 {
        terminal.take(id, format!("{line}\r\n").as_bytes());
    }
    terminal.press(&stroke("shift-PageUp"));
    assert_eq!(text(&mut terminal)[0], "0");
    terminal.text("x", false);
    assert_eq!(text(&mut terminal)[0], "7", "typing goes back down");
    terminal.input();
    let wider = Size { columns: 30, rows: 4 };
    terminal.resize(wider);
    assert_eq!((terminal.input(), terminal.input()), (Some(Input::Size(wider)), None));
    terminal.resize(Size { columns: 0, rows: u16::MAX });
    assert_eq!(terminal.input(), Some(Input::Size(Size { columns: 1, rows: LARGEST })));
}

#[test]
fn an_end_is_told_and_another_shell_begins() {
    let (mut terminal, id) = open();
    terminal.ended(id, Ok(3), "s");
    let view = terminal.view(Places::default());
    assert!(view.status.contains("exit code 3") && view.ended && terminal.stream().is_none());
    assert!(!terminal.takes(&stroke("Tab")), "nothing traps the focus");
    terminal.press(&stroke("Enter"));
    assert!(terminal.stream().is_some_and(|(again, _, size)| again > id && size == SIZE));
    terminal.leave();
    assert!(terminal.stream().is_none() && terminal.view(Places::default()).status.contains("no pod"));
}

#[test]
fn each_failure_says_what_to_do() {
    let said =
        |code, text: &str| told(&Error::api(failure(code, "Forbidden", text)), &place(), "127.0.0.1:8002");
    let proxy = said(403, "Forbidden");
    assert!(
        proxy.title.contains("kubectl proxy") && proxy.command.contains(" --port=8002 --reject-paths='^$'")
    );
    let rbac = said(403, "pods \"p\" is forbidden: User \"u\" cannot create resource \"pods/exec\"");
    assert_eq!(rbac.command, "kubectl auth can-i create pods --subresource=exec -n n");
    assert!(said(404, "x").title.contains("no such container"));
    assert!(
        said(500, "exec: \"sh\": executable file not found in $PATH").command.starts_with("kubectl debug p")
    );
    assert!(said(500, "x").title.contains("ended"));
}

#[test]
fn the_screen_is_drawn_when_it_is_looked_at() {
    let (mut terminal, id) = open();
    let drawn = terminal.view(Places::default()).rows;
    terminal.take(id, b"one ");
    terminal.take(id, b"two");
    assert!(Rc::ptr_eq(&drawn, &terminal.rows), "not for each message");
    assert_eq!(text(&mut terminal)[0], "one two");
    let drawn = terminal.view(Places::default()).rows;
    assert!(Rc::ptr_eq(&drawn, &terminal.view(Places::default()).rows), "nor again while nothing has come");
}
