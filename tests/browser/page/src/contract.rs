//! The conformance suite on the browser's transport: the page comes from the scripted peer itself.
//!
//! Invariant: what a browser cannot tell is listed here, in [`Browser`], and nothing else is let through.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use http::Request;
use portolan::TransportErrorKind;
use portolan::time::Runtime;
use portolan::transport::Transport;
use portolan_conformance::broken::{Broken, FLAWS, Flaw};
use portolan_conformance::peer::{AtPeer, Limits};
use portolan_conformance::{CLAUSES, Clause, Outcome, Seen, Situation, Subject, contract_kinds};
use portolan_wasm::browser::{FetchTransport, Options, base_uri, runtime};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// Tries every clause; a line for each, "holds: …" where it does.
#[wasm_bindgen]
pub async fn clauses() -> Result<Vec<String>, JsError> {
    let subject = subject(None, Duration::from_secs(30))?;
    let mut lines = Vec::new();
    for clause in CLAUSES {
        lines.push(line(clause, &clause.check(&subject).await));
    }
    Ok(lines)
}

/// Tries every broken transport on each clause that must find it out; a line for each, "caught: …" where it does.
#[wasm_bindgen]
pub async fn flaws() -> Result<Vec<String>, JsError> {
    let mut lines = Vec::new();
    for (flaw, caught_by) in FLAWS {
        for clause in CLAUSES.iter().filter(|clause| caught_by.contains(&clause.name)) {
            let outcome = clause.check(&subject(Some(*flaw), Duration::from_secs(3))?).await;
            let caught = matches!(outcome, Outcome::Broken(_));
            let word = if caught { "caught" } else { "missed" };
            lines.push(format!("{word}: {flaw:?} by {:?}: {outcome:?}", clause.name));
        }
    }
    Ok(lines)
}

/// Opens a socket on which more arrives than `bytes` while nobody reads, then reads it; tells what came of it.
#[wasm_bindgen]
pub async fn overflow(bytes: usize) -> Result<String, JsError> {
    let mut options = Options::default();
    options.socket_buffer_bytes = bytes;
    let transport = FetchTransport::new(options);
    let address = base_uri()?;
    let request = Request::get(format!("{}socket/marks?id=overflow", address)).body(())?;
    let mut socket = transport.connect(request, &[]).await?;
    while transport.traffic().overflowed_sockets == 0 {
        runtime().sleep(Duration::from_millis(5)).await;
    }
    let mut read = 0;
    loop {
        match socket.next().await {
            Some(Ok(message)) => read += message.into_bytes().len(),
            Some(Err(error)) => {
                let over = socket.next().await.is_none();
                return Ok(format!(
                    "{} bytes were kept: {}; then {error}; over: {over}",
                    read,
                    read <= bytes
                ));
            }
            None => return Err(JsError::new("the socket ended without an error")),
        }
    }
}

/// Opens forty sockets at once where none is allowed; returns how many of them failed by a handshake, not by asking
/// first. Chromium makes a page wait whose handshakes fail.
#[wasm_bindgen]
pub async fn refused_handshakes() -> Result<u32, JsError> {
    let transport = FetchTransport::default();
    let address = format!("{}socket/forbidden?id=refused", base_uri()?);
    let connect = |_| {
        let request = Request::get(&address).body(());
        let transport = &transport;
        async move { Ok::<_, JsError>(transport.connect(request?, &[]).await) }
    };
    for outcome in join_all((0..40).map(connect)).await {
        if !outcome?.is_err_and(|error| error.is_forbidden()) {
            return Err(JsError::new("a socket was not refused as it should be"));
        }
    }
    Ok(u32::try_from(transport.traffic().failed_handshakes)?)
}

fn line(clause: &Clause, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Holds => format!("holds: {}", clause.name),
        Outcome::Broken(how) => format!("broken: {}: {how}", clause.name),
        Outcome::NotApplicable => format!("not applicable: {}", clause.name),
    }
}

fn subject(flaw: Option<Flaw>, patience: Duration) -> Result<Browser, JsError> {
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "a subject holds an Arc on every target; here is one thread"
    )]
    let wire = || Arc::new(FetchTransport::default()) as Arc<dyn Transport>;
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "a subject holds an Arc on every target; here is one thread"
    )]
    let transport = match flaw {
        Some(flaw) => Arc::new(Broken::new(wire(), runtime(), flaw)),
        None => wire(),
    };
    let address = base_uri()?;
    Ok(Browser(AtPeer {
        transport,
        asking: wire(),
        runtime: runtime(),
        address: address.to_string().trim_end_matches('/').to_owned(),
        nobody: NOBODY.to_owned(),
        patience,
        limits: Limits::default(),
    }))
}

/// The peer, as a browser sees it.
#[derive(Debug)]
struct Browser(AtPeer);

#[async_trait::async_trait(?Send)]
impl Subject for Browser {
    fn transport(&self) -> &dyn Transport {
        self.0.transport()
    }

    fn runtime(&self) -> &Runtime {
        self.0.runtime()
    }

    fn request(&self, situation: Situation, exchange: &str) -> Option<Request<()>> {
        self.0.request(situation, exchange)
    }

    async fn release(&self, exchange: &str) {
        self.0.release(exchange).await;
    }

    async fn seen(&self, exchange: &str) -> Option<Seen> {
        self.0.seen(exchange).await
    }

    /// A fetch that was not answered with HTTP looks like one that was not answered.
    fn right_kinds(&self, situation: Situation) -> &'static [TransportErrorKind] {
        match situation {
            Situation::Garbage => contract_kinds(Situation::Refused),
            _ => contract_kinds(situation),
        }
    }

    fn patience(&self) -> Duration {
        self.0.patience()
    }
}
