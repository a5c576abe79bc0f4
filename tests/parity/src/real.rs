//! Scenarios on a real API server: one namespace, one writer, and for each player a line of its own to the same server.
//!
//! Both are told by the same objects at the same versions, so their traces compare word for word; how far a store has
//! come is left out, for bookmarks come when they come.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use portolan::client::{Api, Client};
use portolan::meta::{ApiResource, CreateOptions, DeleteOptions, Object, Patch, PatchOptions};
use portolan::object::Unstructured;
use portolan_native::{ConfigOptions, client_for, load_config};
use portolan_tests::{Cluster, ClusterOptions, FaultProxy, Line};
use serde_json::{Value, json};

use crate::client_go::ClientGo;
use crate::player::{Act, InformerOptions, Player};
use crate::portolan_informer::Portolan;
use crate::script::Scenario;
use crate::trace::Trace;

/// So long one step may take: a relist after a long backoff, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The real server.
pub(crate) struct Real {
    cluster: Cluster,
    address: SocketAddr,
    direct: Client,
}

impl Real {
    pub(crate) fn start() -> Result<Self> {
        let options =
            ClusterOptions { without_watch_cache: vec!["configmaps".into()], ..ClusterOptions::default() };
        let cluster = Cluster::start(&options)?;
        let server = cluster.facts().server.strip_prefix("https://").context("an https server")?;
        let address = server.parse()?;
        let kubeconfig = Some(cluster.facts().kubeconfig.clone());
        let direct = client_for(load_config(&ConfigOptions { kubeconfig, ..Default::default() })?)?;
        Ok(Self { cluster, address, direct })
    }

    /// Plays a scenario to both at once.
    pub(crate) async fn judge(
        &self,
        scenario: &Scenario,
        number: usize,
        client_go: &ClientGo,
    ) -> Result<usize> {
        let namespace = format!("parity-{number}");
        self.cluster.kubectl(&["create", "namespace", &namespace])?;
        let (theirs, ours) = (Trace::default(), Trace::default());
        let theirs_player = Player::ClientGo(client_go.player(&scenario.name, theirs.clone()));
        let players = [(theirs_player, theirs.clone()), {
            (Player::Portolan(Box::new(Portolan::new(ours.clone()))), ours.clone())
        }];
        let mut stage = Stage::new(self, scenario, &namespace, players)?;
        let shown = || format!("client-go:\n{theirs}\nPortolan:\n{ours}");
        for step in &scenario.steps {
            let done = tokio::time::timeout(PATIENCE, stage.step(&step.text)).await;
            let done = done.with_context(|| format!("not within {PATIENCE:?}"))?;
            done.with_context(|| format!("{}\n{}", step.text, shown()))?;
        }
        match theirs.without_store_versions().difference(&ours.without_store_versions()) {
            Some(difference) => bail!("{difference}\n{}", shown()),
            None => ours.notices_spoiled(),
        }
    }
}

struct Stage<'a> {
    real: &'a Real,
    namespace: String,
    api: Api<Unstructured>,
    players: [(Player, Trace); 2],
    lines: Vec<FaultProxy>,
    handlers: Vec<String>,
    /// How a call about the last write begins, behind the handler's name.
    last: String,
}

impl<'a> Stage<'a> {
    fn new(
        real: &'a Real,
        scenario: &Scenario,
        namespace: &str,
        mut players: [(Player, Trace); 2],
    ) -> Result<Self> {
        let facts = real.cluster.facts();
        let mut lines = Vec::new();
        for (player, _) in &mut players {
            let line = FaultProxy::start(real.address, 1)?;
            player.make(&InformerOptions {
                server: format!("https://{}", line.address()),
                token: facts.token.clone(),
                ca: facts.ca_file.to_string_lossy().into_owned(),
                kubeconfig: facts.kubeconfig.to_string_lossy().into_owned(),
                namespace: namespace.to_owned(),
                ..scenario.options.clone()
            })?;
            lines.push(line);
        }
        let resource = ApiResource::new("v1", "ConfigMap", "configmaps", true)?;
        let api = real.direct.resource(&resource, namespace);
        Ok(Self {
            real,
            namespace: namespace.to_owned(),
            api,
            players,
            lines,
            handlers: Vec::new(),
            last: String::new(),
        })
    }

    async fn step(&mut self, text: &str) -> Result<()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let set = |line: Line| self.lines.iter().for_each(|proxy| proxy.set(line));
        match words.as_slice() {
            ["run"] => self.act(Act::Run).await?,
            ["handler", name] => {
                self.handlers.push((*name).to_owned());
                self.act(Act::AddHandler { name, resync_ms: None }).await?;
            }
            ["check", name] => {
                self.act(Act::Check(name)).await?;
                self.each_began(&format!("check {name} ")).await;
            }
            ["synced", name] => {
                self.act(Act::WaitForSync(name)).await?;
                self.each_began(&format!("synced {name}")).await;
            }
            ["seen"] => {
                for (_, trace) in &self.players {
                    for handler in &self.handlers {
                        trace.told(handler, &self.last).await;
                    }
                }
            }
            ["sleep", milliseconds] => tokio::time::sleep(Duration::from_millis(milliseconds.parse()?)).await,
            ["cut"] => self.lines.iter().for_each(FaultProxy::cut),
            ["closed"] => set(Line::Closed),
            ["stalled"] => set(Line::Stalled),
            ["good"] => set(Line::Good),
            ["compact"] => drop(self.real.cluster.compact()?),
            ["down"] => self.real.cluster.stop_apiserver()?,
            ["up"] => self.real.cluster.start_apiserver()?,
            [write @ ("create" | "update" | "delete" | "label"), name, label @ ..] => {
                self.write(write, name, label.first().copied().unwrap_or_default()).await?;
            }
            _ => bail!("no such step on a real server"),
        }
        Ok(())
    }

    async fn act(&mut self, act: Act<'_>) -> Result<()> {
        for (player, trace) in &mut self.players {
            player.act(act, trace).await?;
        }
        Ok(())
    }

    async fn each_began(&self, start: &str) {
        for (_, trace) in &self.players {
            trace.began(start).await;
        }
    }

    async fn write(&mut self, write: &str, name: &str, label: &str) -> Result<()> {
        let labels = if label.is_empty() { json!({}) } else { json!({ "label": label }) };
        let written = match write {
            "create" => {
                let object: Unstructured = serde_json::from_value(json!({
                    "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "labels": labels },
                }))?;
                self.api.create(&object, &CreateOptions::default()).await?
            }
            "delete" => {
                self.api.delete(name, &DeleteOptions::default()).await?;
                self.last = format!("delete {}/{name}@", self.namespace);
                return Ok(());
            }
            _ => {
                let data: Value = json!({ "data": { "at": self.last }, "metadata": { "labels": labels } });
                self.api.patch(name, &Patch::Merge(data), &PatchOptions::default()).await?
            }
        };
        self.last = format!("{}@{}", written.key(), written.meta().resource_version);
        Ok(())
    }
}
