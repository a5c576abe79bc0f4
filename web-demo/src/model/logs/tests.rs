//! A reader of logs, event by event.

use super::*;
use portolan::Error;
use portolan::status::failure;

fn places(container: &str) -> Places {
    let place = Place { namespace: "n".into(), pod: "p".into(), container: container.into() };
    Places { place: Some(place), ..Places::default() }
}

fn line(text: impl AsRef<str>) -> LogLine {
    LogLine { bytes: text.as_ref().as_bytes().to_vec().into(), goes_on: false }
}

fn stamped_line(second: usize, text: &str) -> LogLine {
    line(format!("2026-01-01T{:02}:{:02}:{:02}.5Z {text}", second / 3600, second / 60 % 60, second % 60))
}

/// Logs that follow, 180 pixels high.
fn following(choice: &Choice) -> Logs {
    let mut logs = Logs::default();
    logs.settle(&places("main"), choice, 0);
    logs.scrolled(0.0, 180.0);
    let (id, _) = logs.stream().unwrap();
    logs.opened(id);
    logs
}

fn come(logs: &mut Logs, lines: impl IntoIterator<Item = LogLine>) {
    let (id, _) = logs.stream().unwrap();
    logs.take(id, lines.into_iter().collect());
}

fn view(logs: &Logs, choice: &Choice) -> View {
    logs.view(places("main"), choice, 0)
}

fn texts(view: &View) -> Vec<String> {
    view.rows.iter().map(|row| row.spans.iter().map(|(_, text)| text.as_str()).collect()).collect()
}

#[test]
fn it_stays_at_the_end_unless_scrolled_up() {
    let choice = Choice::default();
    let mut logs = following(&choice);
    come(&mut logs, (0..100).map(|at| stamped_line(at, &format!("line {at}"))));
    assert_eq!(logs.wish(), Some(100.0 * LINE_HEIGHT - 180.0));
    assert_eq!(texts(&view(&logs, &choice)).last().unwrap(), "line 99");
    assert!(view(&logs, &choice).rows.len() < 40);
    // The browser tells of a scroll late: lines that came in between do not make it one of the reader's.
    come(&mut logs, [stamped_line(100, "line 100")]);
    logs.scrolled(100.0 * LINE_HEIGHT - 180.0, 180.0);
    assert_eq!(logs.wish(), Some(101.0 * LINE_HEIGHT - 180.0));
    logs.scrolled(500.0, 180.0);
    come(&mut logs, [stamped_line(101, "line 101")]);
    assert_eq!((logs.wish(), view(&logs, &choice).away), (None, true));
    logs.end();
    assert_eq!((logs.wish(), view(&logs, &choice).away), (Some(102.0 * LINE_HEIGHT - 180.0), false));
}

#[test]
fn who_scrolls_back_is_not_taken_to_the_end_by_a_line_that_comes_meanwhile() {
    let choice = Choice::default();
    let mut logs = following(&choice);
    come(&mut logs, (0..100).map(|at| stamped_line(at, "x")));
    let end = logs.wish().unwrap();
    logs.back();
    come(&mut logs, [stamped_line(100, "x")]);
    assert_eq!(logs.wish(), None);
    // What the page itself scrolled is told only now.
    logs.scrolled(end, 180.0);
    assert_eq!((logs.wish(), view(&logs, &choice).away), (None, true));
    logs.scrolled(0.0, 180.0);
    logs.scrolled(101.0 * LINE_HEIGHT - 180.0, 180.0);
    assert!(!view(&logs, &choice).away);
}

#[test]
fn where_less_is_in_view_it_stays_at_the_end() {
    let mut logs = following(&Choice::default());
    come(&mut logs, (0..100).map(|at| stamped_line(at, "x")));
    logs.wish();
    logs.scrolled(100.0 * LINE_HEIGHT - 180.0, 100.0);
    assert_eq!(logs.wish(), Some(100.0 * LINE_HEIGHT - 100.0));
    assert_eq!(logs.wish(), None);
}

#[test]
fn the_oldest_lines_go_and_what_is_read_stays_in_place() {
    let choice = Choice::default();
    let mut logs = following(&choice);
    come(&mut logs, (0..MOST).map(|at| stamped_line(at, "x")));
    logs.wish();
    logs.scrolled(1_000.0 * LINE_HEIGHT, 180.0);
    come(&mut logs, (0..100).map(|at| stamped_line(MOST + at, "y")));
    let shown = view(&logs, &choice);
    assert_eq!((shown.lines, shown.dropped), (MOST, 100));
    // The browser tells of where it was before these lines went.
    logs.scrolled(1_000.0 * LINE_HEIGHT, 180.0);
    assert_eq!(logs.wish(), Some(900.0 * LINE_HEIGHT));
}

#[test]
fn what_is_looked_for_is_counted_marked_and_gone_to() {
    let mut choice = Choice { find: "Get".into(), ..Choice::default() };
    let mut logs = following(&choice);
    come(
        &mut logs,
        (0..200).map(|at| line(if at % 50 == 10 { "a \x1b[31mGE\x1b[0mT b get" } else { "other" })),
    );
    assert_eq!(view(&logs, &choice).hits, (4, None));
    logs.step(1);
    assert_eq!(view(&logs, &choice).hits, (4, Some(3)));
    logs.step(1);
    let shown = view(&logs, &choice);
    assert_eq!(shown.hits, (4, Some(0)));
    let row = shown.rows.iter().find(|row| row.current).unwrap();
    let spans: Vec<_> = row.spans.iter().map(|(class, text)| (class.as_str(), text.as_str())).collect();
    assert_eq!(spans, [("", "a "), ("ink-1 hit", "GE"), ("hit", "T"), ("", " b "), ("hit", "get")]);
    choice.only = true;
    logs.settle(&places("main"), &choice, 0);
    come(&mut logs, [line("gets"), line("not")]);
    assert_eq!((view(&logs, &choice).lines, view(&logs, &choice).hits.0), (5, 5));
    choice.find = "[".into();
    logs.settle(&places("main"), &choice, 0);
    assert_eq!(view(&logs, &choice).lines, 0, "what is looked for is text");
}

#[test]
fn a_stream_taken_up_again_shows_each_line_once() {
    let mut choice = Choice::default();
    let mut logs = following(&choice);
    come(&mut logs, [stamped_line(1, "one"), stamped_line(2, "two")]);
    let (id, asked) = logs.stream().unwrap();
    assert_eq!((asked.since, asked.tail, asked.follow), (None, 1_000, true));
    logs.ended(id, None, &Places::default(), 5_000);
    assert_eq!(logs.stream(), None);
    assert!(logs.view(places("main"), &choice, 5_500).status.ends_with("Asking again in 2 s."));
    logs.settle(&places("main"), &choice, 7_000);
    let (again, asked) = logs.stream().unwrap();
    assert!(again > id && asked.since.is_some());
    logs.take(id, vec![line("of the old stream")]);
    let long = LogLine { goes_on: true, ..stamped_line(2, "two") };
    come(&mut logs, [long, line(" goes on"), stamped_line(3, "three")]);
    assert_eq!(texts(&view(&logs, &choice)), ["one", "two", "three"]);
    choice.times = true;
    assert_eq!(texts(&view(&logs, &choice))[2], "2026-01-01T00:00:03.5Z three");
    choice.still = true;
    logs.settle(&places("main"), &choice, 7_000);
    assert_eq!((logs.stream(), view(&logs, &choice).status.as_str()), (None, "Not following."));
    choice.still = false;
    logs.settle(&places("main"), &choice, 7_000);
    assert!(logs.stream().is_some() && view(&logs, &choice).lines == 3);
    logs.settle(&places("side"), &choice, 7_000);
    assert_eq!(view(&logs, &choice).lines, 0);
    logs.settle(&Places::default(), &choice, 7_000);
    assert!(logs.stream().is_none() && view(&logs, &choice).status.contains("no pod"));
}

#[test]
fn each_failure_is_told_in_words() {
    let choice = Choice::default();
    let said = |code, reason, text: &str, finished| {
        let mut logs = following(&choice);
        let (id, _) = logs.stream().unwrap();
        logs.ended(
            id,
            Some(&Error::api(failure(code, reason, text))),
            &Places { finished, ..Places::default() },
            0,
        );
        let view = logs.view(places("main"), &choice, 0);
        (view.status, view.trouble.map(|trouble| trouble.command).unwrap_or_default())
    };
    let (status, _) = said(
        400,
        "BadRequest",
        "container \"main\" in pod \"p\" is waiting to start: ContainerCreating",
        false,
    );
    assert_eq!(status, "main has not started yet. Asking again in 2 s.");
    let (status, _) =
        said(400, "BadRequest", "previous terminated container \"main\" in pod \"p\" not found", false);
    assert_eq!(status, "There is no run before this one");
    let (status, command) = said(403, "Forbidden", "pods \"p\" is forbidden", false);
    assert_eq!(status, "You may not read these logs (403)");
    assert_eq!(command, "kubectl auth can-i get pods --subresource=log -n n");
    assert!(said(404, "NotFound", "x", false).0.contains("not there (yet)"));
    assert_eq!(said(404, "NotFound", "x", true).0, "These logs are gone");
    assert!(said(500, "InternalError", "x", false).0.starts_with("The stream broke off"));
    let mut logs = following(&choice);
    let (id, _) = logs.stream().unwrap();
    logs.ended(id, None, &Places { pending: true, ..Places::default() }, 0);
    assert_eq!(view(&logs, &choice).status, "main has not started yet. Asking again in 2 s.");
    let mut logs = following(&choice);
    let (id, _) = logs.stream().unwrap();
    logs.ended(id, None, &Places { finished: true, ..Places::default() }, 0);
    assert_eq!(
        logs.view(Places { finished: true, ..places("main") }, &choice, 0).status,
        "The end: the pod has finished."
    );
}

#[test]
fn what_a_pod_wrote_stays_when_it_goes_and_the_next_of_its_name_goes_on() {
    let choice = Choice::default();
    let mut logs = following(&choice);
    come(&mut logs, [stamped_line(1, "last words")]);
    let gone = Places { gone: true, finished: true, ..places("main") };
    logs.settle(&gone, &choice, 0);
    let (id, _) = logs.stream().expect("what is still under way is read to its end");
    // The stream often ends before the pod is seen to have gone.
    logs.ended(id, None, &places("main"), 0);
    logs.settle(&gone, &choice, 10_000);
    assert_eq!((logs.stream(), texts(&view(&logs, &choice))), (None, vec!["last words".to_owned()]));
    logs.settle(&places("main"), &choice, 20_000);
    assert!(logs.stream().is_some_and(|(_, asked)| asked.since.is_some()));
    assert_eq!(texts(&view(&logs, &choice)), ["last words"]);
}

#[test]
fn a_line_full_of_hits_has_a_bounded_number_of_pieces() {
    let choice = Choice { find: "a".into(), ..Choice::default() };
    let mut logs = following(&choice);
    come(&mut logs, [line("ab".repeat(20_000))]);
    let shown = view(&logs, &choice);
    assert!(shown.rows[0].spans.len() <= 1_001, "{}", shown.rows[0].spans.len());
    assert_eq!(texts(&shown)[0].len(), 40_000, "no letter is lost");
}
