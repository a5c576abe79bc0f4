//! [`Cluster`]: the handle of an API server in memory. It makes transports, and lets tests and demos look and seed
//! directly.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portolan::Error;
use portolan::client::Client;
use portolan::config::Config;
use portolan::meta::{GroupVersionResource, Key};
use portolan::time::Runtime;
use portolan::transport::Transport;
use serde_json::{Value, json};

use crate::change::{Mode, Part};
use crate::deletion::Deletion;
use crate::failure::Failure;
#[cfg(feature = "full")]
use crate::reactions::{Action, Reaction, Reactions, Recording};
use crate::resources::Resource;
use crate::server::Server;
use crate::store::State;
use crate::stored::{Stored, key};
use crate::value::{set, take, text};

/// How a cluster behaves. The defaults are those of a real server, where it has them.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// How many changes of each kind are remembered for watches and for lists at older versions. A watch that falls
    /// further behind is closed; one that asks for an older version gets 410. 2,000 by default.
    pub history: usize,
    /// How often a watch that allows bookmarks gets one. A minute by default.
    pub bookmark_interval: Duration,
    /// Whether a watch may ask for `sendInitialEvents`. Yes by default; without it the server answers 422, like one
    /// whose WatchList feature gate is off.
    pub watch_list: bool,
    /// The seed of identities, generated names and watch timeouts; by default the runtime's.
    pub seed: Option<u64>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { history: 2_000, bookmark_interval: Duration::from_secs(60), watch_list: true, seed: None }
    }
}

/// An API server in memory. Clones are the same cluster.
///
/// It begins with the namespaces `default`, `kube-system`, `kube-public` and `kube-node-lease`, and without nodes.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
}

/// What the handles, the transports and the open watches of one cluster share.
pub(crate) struct Shared {
    state: Mutex<State>,
    #[cfg(feature = "full")]
    reactions: Mutex<Reactions>,
    pub(crate) runtime: Runtime,
    pub(crate) options: ClusterOptions,
}

impl Shared {
    /// Runs `work` under the lock, and wakes whom it concerns once the lock is released.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let now = self.runtime.clock.unix_time();
        let (value, woken) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.now = now;
            let value = work(&mut state);
            (value, std::mem::take(&mut state.woken))
        };
        woken.into_iter().for_each(std::task::Waker::wake);
        value
    }

    /// Notes an action, if anybody wants to know, and gives the answer that a test has for it.
    #[cfg(feature = "full")]
    pub(crate) fn reaction(&self, action: impl FnOnce() -> Action) -> Result<Option<Value>, Error> {
        let (action, met) = {
            let mut reactions = self.reactions.lock().unwrap_or_else(PoisonError::into_inner);
            if !reactions.are_any() {
                return Ok(None);
            }
            let action = action();
            let met = reactions.meet(&action);
            (action, met)
        };
        met.iter().find_map(|reaction| reaction(&action)).transpose()
    }
}

impl Cluster {
    /// A cluster with the default options.
    pub fn new(runtime: Runtime) -> Self {
        Self::with_options(runtime, ClusterOptions::default())
    }

    /// A cluster with `options`.
    pub fn with_options(runtime: Runtime, options: ClusterOptions) -> Self {
        let seed = options.seed.unwrap_or(runtime.seed);
        let state = Mutex::new(State::new(seed, options.history));
        #[cfg_attr(
            target_family = "wasm",
            expect(
                clippy::arc_with_non_send_sync,
                reason = "an Arc on every target; on wasm there is one thread"
            )
        )]
        let cluster = Self {
            shared: Arc::new(Shared {
                state,
                #[cfg(feature = "full")]
                reactions: Mutex::default(),
                runtime,
                options,
            }),
        };
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            let created = cluster.create(namespace);
            debug_assert!(created.is_ok(), "the table serves namespaces");
        }
        cluster
    }

    /// A transport to this cluster. It answers at every host and port.
    pub fn transport(&self) -> Arc<dyn Transport> {
        #[cfg_attr(
            target_family = "wasm",
            expect(
                clippy::arc_with_non_send_sync,
                reason = "an Arc on every target; on wasm there is one thread"
            )
        )]
        let transport = Arc::new(Server::new(self.shared.clone()));
        transport
    }

    /// A client of this cluster, with its clock, spawner and seed, and no rate limit. For other settings make one of
    /// [`Cluster::transport`].
    pub fn client(&self) -> Client {
        // There is nobody to spare.
        let config = Config { rate_limit: None, ..Config::default() };
        Client::new(self.transport(), config, self.shared.runtime.clone())
    }

    /// The clock, spawner and seed it was made with.
    pub fn runtime(&self) -> &Runtime {
        &self.shared.runtime
    }

    /// Creates `object` as it is, its status and a uid or creationTimestamp of its own included, in its own namespace or
    /// `default`. Fails like the server does:
    /// unknown kind, missing namespace, a name that is taken or bad.
    pub fn create(&self, object: Value) -> Result<Value, Error> {
        self.shared.with(|state| {
            let (resource, stored) = create(state, object)?;
            Ok(stored.shown(&resource)?)
        })
    }

    /// [`Cluster::create`] for who does not want to see the object.
    pub(crate) fn plant(&self, object: Value) -> Result<(), Error> {
        self.shared.with(|state| create(state, object).map(drop)).map_err(Error::from)
    }

    /// Creates `object`, or puts it in the place of the one of its name, whatever its version. Spec and status both
    /// count. Nothing changes when it is the same.
    pub fn apply(&self, mut object: Value) -> Result<Value, Error> {
        self.shared.with(|state| {
            let resource = resource_of(state, &object)?;
            let namespace = namespace_of(&resource, &object);
            let key = key(&namespace, text(&object, "metadata.name"));
            let there = state.object(&resource.store, &key).map(|there| there.version.to_string());
            take(&mut object, "metadata.uid");
            let stored = match there {
                Some(version) => {
                    set(&mut object, "metadata.resourceVersion", version);
                    state.update(&resource, &key, SEED, |_| Ok(object))?
                }
                None => {
                    take(&mut object, "metadata.resourceVersion");
                    state.create(&resource, &namespace, object, SEED)?
                }
            };
            Ok(stored.shown(&resource)?)
        })
    }

    /// Changes the object at `key` in place. Fails when it is not there. Nobody else comes between: the cluster stands
    /// still meanwhile, and a `change` that asks it anything waits for ever.
    pub fn modify(
        &self,
        gvr: &GroupVersionResource,
        key: &Key,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, Error> {
        self.shared.with(|state| {
            let (resource, stored) = modify(state, gvr, key, change)?;
            Ok(stored.shown(&resource)?)
        })
    }

    /// [`Cluster::modify`] for who does not want to see the object.
    pub(crate) fn adjust(
        &self,
        gvr: &GroupVersionResource,
        key: &Key,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), Error> {
        self.shared.with(|state| modify(state, gvr, key, change).map(drop)).map_err(Error::from)
    }

    /// Deletes the object at `key`; finalizers hold it as they do on a server. Fails when it is not there.
    pub fn delete(&self, gvr: &GroupVersionResource, key: &Key) -> Result<(), Error> {
        self.shared.with(|state| {
            let resource = served(state, gvr)?;
            state.delete(&resource, key.as_str(), &Deletion::default())?;
            Ok(())
        })
    }

    /// The object at `key`.
    pub fn object(&self, gvr: &GroupVersionResource, key: &Key) -> Option<Value> {
        self.shared.with(|state| {
            let resource = served(state, gvr).ok()?;
            state.object(&resource.store, key.as_str())?.shown(&resource).ok()
        })
    }

    /// Whether there is an object at `key`.
    pub fn contains(&self, gvr: &GroupVersionResource, key: &Key) -> bool {
        self.shared.with(|state| {
            let resource = served(state, gvr);
            resource.is_ok_and(|resource| state.object(&resource.store, key.as_str()).is_some())
        })
    }

    /// All objects of a resource, in the order of a list; none when it is not served.
    pub fn objects(&self, gvr: &GroupVersionResource) -> Vec<Value> {
        self.shared.with(|state| {
            let Ok(resource) = served(state, gvr) else { return Vec::new() };
            let objects = state.objects(&resource.store, "");
            objects.filter_map(|object| object.shown(&resource).ok()).collect()
        })
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.shared.with(|state| state.version())
    }

    /// Forgets all changes so far, as etcd's compaction does: watches and chunked lists that ask for an older version get
    /// 410 from now on, and watches that have not read all changes are closed.
    pub fn compact(&self) {
        self.shared.with(State::compact);
    }

    /// Notes every request from now on, until the recording is dropped, but logs, exec and attach, which reactions do not
    /// see either. client-go's `Fake.Actions`.
    ///
    /// ```
    /// # use portolan::time::Simulator;
    /// # use portolan_memory::Cluster;
    /// # use serde_json::json;
    /// # let simulator = Simulator::new(1);
    /// use portolan::Error;
    /// use portolan::client::Client;
    /// use portolan::meta::{CreateOptions, GetOptions};
    /// use k8s_openapi::api::core::v1::ConfigMap;
    ///
    /// /// What is under test: makes sure that the settings are there.
    /// async fn ensure(client: &Client) -> Result<(), Error> {
    ///     let settings = client.core_v1().config_maps("default");
    ///     match settings.get("settings", &GetOptions::default()).await {
    ///         Err(error) if error.is_not_found() => {
    ///             let wanted: ConfigMap = serde_json::from_value(json!({ "metadata": { "name": "settings" } })).unwrap();
    ///             settings.create(&wanted, &CreateOptions::default()).await.map(drop)
    ///         }
    ///         other => other.map(drop),
    ///     }
    /// }
    ///
    /// let cluster = Cluster::new(simulator.runtime(1));
    /// let (recording, client) = (cluster.record(), cluster.client());
    /// # let test = async {
    /// ensure(&client).await?;
    /// ensure(&client).await?;
    /// # Ok::<_, Error>(())
    /// # };
    /// # simulator.run(std::time::Duration::from_secs(60), test).unwrap()?;
    /// assert_eq!(recording.writes(), ["create configmaps default"]);
    /// # Ok::<_, Error>(())
    /// ```
    #[cfg(feature = "full")]
    pub fn record(&self) -> Recording {
        self.shared.reactions.lock().unwrap_or_else(PoisonError::into_inner).record()
    }

    /// Lets `reaction` answer the requests of a verb and a resource (its plural, `pods` or `pods/status`); `*` is any. A
    /// reaction that gives `None` lets the request pass to the next one, the newest first, and at last to the cluster.
    /// An API error becomes the answer; any other error breaks the exchange off, as a lost connection would. A watch can
    /// only fail. Logs (`get`, `pods/log`) are answered with a text, commands (`get`, `pods/exec` or `pods/attach`) with
    /// the text they write or `{"stdout": …, "stderr": …, "exitCode": …}`. client-go's `Fake.PrependReactor`.
    ///
    /// ```
    /// # use portolan::time::Simulator;
    /// # use portolan_memory::Cluster;
    /// # let simulator = Simulator::new(1);
    /// use portolan::Error;
    /// use portolan::meta::DeleteOptions;
    /// use portolan::status::{failure, reason};
    ///
    /// let cluster = Cluster::new(simulator.runtime(1));
    /// cluster.react("delete", "pods", |pod| {
    ///     (pod.name == "precious").then(|| Err(Error::api(failure(403, reason::FORBIDDEN, "hands off"))))
    /// });
    /// let pods = cluster.client().core_v1().pods("default");
    /// # let test = async {
    /// assert!(pods.delete("precious", &DeleteOptions::default()).await.unwrap_err().is_forbidden());
    /// assert!(pods.delete("another", &DeleteOptions::default()).await.unwrap_err().is_not_found());
    /// # };
    /// # simulator.run(std::time::Duration::from_secs(60), test).unwrap();
    /// ```
    #[cfg(feature = "full")]
    pub fn react(&self, verb: &str, resource: &str, reaction: impl Reaction) {
        #[cfg_attr(
            target_family = "wasm",
            expect(
                clippy::arc_with_non_send_sync,
                reason = "an Arc on every target; on wasm there is one thread"
            )
        )]
        let reaction = Arc::new(reaction);
        let mut reactions = self.shared.reactions.lock().unwrap_or_else(PoisonError::into_inner);
        reactions.react(verb, resource, reaction);
    }

    /// How many watches are open.
    pub fn watchers(&self) -> usize {
        self.shared.with(|state| state.watchers())
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, watchers) = self.with(|state| (state.version(), state.watchers()));
        let mut debug = f.debug_struct("Cluster");
        debug.field("version", &version).field("watchers", &watchers).finish_non_exhaustive()
    }
}

/// Seeding sets spec and status at once.
const SEED: Mode<'_> = Mode { part: Part::Both, dry_run: false, manager: None };

type Kept = (Arc<Resource>, Arc<Stored>);

fn create(state: &mut State, object: Value) -> Result<Kept, Failure> {
    let resource = resource_of(state, &object)?;
    let namespace = namespace_of(&resource, &object);
    let stored = state.create(&resource, &namespace, object, SEED)?;
    Ok((resource, stored))
}

fn modify(
    state: &mut State,
    gvr: &GroupVersionResource,
    key: &Key,
    change: impl FnOnce(&mut Value),
) -> Result<Kept, Failure> {
    let resource = served(state, gvr)?;
    let stored = state.update(&resource, key.as_str(), SEED, |mut object| {
        change(&mut object);
        Ok(object)
    })?;
    Ok((resource, stored))
}

fn resource_of(state: &State, object: &Value) -> Result<Arc<Resource>, Failure> {
    let (api_version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    state.registry.by_kind(api_version, kind).cloned().ok_or_else(|| {
        Failure::bad_request(format!("no matches for kind {kind:?} in version {api_version:?}"))
    })
}

fn served(state: &State, gvr: &GroupVersionResource) -> Result<Arc<Resource>, Failure> {
    state.registry.by_resource(gvr).cloned().ok_or_else(Failure::no_resource)
}

fn namespace_of(resource: &Resource, object: &Value) -> String {
    match text(object, "metadata.namespace") {
        _ if !resource.namespaced => String::new(),
        "" => "default".to_owned(),
        namespace => namespace.to_owned(),
    }
}
