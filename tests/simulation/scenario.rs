//! The informer scenario of every transport, on the API server in memory.

use std::time::Duration;

use portolan::client::Client;
use portolan::config::{Config, WatchOver};
use portolan::time::Simulator;
use portolan_memory::Cluster;

#[test]
fn the_memory_transport_tells_the_scenario() {
    for watch_over in [WatchOver::Http, WatchOver::Socket] {
        let simulator = Simulator::new(1);
        let runtime = simulator.runtime(1);
        let cluster = Cluster::new(runtime.clone());
        let config = Config { watch_over, rate_limit: None, ..Config::default() };
        let client = Client::new(cluster.transport(), config, runtime);
        let trace = simulator.run(Duration::from_secs(3600), portolan_scenario::play(&client)).unwrap();
        assert_eq!(trace.unwrap(), portolan_scenario::EXPECTED, "{watch_over:?}");
    }
}
