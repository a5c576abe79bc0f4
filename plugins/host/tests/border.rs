//! Guest and host in one process, the bytes between them real: the contract, the scenario, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan::config::{Config, WatchOver};
use portolan::transport::Transport;
use portolan::{Error, ErrorKind, TransportErrorKind};
use portolan_conformance::peer::{AtPeer, Limits};
use portolan_conformance::{Outcome, run as run_clauses};
use portolan_host::{Guest, Host};
use portolan_memory::Cluster;
use portolan_native::{HyperTransport, runtime};
use portolan_peer::{Peer, nobody};
use portolan_plugins::{Options, run};

/// Runs `main` as a guest whose requests go over `transport`.
async fn host<F, Running>(transport: Arc<dyn Transport>, options: Options, main: F) -> Result<(), Error>
where
    F: FnOnce(Host) -> Running + Send + 'static,
    Running: Future<Output = Result<(), Error>> + Send + 'static,
{
    run(Guest::new(main), transport, &runtime().unwrap(), options).await
}

fn options(server: &str) -> Options {
    Options::new("test", server.parse().unwrap())
}

fn wire() -> Arc<HyperTransport> {
    Arc::new(HyperTransport::new(&Config::default()).unwrap())
}

#[tokio::test]
async fn the_contract_holds_across_the_border() {
    let peer = Peer::start(None).await.unwrap();
    let (address, nobody) = (peer.address(), nobody().unwrap());
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let told = outcomes.clone();
    let contract = |host: Host| async move {
        let subject = AtPeer {
            transport: Arc::new(host.transport()),
            asking: Arc::new(host.transport()),
            runtime: host.runtime(),
            address,
            nobody,
            patience: Duration::from_secs(30),
            limits: Limits::default(),
        };
        *told.lock().unwrap() = run_clauses(&subject).await;
        Ok(())
    };
    host(wire(), options("http://127.0.0.1"), contract).await.unwrap();
    let outcomes = outcomes.lock().unwrap();
    let failed: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Holds).collect();
    assert!(failed.is_empty() && outcomes.len() >= 18, "{failed:#?}");
    println!("{0} of {0} clauses hold", outcomes.len());
}

#[tokio::test]
async fn the_scenario_tells_what_it_tells_everywhere() {
    for watch_over in [WatchOver::Http, WatchOver::Socket] {
        let cluster = Cluster::new(runtime().unwrap());
        let server = cluster.client().config().server.clone();
        let options = Options { watch_over, ..Options::new("test", server) };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = lines.clone();
        let scenario = |host: Host| async move {
            *told.lock().unwrap() = portolan_scenario::play(&host.client()?).await?;
            Ok(())
        };
        host(cluster.transport(), options, scenario).await.unwrap();
        assert_eq!(*lines.lock().unwrap(), portolan_scenario::EXPECTED, "{watch_over:?}");
    }
}

#[tokio::test]
async fn a_guest_says_lines_and_reads_its_input_and_its_failure_is_told() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = lines.clone();
    let options = Options {
        input: b"in".to_vec(),
        say: Box::new(move |line| heard.lock().unwrap().push(line.to_owned())),
        ..options("http://server")
    };
    let error = host(wire(), options, |host| async move {
        host.say(String::from_utf8_lossy(host.input()));
        host.runtime().sleep(Duration::from_millis(1)).await;
        host.runtime().spawner.yield_now().await;
        Err(Error::config("enough"))
    })
    .await
    .unwrap_err();
    assert_eq!(*lines.lock().unwrap(), ["in"]);
    assert_eq!(error.to_string(), "the plugin \"test\" has failed: enough");
}

#[tokio::test]
async fn a_guest_that_waits_for_nothing_is_ended() {
    let error = host(wire(), options("http://server"), |_| std::future::pending()).await.unwrap_err();
    assert!(error.to_string().contains("it waits, and for nothing"), "{error}");
}

#[tokio::test]
async fn more_exchanges_than_allowed_are_refused() {
    let peer = Peer::start(None).await.unwrap();
    let address = peer.address();
    let options = Options { max_exchanges: 2, ..options(&address) };
    host(wire(), options, |host| async move {
        let stall = |id: u32| {
            let request = http::Request::get(format!("{address}/stall?id={id}"));
            let request = request.body(portolan::transport::Body::Empty).unwrap();
            let transport = host.transport();
            async move { transport.send(request).await }
        };
        let (first, _second) = (stall(1).await?, stall(2).await?);
        let refused = stall(3).await.unwrap_err();
        assert!(refused.is_too_many_requests(), "{refused}");
        drop(first);
        stall(4).await.map(drop)
    })
    .await
    .unwrap();
}

/// Answers in turn; the last answer is given first.
struct Answers(Vec<Vec<u8>>);

impl portolan_plugins::Module for Answers {
    fn turn(&mut self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.pop().unwrap_or_default())
    }
}

async fn answering(answers: &[&[u8]]) -> Result<(), Error> {
    // Each wants its next turn at once.
    let answers = answers.iter().rev().map(|commands| [&[0; 8], *commands].concat()).collect();
    run(Answers(answers), wire(), &runtime().unwrap(), options("http://server")).await
}

#[tokio::test]
async fn a_module_that_breaks_the_rules_of_the_border_is_ended() {
    let connect = [&[1, 1, 0, 0, 0][..], &[0; 12]].concat();
    let take = [2, 1, 0, 0, 0];
    let twice = [&take[..], &take].concat();
    let header = |number: u32| [&[4, 0, 0, 0][..], format!("x{number:03x}").as_bytes(), &[0; 4]].concat();
    let many_headers = [
        &[0, 1, 0, 0, 0][..],
        &[0; 8],
        &40_000u32.to_le_bytes(),
        &(0..40_000).flat_map(header).collect::<Vec<_>>(),
        &[0],
    ]
    .concat();
    for (answers, told) in [
        (&[&[99][..]][..], "malformed"),
        (&[&[6, 255, 255, 255, 255]], "malformed"),
        (&[&[&connect[..], &connect].concat()], "not greater than the last"),
        (&[&[&connect[..], &[5, 1, 0, 0, 0], &connect].concat()], "not greater than the last"),
        (&[&[5, 1, 0, 0, 0].repeat(10_001)], "too much at once"),
        (&[&many_headers], "malformed"),
        (&[&[&connect[..], &twice, &take].concat()], "before the last was through"),
        (&[], "malformed"),
    ] {
        let error = answering(answers).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Transport(TransportErrorKind::Protocol)), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    // To take from an exchange that is over is no fault: the guest may not have heard of its end.
    answering(&[&twice, &[7, 0]]).await.unwrap();
    // Lines are handed on as they are read, however many.
    answering(&[&[6, 0, 0, 0, 0].repeat(10_001), &[7, 0]]).await.unwrap();
}

/// Wants the same in every turn, under a new number, until it has had 1,000.
struct Asking(u32);

impl portolan_plugins::Module for Asking {
    fn turn(&mut self, _: &[u8]) -> Result<Vec<u8>, Error> {
        self.0 += 1;
        if self.0 == 1_000 {
            return Ok([&[255; 8][..], &[7, 0]].concat());
        }
        // No method and no address: refused at once.
        Ok([&[255; 8][..], &[0], &self.0.to_le_bytes(), &[0; 13]].concat())
    }
}

#[tokio::test]
async fn a_guest_whose_wishes_are_answered_at_once_leaves_others_their_turn() {
    let runtime = runtime().unwrap();
    let mut running = Box::pin(run(Asking(0), wire(), &runtime, options("http://server")));
    assert!(futures::poll!(&mut running).is_pending());
    running.await.unwrap();
}
