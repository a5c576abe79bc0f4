//! Leader election that the control plane decides.

use std::future::pending;
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::join;
use k8s_openapi::api::coordination::v1::Lease;
use portolan::config::WatchOver;
use portolan::controller::{Coordinated, ElectionOptions, LeaderElector};
use portolan::meta::GetOptions;
use portolan_tests::{Cluster, ClusterOptions};

use crate::native::{client, in_time};

/// The newer leads as long as it is alone; the older is to lead, by the strategy, and does once it stands.
#[tokio::test(flavor = "multi_thread")]
async fn the_control_plane_chooses_the_leader_and_ends_its_term() {
    let feature_gates = vec!["CoordinatedLeaderElection=true".to_owned()];
    let options = ClusterOptions { all_apis: true, feature_gates, ..ClusterOptions::default() };
    let cluster = Cluster::start(&options).unwrap();
    let client = client(&cluster, WatchOver::Http);
    let elector = |name: &str, version: &str| {
        let options = ElectionOptions {
            lease_duration: Duration::from_secs(3),
            renew_deadline: Duration::from_secs(2),
            retry_period: Duration::from_millis(500),
            coordinated: Some(Coordinated::new(version)),
            ..ElectionOptions::new("default", "lock", name)
        };
        LeaderElector::new(&client, options).unwrap()
    };
    let (leads, led) = oneshot::channel();
    let newer = async {
        let lead = async |_| {
            leads.send(()).unwrap();
            pending::<()>().await;
        };
        elector("newer", "1.2.0").run(lead).await.unwrap_err().to_string()
    };
    let older = async {
        led.await.unwrap();
        elector("older", "1.1.0")
            .run(async |_| client.api::<Lease>("default").get("lock", &GetOptions::default()).await)
            .await
            .unwrap()
            .unwrap()
    };
    let (lost, lease) = in_time("the older leads", join(newer, older)).await;
    assert!(lost.contains("its term has ended"), "{lost}");
    let spec = lease.spec.unwrap();
    assert_eq!(spec.holder_identity.as_deref(), Some("older"));
    assert_eq!(spec.strategy.as_deref(), Some("OldestEmulationVersion"), "it keeps what was chosen");
}
