//! Remembering: client-go 0.37's cases of its memory and disk caches, and of its deferred mapper.

use serde_json::json;

use super::*;
use crate::client::discovery::{CachedDiscoveryClient, DeferredRestMapper};
use crate::error::ErrorKind;
use crate::meta::{GroupVersion, GroupVersionResource};
use crate::storage::{MemoryStorage, Storage};

const LIFETIME: Duration = Duration::from_secs(6 * 3600);

fn astronomy(resources: &str) -> Server {
    let server = Server::default();
    server.json("/api", &json!({ "versions": [] }));
    let version = json!({ "groupVersion": "astronomy/v8beta1", "version": "v8beta1" });
    let other = json!({ "groupVersion": "astronomy2/v8beta1", "version": "v8beta1" });
    server.json(
        "/apis",
        &json!({ "groups": [
        { "name": "astronomy", "versions": [version], "preferredVersion": version },
        { "name": "astronomy2", "versions": [other], "preferredVersion": other },
    ] }),
    );
    server.json("/apis/astronomy/v8beta1", &resource_list("astronomy/v8beta1", resources));
    server.json("/apis/astronomy2/v8beta1", &resource_list("astronomy2/v8beta1", "stars.Star"));
    server
}

async fn get(client: &CachedDiscoveryClient, text: &str) -> Result<Vec<String>, Error> {
    let group_version: GroupVersion = text.parse().unwrap();
    let version = client.server_resources_for_group_version(&group_version).await?;
    Ok(kinds(&version.resources))
}

/// TestClient of memcache_test.go.
#[test]
fn the_memory_asks_once_and_again_when_invalidated() {
    run(async |simulator| {
        let server = astronomy("dwarfplanets.DwarfPlanet");
        let client = CachedDiscoveryClient::new(server.client(simulator));
        assert!(!client.fresh().await);
        assert_eq!(client.server_groups().await.unwrap().groups[1].name, "astronomy");
        assert!(client.fresh().await);
        assert_eq!(get(&client, "astronomy/v8beta1").await.unwrap(), ["astronomy/v8beta1/DwarfPlanet"]);
        assert_eq!(server.paths().len(), 4);
        server.json("/apis/astronomy/v8beta1", &resource_list("astronomy/v8beta1", "comets.Comet"));
        assert_eq!(get(&client, "astronomy/v8beta1").await.unwrap(), ["astronomy/v8beta1/DwarfPlanet"]);
        assert!(server.paths().is_empty());
        client.invalidate().await;
        assert!(!client.fresh().await);
        assert_eq!(get(&client.clone(), "astronomy/v8beta1").await.unwrap(), ["astronomy/v8beta1/Comet"]);
        let unknown = get(&client, "astrology/v1").await.unwrap_err();
        assert!(unknown.is_no_match() && unknown.to_string().contains("astrology/v1"), "{unknown}");
    });
}

/// TestServerGroupsFails.
#[test]
fn a_failure_is_not_remembered() {
    run(async |simulator| {
        let server = astronomy("dwarfplanets.DwarfPlanet");
        server.fail("/apis", 1);
        let client = CachedDiscoveryClient::new(server.client(simulator));
        assert!(client.server_groups().await.is_err() && !client.fresh().await);
        assert!(client.server_groups().await.is_ok() && client.fresh().await);
    });
}

/// TestPartialPermanentFailure and TestPartialRetryableFailure.
#[test]
fn a_passing_failure_of_one_version_heals_and_a_lasting_one_stays() {
    for (status, passing) in [(403, false), (503, true), (429, true), (0, true)] {
        run(async |simulator| {
            let server = astronomy("dwarfplanets.DwarfPlanet");
            server.refuse("/apis/astronomy/v8beta1", status);
            let client = CachedDiscoveryClient::new(server.client(simulator));
            assert_eq!(get(&client, "astronomy2/v8beta1").await.unwrap(), ["astronomy2/v8beta1/Star"]);
            assert!(get(&client, "astronomy/v8beta1").await.is_err());
            server.json(
                "/apis/astronomy/v8beta1",
                &resource_list("astronomy/v8beta1", "dwarfplanets.DwarfPlanet"),
            );
            assert_eq!(get(&client, "astronomy/v8beta1").await.is_ok(), passing, "{status}");
            let known = client.server_groups_and_resources().await.unwrap();
            assert_eq!(known.failures.is_empty(), passing);
            server.asked();
            if passing {
                server.refuse("/apis/astronomy/v8beta1", 500);
                get(&client, "astronomy/v8beta1").await.unwrap();
                assert!(server.paths().is_empty(), "what has healed is remembered");
            } else {
                assert_eq!(get(&client, "astronomy/v8beta1").await.unwrap_err().code(), Some(403));
                client.invalidate().await;
                assert!(get(&client, "astronomy/v8beta1").await.is_ok());
            }
        });
    }
}

/// "… 1 stale GV at /apis" of TestAggregatedMemCacheGroupsAndMaybeResources.
#[test]
fn a_stale_version_is_told() {
    run(async |simulator| {
        let server = Server::aggregated(
            &["/v1 pods.Pod"],
            &["apps/v1 deployments.Deployment", "apps/v2! deployments.Deployment"],
        );
        let client = CachedDiscoveryClient::new(server.client(simulator));
        let known = client.server_groups_and_resources().await.unwrap();
        assert_eq!(
            known.warning().unwrap(),
            "unable to retrieve the complete list of server APIs: apps/v2: stale GroupVersion discovery: apps/v2"
        );
        assert_eq!(
            get(&client, "apps/v2").await.unwrap_err().to_string(),
            "apps/v2: stale GroupVersion discovery: apps/v2"
        );
        assert_eq!(server.paths().len(), 2);
    });
}

/// TestCachedDiscoveryClient_Fresh of cached_discovery_test.go.
#[test]
fn what_another_kept_is_used_and_not_fresh() {
    run(async |simulator| {
        let server = astronomy("dwarfplanets.DwarfPlanet");
        let storage = Arc::new(MemoryStorage::new(simulator.runtime(1).clock));
        let make = || CachedDiscoveryClient::new(server.client(simulator)).keep(storage.clone(), LIFETIME);
        let first = make();
        assert!(first.fresh().await, "after creation");
        first.server_groups().await.unwrap();
        first.server_groups_and_resources().await.unwrap();
        assert!(first.fresh().await && server.paths().len() == 4);
        first.server_groups_and_resources().await.unwrap();
        assert!(server.paths().is_empty());

        let second = make();
        let kept = second.server_groups_and_resources().await.unwrap();
        assert!(!second.fresh().await, "not with what another kept");
        assert!(server.paths().is_empty());
        let live = first.server_groups_and_resources().await.unwrap();
        assert_eq!(kept.groups, live.groups);

        second.invalidate().await;
        assert!(second.fresh().await, "after invalidation");
        second.server_groups_and_resources().await.unwrap();
        assert!(second.fresh().await && server.paths().len() == 4);
    });
}

/// TestNewCachedDiscoveryClient_TTL.
#[test]
fn what_is_kept_expires() {
    run(async |simulator| {
        let server = astronomy("dwarfplanets.DwarfPlanet");
        let storage = Arc::new(MemoryStorage::new(simulator.runtime(1).clock));
        let make = || CachedDiscoveryClient::new(server.client(simulator)).keep(storage.clone(), LIFETIME);
        let (first, clock) = (make(), simulator.runtime(1).clock);
        first.server_groups().await.unwrap();
        let second = make();
        clock.sleep_until(clock.now() + LIFETIME / 2).await;
        second.server_groups().await.unwrap();
        assert_eq!(server.paths().len(), 4);
        clock.sleep_until(clock.now() + LIFETIME / 2 + Duration::from_secs(1)).await;
        make().server_groups().await.unwrap();
        assert_eq!(server.paths().len(), 4, "by another");
        first.server_groups().await.unwrap();
        assert!(server.paths().is_empty(), "another has renewed it");
        second.invalidate().await;
        second.server_groups().await.unwrap();
        assert_eq!(server.paths().len(), 4);
    });
}

#[test]
fn what_is_kept_badly_is_as_good_as_nothing() {
    let keys = ["servergroups.json", "astronomy2/v8beta1/serverresources.json"];
    for key in keys {
        for bad in [
            "",
            "{",
            "{\"kind\":\"Status\"}",
            "{\"groups\":[]}",
            "{\"groups\":[{\"name\":\"a\",\"versions\":[{\"version\":\"../..\"}]}]}",
            "{\"groupVersion\":\"other/v1\"}",
            "\0\0",
        ] {
            run(async |simulator| {
                let server = astronomy("dwarfplanets.DwarfPlanet");
                let storage = Arc::new(MemoryStorage::new(simulator.runtime(1).clock));
                let make =
                    || CachedDiscoveryClient::new(server.client(simulator)).keep(storage.clone(), LIFETIME);
                make().server_groups().await.unwrap();
                storage.store(key, Bytes::from_static(bad.as_bytes())).await.unwrap();
                server.asked();
                let found = make().server_groups_and_resources().await.unwrap();
                assert_eq!(found.resources().count(), 2);
                assert_eq!(server.paths().len(), 4, "{key} {bad:?}");
                make().server_groups().await.unwrap();
                assert!(server.paths().is_empty(), "it is mended");
            });
        }
    }
}

/// A storage that keeps nothing.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Storage for Broken {
    async fn load(&self, _: &str) -> Option<crate::storage::Stored> {
        None
    }
    async fn store(&self, _: &str, _: Bytes) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "a disk that is full"))
    }
}

#[test]
fn a_storage_that_fails_costs_requests_and_nothing_else() {
    run(async |simulator| {
        let server = astronomy("dwarfplanets.DwarfPlanet");
        let client = CachedDiscoveryClient::new(server.client(simulator)).keep(Arc::new(Broken), LIFETIME);
        assert_eq!(get(&client, "astronomy/v8beta1").await.unwrap().len(), 1);
        client.server_groups().await.unwrap();
        assert_eq!(server.paths().len(), 4);
    });
}

/// TestDeferredDiscoveryRESTMapper_CacheMiss and TestKindForWithNewCRDs.
#[test]
fn a_deferred_mapper_asks_once_more_when_what_it_knows_is_old() {
    run(async |simulator| {
        let server = astronomy("dwarfplanets.DwarfPlanet");
        let storage = Arc::new(MemoryStorage::new(simulator.runtime(1).clock));
        let make = || CachedDiscoveryClient::new(server.client(simulator)).keep(storage.clone(), LIFETIME);
        make().server_groups().await.unwrap();
        server.json("/apis/astronomy/v8beta1", &resource_list("astronomy/v8beta1", "comets.Comet"));
        server.asked();

        let mapper = DeferredRestMapper::new(make());
        assert!(server.paths().is_empty(), "nothing is asked before the first question");
        let comets = mapper.find(|known| known.mapping_for("comets")).await.unwrap();
        assert_eq!((&*comets.kind, server.paths().len()), ("Comet", 4));
        let error = mapper.find(|known| known.mapping_for("moons")).await.unwrap_err();
        assert_eq!(error.to_string(), "the server doesn't have a resource type \"moons\"");
        assert!(server.paths().is_empty(), "what it knows is fresh");
        let stars = GroupVersionResource { group: "".into(), version: "".into(), resource: "star".into() };
        assert_eq!(mapper.find(|known| known.kind_for(&stars)).await.unwrap().kind, "Star");
        mapper.reset().await;
        mapper.mapper().await.unwrap();
        assert_eq!(server.paths().len(), 4);
    });
}
