//! The native transport keeps the contract, and every broken transport is found out.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use portolan::config::{Config, Pem, Tls};
use portolan::transport::Transport;
use portolan_conformance::broken::{Broken, FLAWS};
use portolan_conformance::peer::{AtPeer, Limits};
use portolan_conformance::{CLAUSES, Outcome, run};
use portolan_native::{HyperTransport, runtime};
use portolan_peer::{Peer, nobody};

fn subject(
    peer: &Peer,
    spoil: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>,
    patience: Duration,
) -> AtPeer {
    let wire = || Arc::new(HyperTransport::new(&Config::default()).unwrap());
    AtPeer {
        transport: spoil(wire()),
        asking: wire(),
        runtime: runtime().unwrap(),
        address: peer.address(),
        nobody: nobody().unwrap(),
        patience,
        limits: Limits::default(),
    }
}

#[tokio::test]
async fn the_native_transport_keeps_every_clause() {
    let peer = Peer::start(None).await.unwrap();
    let subject = subject(&peer, |wire| wire, Duration::from_secs(30));
    let outcomes = run(&subject).await;
    let failed: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Holds).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    println!("{0} of {0} clauses hold", outcomes.len());
}

/// What HTTP/2 gives no occasion for: an answer that is not HTTP ends the connection, and WebSockets go over HTTP/1.1.
const NOT_OVER_HTTP2: [&str; 8] = [
    "an answer that is not HTTP is told",
    "a socket's messages come in order",
    "a socket's messages go in order",
    "a socket's subprotocol is told",
    "a socket that is closed ends",
    "a socket that breaks fails",
    "a socket that is refused says why",
    "dropping a socket ends the exchange",
];

#[tokio::test]
async fn the_native_transport_keeps_over_http2_every_clause_that_applies_there() {
    let (peer, authority) = Peer::start_http2().await.unwrap();
    let tls = Tls { certificate_authority: Some(Pem::Data(authority.into())), ..Tls::default() };
    let config = Config { tls, ..Config::new(&peer.address()).unwrap() };
    let wire = || Arc::new(HyperTransport::new(&config).unwrap());
    let limits = Limits { only_http2: true, ..Limits::default() };
    let subject = AtPeer {
        transport: wire(),
        asking: wire(),
        limits,
        ..subject(&peer, |wire| wire, Duration::from_secs(30))
    };
    let outcomes = run(&subject).await;
    for (name, outcome) in &outcomes {
        let expected = if NOT_OVER_HTTP2.contains(name) { Outcome::NotApplicable } else { Outcome::Holds };
        assert_eq!(*outcome, expected, "{name}");
    }
    println!("{} of {} clauses hold over HTTP/2", outcomes.len() - NOT_OVER_HTTP2.len(), outcomes.len());
}

#[tokio::test]
async fn every_flaw_is_found_out_by_its_clause() {
    let peer = Peer::start(None).await.unwrap();
    for (flaw, caught_by) in FLAWS {
        for name in *caught_by {
            let clause = CLAUSES.iter().find(|clause| clause.name == *name);
            let clause = clause.unwrap_or_else(|| panic!("{flaw:?} names {name:?}, which is no clause"));
            let spoil = |wire| Arc::new(Broken::new(wire, runtime().unwrap(), *flaw)) as Arc<dyn Transport>;
            let outcome = clause.check(&subject(&peer, spoil, Duration::from_secs(2))).await;
            println!("{flaw:?}: {name}: {outcome:?}");
            assert!(
                matches!(outcome, Outcome::Broken(_)),
                "{flaw:?} is not found out by {name:?}: {outcome:?}"
            );
        }
    }
}

#[test]
fn every_clause_has_a_broken_transport() {
    let bare: Vec<_> = CLAUSES
        .iter()
        .map(|clause| clause.name)
        .filter(|name| !FLAWS.iter().any(|(_, by)| by.contains(name)))
        .collect();
    assert!(bare.is_empty(), "no flaw breaks {bare:?}");
}
