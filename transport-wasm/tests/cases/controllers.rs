//! A leader's controller, holding what only a page holds (an `Rc`), on the cluster in memory.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use portolan::Error;
use portolan::controller::{Controller, ElectionOptions, LeaderElector};
use portolan::informer::{FactoryOptions, Next, SharedInformerFactory};
use portolan::meta::{Key, Resource};
use portolan_memory::Cluster;
use portolan_wasm::browser::runtime;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn a_controller_runs_under_a_leader_and_stops() {
    let cluster = Cluster::new(runtime());
    let client = cluster.client();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}});
    cluster.create(pod).unwrap();
    let factory = SharedInformerFactory::new(&client, FactoryOptions::default());
    let pods = factory.informer::<Pod>();
    let (told, seen) = (Rc::new(RefCell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let counted = told.clone();
    let controller = Controller::filtered(&pods, move |_| {
        *counted.borrow_mut() += 1;
        true
    });
    let queue = controller.queue().clone();
    let mut elector =
        LeaderElector::new(&client, ElectionOptions::new("default", "tab", "this tab")).unwrap();
    let outcome = elector.run(async |leadership| {
        let reconcile = async |key: Key| {
            leadership.check()?;
            let there = pods.lister().get(&key).is_some();
            seen.borrow_mut().push(there);
            match seen.borrow().len() {
                1 => Ok::<_, Error>(Next::After(Duration::from_millis(20))),
                2 => cluster.delete(&Pod::api_resource().gvr(), &key).map(|()| Next::Forget),
                _ => {
                    queue.shut_down();
                    Ok(Next::Forget)
                }
            }
        };
        controller.run(2, reconcile).await
    });
    outcome.await.unwrap().unwrap();
    factory.shutdown();
    assert_eq!((*told.borrow(), &*seen.borrow()), (2, &vec![true, true, false]));
    assert!(!elector.leadership().is_held());
}
