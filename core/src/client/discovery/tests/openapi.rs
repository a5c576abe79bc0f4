//! OpenAPI documents: the index, addresses with and without a prefix, and what is not asked for again.

use serde_json::json;

use super::*;
use crate::storage::MemoryStorage;

fn server() -> Server {
    let server = Server::default();
    server.json(
        "/openapi/v3",
        &json!({ "paths": {
        "api/v1": { "serverRelativeURL": "/openapi/v3/api/v1?hash=A1%2B" },
        "apis/apps/v1": { "serverRelativeURL": "/openapi/v3/apis/apps/v1?hash=B2" },
    } }),
    );
    server.json("/openapi/v3/api/v1", &json!({ "openapi": "3.0.0", "info": { "title": "core" } }));
    server.json("/openapi/v3/apis/apps/v1", &json!({ "openapi": "3.0.0" }));
    server
}

/// TestGetOpenAPISchemaV3, TestOpenAPIMemCache and TestOpenAPIDiskCache: an address with its hash is asked for once, while it is fresh.
#[test]
fn a_document_of_the_same_hash_is_asked_for_once() {
    run(async |simulator| {
        let server = server();
        let path = "/openapi/v3/api/v1";
        let now = jiff::Timestamp::new(simulator.runtime(1).clock.unix_time().as_secs() as i64, 0).unwrap();
        let date = |at: jiff::Timestamp| {
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap()
        };
        let later = now + jiff::SignedDuration::from_hours(24);
        for (name, value) in
            [("date", date(now)), ("expires", date(later)), ("cache-control", "public, immutable".to_owned())]
        {
            server.header(path, name, &value);
        }
        let client = server.client(simulator);
        let index = client.open_api_v3().await.unwrap();
        assert_eq!(index.paths.keys().collect::<Vec<_>>(), ["api/v1", "apis/apps/v1"]);
        let core = &index.paths["api/v1"];
        assert_eq!(core.schema().await.unwrap()["info"]["title"], "core");
        let asked = server.asked();
        assert_eq!(asked[1].address, "/openapi/v3/api/v1?hash=A1%2B&timeout=32s");
        core.schema().await.unwrap();
        client.open_api_v3().await.unwrap().paths["api/v1"].schema().await.unwrap();
        assert_eq!(server.paths(), ["/openapi/v3"], "the document is fresh");
        let clock = simulator.runtime(1).clock;
        clock.sleep_until(clock.now() + Duration::from_secs(25 * 3600)).await;
        core.schema().await.unwrap();
        assert_eq!(server.paths(), ["/openapi/v3/api/v1"], "the document has expired");
    });
}

#[test]
fn a_new_hash_takes_the_place_of_the_old_one() {
    run(async |simulator| {
        let (server, path) = (Server::default(), "/openapi/v3/apis/e.com/v1");
        server.json(path, &json!({ "openapi": "3.0.0" }));
        server.header(path, "etag", "\"same\"");
        let rest = RestClient::new(Arc::new(server.clone()), Config::default(), simulator.runtime(1));
        let storage = Arc::new(MemoryStorage::new(simulator.runtime(1).clock));
        let client = DiscoveryClient::with_storage(&rest, storage.clone());
        for hash in ["A", "B", "C", "C"] {
            let url = format!("{path}?hash={hash}");
            server
                .json("/openapi/v3", &json!({ "paths": { "apis/e.com/v1": { "serverRelativeURL": url } } }));
            client.open_api_v3().await.unwrap().paths["apis/e.com/v1"].schema().await.unwrap();
        }
        let asked: Vec<u16> = server.asked().iter().map(|asked| asked.status).collect();
        assert_eq!(asked, [200, 200, 200, 200, 200, 200, 200, 304], "the newest is kept");
        assert_eq!(format!("{storage:?}"), "MemoryStorage(1 kept)");
    });
}

#[test]
fn addresses_below_a_prefix_and_of_the_servers_own() {
    run(async |simulator| {
        let server = Server::default();
        server.json(
            "/prefix/openapi/v3",
            &json!({ "paths": {
            "a": { "serverRelativeURL": "/prefix/openapi/v3/a" },
            "b": { "serverRelativeURL": "/openapi/v3/b" },
            "c": { "serverRelativeURL": "/elsewhere/c" },
        } }),
        );
        let config = Config::new("http://host/prefix").unwrap();
        let rest = RestClient::new(Arc::new(server.clone()), config, simulator.runtime(1));
        let rest = rest.with_rate_limit(Some(RateLimit { qps: 1.0, burst: 1 }));
        let started = simulator.runtime(1).clock.now();
        let index = DiscoveryClient::new(&rest).open_api_v3().await.unwrap();
        server.asked();
        for document in index.paths.values() {
            assert!(document.bytes("application/json").await.unwrap_err().is_not_found());
        }
        assert_eq!(server.paths(), ["/prefix/openapi/v3/a", "/prefix/openapi/v3/b", "/elsewhere/c"]);
        let took = simulator.runtime(1).clock.now() - started;
        assert_eq!(took, Duration::from_secs(3), "all are held back by one limit");
    });
}

#[test]
fn other_media_types_and_hostile_documents() {
    run(async |simulator| {
        let server = server();
        let protobuf = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";
        server.put("/openapi/v3/api/v1", protobuf, vec![1, 2, 3]);
        let client = server.client(simulator);
        let index = client.open_api_v3().await.unwrap();
        assert_eq!(&index.paths["api/v1"].bytes(protobuf).await.unwrap()[..], [1, 2, 3]);
        assert!(index.paths["api/v1"].schema().await.is_err());
        for body in ["{\"paths\": 1}", "{\"paths\": {\"a\": {}}}", "<html>"] {
            server.put("/openapi/v3", "application/json", body);
            assert!(client.open_api_v3().await.unwrap_err().to_string().starts_with("get /openapi/v3: "));
        }
        assert!(client.open_api_v2().await.unwrap_err().is_not_found());
        server.json("/openapi/v2", &json!({ "swagger": "2.0" }));
        assert_eq!(client.open_api_v2().await.unwrap()["swagger"], "2.0");
    });
}
