//! A failure as the page tells it: which one it is, and what the reader can do.

use std::time::Duration;

use portolan::{Error, ErrorKind, TransportErrorKind};

use super::cell::Tone;
use super::reveal::reveal;

/// What went wrong and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// A short name: `Not allowed`.
    pub title: String,
    /// What happened, in the words of whoever refused.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// A command that does it, "" without one.
    pub command: String,
    /// The server answers, but not this question to us: no use in calling the page stale.
    pub refused: bool,
}

/// What the browser itself can tell of a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nobody listens there.
    Nobody,
    /// Somebody answers but does not let this page read it (CORS).
    Silent,
    /// The proxy that served this page answers, the API server behind it does not.
    Behind,
    /// Both answer.
    Answers,
    /// Not asked.
    Unknown,
}

/// Whether a failure of this kind says that no API server answers, so that it is worth finding out who else does not.
pub fn is_unanswered(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Transport(_) | ErrorKind::Timeout => true,
        ErrorKind::Api(status) => status.code.is_some_and(|code| code >= 500),
        _ => false,
    }
}

/// How long the server asks to wait in an error of this kind.
pub fn asked_wait(kind: &ErrorKind) -> Option<Duration> {
    let ErrorKind::Api(status) = kind else { return None };
    let seconds = status.details.as_ref()?.retry_after_seconds?;
    u64::try_from(seconds).ok().filter(|&seconds| seconds > 0).map(Duration::from_secs)
}

/// Whether who answered `/version` this way serves files and no API: it knows no such path, or no such method.
pub fn serves_files_only(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Api(status) if matches!(status.code, Some(404 | 405)))
}

/// Whether the policy in index.html lets the page ask a server of another origin than its own.
pub fn may_ask(scheme: Option<&str>, host: Option<&str>) -> bool {
    scheme == Some("http") && matches!(host, Some("127.0.0.1" | "localhost"))
}

/// The port at the end of an address.
pub(super) fn port(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// The command whose proxy, at `port`, serves this page too. The page does not know which folder holds it.
pub(super) fn proxy(port: Option<u16>, options: &str) -> String {
    let port = port.map(|port| format!(" --port={port}")).unwrap_or_default();
    format!("kubectl proxy{port}{options} --www=FOLDER --www-prefix=/PATH/")
}

const FORBIDDEN: &str = "Not allowed (403)";

impl Trouble {
    /// Whether the server answers but lets us not look.
    pub fn forbids(&self) -> bool {
        self.title == FORBIDDEN
    }

    /// How grave it is: to be allowed nothing is no failure.
    pub fn tone(&self) -> Tone {
        if self.forbids() { Tone::Idle } else { Tone::Bad }
    }

    /// The same as it may be shown: what it holds of others' words is theirs.
    pub(super) fn revealed(self) -> Self {
        let [title, text, advice, command] =
            [self.title, self.text, self.advice, self.command].map(|words| reveal(&words).into_owned());
        Self { title, text, advice, command, ..self }
    }

    /// What to say of watches that have ended, and nobody has said why.
    pub fn silent() -> Self {
        Self {
            title: "Reconnecting".to_owned(),
            text: "A watch has ended and no other is open yet.".to_owned(),
            advice:
                "What was there stays on show and may be behind. It catches up as soon as the server answers."
                    .to_owned(),
            ..Self::default()
        }
    }

    /// What to say of an error of this kind and text, met at `server`.
    pub fn of(kind: &ErrorKind, text: &str, server: &str, reach: Reach) -> Self {
        let text = reveal(text).into_owned();
        let code = match kind {
            ErrorKind::Api(status) => status.code,
            _ => None,
        };
        match code {
            Some(401) => return Self::unauthorized(text),
            Some(403) => return Self::forbidden(text),
            Some(404 | 405) => return Self::absent(text),
            Some(410) => return Self::expired(text),
            Some(code) if code == 429 || asked_wait(kind).is_some() && reach != Reach::Behind => {
                return Self::busy(code, asked_wait(kind), text);
            }
            Some(300..=399) => return Self::redirected(server, text),
            _ => {}
        }
        match (kind, reach) {
            (ErrorKind::Transport(_), Reach::Silent) => Self::cors(server, text),
            (kind, Reach::Behind) if is_unanswered(kind) => Self::behind(server, text),
            (ErrorKind::Transport(_), Reach::Nobody)
            | (ErrorKind::Transport(TransportErrorKind::Connect), _) => Self::nobody(server, text),
            (ErrorKind::Config, _) => Self {
                title: "Wrong address".into(),
                text,
                advice: "Write ?source=memory, ?source=proxy or ?server=http://127.0.0.1:8001 after the page's own address and load it again.".into(),
                ..Self::default()
            },
            (ErrorKind::Timeout, _) => Self {
                title: "Nothing heard for too long".into(),
                text,
                advice: "An open watch brings at least a bookmark a minute. The page keeps what it had and asks anew.".into(),
                ..Self::default()
            },
            (ErrorKind::Decode, _) => Self {
                title: "Not a Kubernetes answer".into(),
                text,
                advice: format!(
                    "Something between this page and the API server answers in its place. Open {server}/version and look."
                ),
                ..Self::default()
            },
            _ => Self {
                title: if matches!(kind, ErrorKind::Transport(_)) {
                    "Connection lost"
                } else {
                    "The server failed"
                }
                .into(),
                text,
                advice: "The page keeps what it had and tries again by itself.".into(),
                ..Self::default()
            },
        }
    }

    /// What to say when the server as a whole does not answer as an API server does.
    pub fn of_server(kind: &ErrorKind, text: &str, server: &str, reach: Reach) -> Self {
        let trouble = Self::of(kind, text, server, reach);
        if !trouble.refused || trouble.forbids() {
            return Self { refused: false, ..trouble };
        }
        Self {
            title: "No API server here".into(),
            advice: format!(
                "{server} answers, but not as an API server. Open this page through kubectl proxy."
            ),
            command: proxy(None, ""),
            refused: false,
            ..trouble
        }
    }

    /// What to say while a question has been under way for long.
    pub fn waiting(server: &str) -> Self {
        Self {
            title: "Still no answer".into(),
            advice: format!(
                "{server} has taken the question and says nothing. The page goes on asking; what it shows is of before."
            ),
            command: "kubectl cluster-info".into(),
            ..Self::default()
        }
    }

    /// What to say when a further module of the page has not come.
    pub fn unloaded(error: &Error) -> Self {
        Self {
            title: "A part of this page did not load".into(),
            text: error.to_string(),
            advice: "Is what serves this page still there? Try again, or load the page again.".into(),
            ..Self::default()
        }
    }

    fn unauthorized(text: String) -> Self {
        Self {
            title: "Not signed in (401)".into(),
            text,
            advice:
                "The proxy's credentials are missing or have run out. Sign in again and restart the proxy."
                    .into(),
            command: "kubectl auth whoami".into(),
            refused: false,
        }
    }

    fn forbidden(text: String) -> Self {
        Self {
            title: FORBIDDEN.into(),
            text,
            advice: "Ask for the verbs list and watch on this kind, or see what you may do.".into(),
            command: "kubectl auth can-i --list".into(),
            refused: true,
        }
    }

    fn absent(text: String) -> Self {
        Self {
            title: "No such kind here (404)".into(),
            text,
            advice: "The server does not serve this kind any more, or this is not the API server's address."
                .into(),
            command: "kubectl api-resources".into(),
            refused: true,
        }
    }

    fn expired(text: String) -> Self {
        Self {
            title: "Catching up: the server has forgotten the version (410)".into(),
            text,
            advice: "The page keeps what it had and lists anew by itself.".into(),
            ..Self::default()
        }
    }

    fn busy(code: i32, wait: Option<Duration>, text: String) -> Self {
        let wait = wait.map(|wait| format!(" {} s", wait.as_secs())).unwrap_or_default();
        Self {
            title: format!("The server is busy and asks to wait{wait} ({code})"),
            text,
            advice: "The page keeps what it had and asks again after the wait.".into(),
            ..Self::default()
        }
    }

    fn redirected(server: &str, text: String) -> Self {
        Self {
            title: "Sent elsewhere (redirect)".into(),
            text,
            advice: format!(
                "Something in front of the API server sends this page to another address: the sign-in page of a network, or \
                 a gateway that wants https. Open {server}/version in a tab of its own, sign in there or correct the \
                 address; the page tries again by itself."
            ),
            ..Self::default()
        }
    }

    fn cors(server: &str, text: String) -> Self {
        Self {
            title: "Blocked by the browser (CORS)".into(),
            text,
            advice: format!(
                "{server} answers, but lets no page of another origin read it. Let the proxy serve this page itself."
            ),
            command: proxy(port(server), ""),
            refused: false,
        }
    }

    fn behind(server: &str, text: String) -> Self {
        Self {
            title: "API server down".into(),
            text,
            advice: format!(
                "The proxy at {server} answers, the API server behind it does not. The page keeps what it had and tries again by itself."
            ),
            command: "kubectl cluster-info".into(),
            refused: false,
        }
    }

    fn nobody(server: &str, text: String) -> Self {
        Self {
            title: "No answer".into(),
            text,
            advice: format!(
                "Nobody answers at {server}. What the page had stays, and it tries again by itself."
            ),
            command: proxy(port(server), ""),
            refused: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portolan::Error;
    use portolan::status::{StatusDetails, failure};

    fn title(error: &Error, reach: Reach) -> String {
        Trouble::of(error.kind(), &error.to_string(), "http://127.0.0.1:8001", reach).title
    }

    #[test]
    fn each_failure_is_told_apart() {
        assert!(title(&Error::api(failure(401, "Unauthorized", "no")), Reach::Unknown).contains("401"));
        assert!(title(&Error::api(failure(403, "Forbidden", "no")), Reach::Unknown).contains("403"));
        let connect = Error::transport(TransportErrorKind::Connect, "failed to fetch");
        assert_eq!(title(&connect, Reach::Unknown), "No answer");
        assert!(title(&connect, Reach::Silent).contains("CORS"));
        assert_eq!(title(&connect, Reach::Behind), "API server down");
        let gateway = Error::api(failure(502, "", "dial tcp: connection refused"));
        assert_eq!(title(&gateway, Reach::Behind), "API server down", "the proxy says so itself");
        assert_eq!(title(&Error::decode("<html>"), Reach::Behind), "Not a Kubernetes answer");
        assert_eq!(title(&Error::decode("<html>"), Reach::Unknown), "Not a Kubernetes answer");
        assert_eq!(title(&Error::config("?source=odd"), Reach::Unknown), "Wrong address");
        let broken = Error::transport(TransportErrorKind::Interrupted, "gone");
        assert_eq!(title(&broken, Reach::Unknown), "Connection lost");
        assert_eq!(title(&Error::timeout("silent"), Reach::Unknown), "Nothing heard for too long");
    }

    #[test]
    fn a_server_that_forgot_or_is_busy_has_not_failed() {
        assert!(
            title(&Error::api(failure(410, "Expired", "old")), Reach::Unknown).starts_with("Catching up")
        );
        assert!(
            title(&Error::api(failure(429, "TooManyRequests", "later")), Reach::Unknown).contains("busy")
        );
        assert_eq!(
            title(&Error::api(failure(500, "InternalError", "x")), Reach::Unknown),
            "The server failed"
        );
    }

    #[test]
    fn a_server_that_asks_to_wait_says_how_long_and_a_redirect_is_no_outage() {
        let waits = |code, reason: &str| {
            let mut status = failure(code, reason, "later");
            status.details =
                Some(StatusDetails { retry_after_seconds: Some(30), ..StatusDetails::default() });
            Error::api(status)
        };
        let busy = waits(429, "TooManyRequests");
        assert!(title(&busy, Reach::Unknown).contains("asks to wait 30 s (429)"));
        let told = Trouble::of_server(busy.kind(), "later", "s", Reach::Answers);
        assert!(told.title.contains("asks to wait 30 s"), "{}", told.title);
        let starting = waits(503, "ServiceUnavailable");
        assert!(title(&starting, Reach::Answers).contains("asks to wait 30 s (503)"));
        assert_eq!(title(&starting, Reach::Behind), "API server down");
        let portal = Error::api(failure(302, "", "no Status"));
        for reach in [Reach::Unknown, Reach::Answers, Reach::Behind] {
            assert_eq!(title(&portal, reach), "Sent elsewhere (redirect)");
        }
        let told = Trouble::of_server(portal.kind(), "", "http://127.0.0.1:8001", Reach::Answers);
        assert!(told.advice.contains("http://127.0.0.1:8001/version"), "{}", told.advice);
    }

    #[test]
    fn a_wrong_address_is_told_how_to_write_it_and_no_retry_is_promised() {
        let error = Error::config("?source=bogus is neither `memory` nor `proxy`");
        let trouble = Trouble::of(error.kind(), &error.to_string(), "this page", Reach::Unknown);
        assert!(trouble.text.contains("?source=bogus"), "{}", trouble.text);
        assert!(trouble.advice.contains("?source=memory") && !trouble.advice.contains("by itself"));
    }

    #[test]
    fn an_address_without_an_api_is_told_from_a_kind_that_is_not_there() {
        let absent = Error::api(failure(404, "", "404 page not found"));
        assert!(Trouble::of(absent.kind(), "", "s", Reach::Unknown).title.contains("kind"));
        assert_eq!(Trouble::of_server(absent.kind(), "", "s", Reach::Unknown).title, "No API server here");
        let forbidden = Error::api(failure(403, "Forbidden", "no"));
        assert!(Trouble::of_server(forbidden.kind(), "", "s", Reach::Unknown).title.contains("403"));
    }

    #[test]
    fn the_command_for_a_proxy_has_its_port() {
        let gone = Error::transport(TransportErrorKind::Connect, "gone");
        let told = Trouble::of(gone.kind(), "", "http://127.0.0.1:8002", Reach::Nobody);
        assert_eq!(told.command, "kubectl proxy --port=8002 --www=FOLDER --www-prefix=/PATH/");
        let files = Error::api(failure(404, "", "404 page not found"));
        let told = Trouble::of_server(files.kind(), "", "http://127.0.0.1:8002", Reach::Unknown);
        assert!(!told.command.contains("--port"), "its port is taken: {}", told.command);
    }

    #[test]
    fn another_origin_is_asked_on_a_loopback_address_alone() {
        assert!(may_ask(Some("http"), Some("localhost")) && may_ask(Some("http"), Some("127.0.0.1")));
        for (scheme, host) in [("http", "evil.example"), ("https", "localhost"), ("http", "[::1]")] {
            assert!(!may_ask(Some(scheme), Some(host)), "{scheme}://{host}");
        }
    }

    #[test]
    fn only_a_server_of_files_is_taken_for_no_proxy() {
        for code in [404, 405] {
            assert!(serves_files_only(Error::api(failure(code, "", "no")).kind()), "{code}");
        }
        for code in [401, 403, 429, 500, 502, 503] {
            assert!(!serves_files_only(Error::api(failure(code, "", "no")).kind()), "{code}");
        }
        assert!(!serves_files_only(Error::decode("<html>").kind()), "a captive page");
        assert!(!serves_files_only(Error::transport(TransportErrorKind::Connect, "gone").kind()));
    }

    #[test]
    fn only_an_answering_server_refuses() {
        let forbidden = Error::api(failure(403, "Forbidden", "no"));
        assert!(Trouble::of(forbidden.kind(), "", "s", Reach::Unknown).refused);
        let broken = Error::transport(TransportErrorKind::Connect, "gone");
        assert!(!Trouble::of(broken.kind(), "", "s", Reach::Nobody).refused);
    }
}
