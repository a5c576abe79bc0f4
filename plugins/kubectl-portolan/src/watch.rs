//! `watch`: the server's own table of a resource, kept current by a watch of tables.
//!
//! Invariant: what is shown is what the server said last; while it says nothing because the connection is gone, the sheet
//! says so.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use portolan::Error;
use portolan::client::{Api, Client, Table, TableOptions, TableRow};
use portolan::meta::{ApiResource, FieldSelector, LabelSelector, ListOptions, ResourceVersion, WatchOptions};
use portolan::object::Unstructured;
use portolan::rest::{Watch, WatchEvent};
use serde_json::Value;

use crate::sheet::{Row, Sheet, plain};

/// So long to wait before asking again after a failure.
const PAUSE: Duration = Duration::from_secs(2);

/// A sheet now, and after every change.
pub(crate) fn sheets(
    client: &Client,
    resource: &ApiResource,
    namespace: &str,
    name: Option<&str>,
    label_selector: LabelSelector,
) -> BoxStream<'static, Result<Sheet, Error>> {
    let api: Api<Unstructured> = client.resource(resource, namespace);
    let place = match (resource.namespaced, namespace) {
        (false, _) => String::new(),
        (true, "") => " in all namespaces".to_owned(),
        (true, namespace) => format!(" in {namespace}"),
    };
    let live = Live {
        api,
        label_selector,
        field_selector: name.map(|name| FieldSelector::equals("metadata.name", name)).unwrap_or_default(),
        shows_namespace: resource.namespaced && namespace.is_empty(),
        title: format!("{}{place}", resource.plural),
        state: State::Unlisted,
        table: Table::default(),
        rows: BTreeMap::new(),
        stale: None,
        pauses: false,
    };
    stream::try_unfold(live, |mut live| async move {
        live.step().await?;
        Ok(Some((live.sheet(), live)))
    })
    .boxed()
}

struct Live {
    api: Api<Unstructured>,
    label_selector: LabelSelector,
    field_selector: FieldSelector,
    shows_namespace: bool,
    title: String,
    state: State,
    /// Its columns.
    table: Table,
    rows: BTreeMap<(String, String), TableRow>,
    stale: Option<String>,
    /// Waits a little before it asks again.
    pauses: bool,
}

enum State {
    Unlisted,
    Listed(ResourceVersion),
    Watching(Watch<Table>),
}

impl Live {
    /// Waits until there is something new to show. What fails at the very first is an error; later it is waited out.
    async fn step(&mut self) -> Result<(), Error> {
        loop {
            if std::mem::take(&mut self.pauses) {
                self.api.runtime().sleep(PAUSE).await;
            }
            let is_first = self.table.column_definitions.is_empty();
            match self.advance().await {
                Ok(true) => {
                    self.stale = None;
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) if is_first => return Err(error),
                Err(error) => {
                    self.begin_anew();
                    self.stale = Some(error.to_string());
                    return Ok(());
                }
            }
        }
    }

    fn begin_anew(&mut self) {
        self.state = State::Unlisted;
        self.pauses = true;
    }

    /// One thing more; whether there is something to show.
    async fn advance(&mut self) -> Result<bool, Error> {
        match &mut self.state {
            State::Unlisted => {
                let options = ListOptions {
                    label_selector: self.label_selector.clone(),
                    field_selector: self.field_selector.clone(),
                    ..ListOptions::default()
                };
                let table = self.api.list_table(&options, &TableOptions::default()).await?;
                self.state =
                    State::Listed(table.metadata.resource_version.clone().unwrap_or_default().into());
                self.rows = table.rows.iter().cloned().map(|row| (key(&row), row)).collect();
                self.table = Table { rows: Vec::new(), ..table };
                Ok(true)
            }
            State::Listed(version) => {
                let options = WatchOptions {
                    label_selector: self.label_selector.clone(),
                    field_selector: self.field_selector.clone(),
                    resource_version: version.clone(),
                    ..WatchOptions::default()
                };
                self.state = State::Watching(self.api.watch_table(&options, &TableOptions::default()).await?);
                Ok(false)
            }
            State::Watching(watch) => match watch.next().await.transpose()? {
                // The server ends a watch now and then: what has happened since is in a list.
                None => {
                    self.begin_anew();
                    Ok(false)
                }
                Some(event) => Ok(self.apply(event)),
            },
        }
    }

    fn apply(&mut self, event: WatchEvent<Table>) -> bool {
        match event {
            WatchEvent::Added(table) | WatchEvent::Modified(table) => {
                self.rows.extend(table.rows.into_iter().map(|row| (key(&row), row)));
            }
            WatchEvent::Deleted(table) => table.rows.iter().for_each(|row| drop(self.rows.remove(&key(row)))),
            WatchEvent::Bookmark(_) => return false,
        }
        true
    }

    fn sheet(&self) -> Sheet {
        let shown: Vec<usize> = (0..self.table.column_definitions.len())
            .filter(|&index| self.table.column_definitions[index].priority == 0)
            .collect();
        let names =
            shown.iter().map(|&index| plain(&self.table.column_definitions[index].name).to_uppercase());
        let namespace = |text: &str| self.shows_namespace.then(|| plain(text));
        let rows = self.rows.iter().map(|((place, name), row)| Row {
            key: format!("{place}/{name}").trim_start_matches('/').to_owned(),
            cells: namespace(place)
                .into_iter()
                .chain(shown.iter().map(|&index| row.cells.get(index).map(text).unwrap_or_default()))
                .collect(),
        });
        Sheet {
            title: self.title.clone(),
            columns: namespace("NAMESPACE").into_iter().chain(names).collect(),
            rows: rows.collect(),
            stale: self.stale.clone(),
        }
    }
}

/// Namespace and name.
fn key(row: &TableRow) -> (String, String) {
    let metadata = row.object.as_ref().and_then(|object| object.metadata().ok()).unwrap_or_default();
    (metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default())
}

fn text(cell: &Value) -> String {
    match cell {
        Value::String(text) => plain(text),
        Value::Null => String::new(),
        other => plain(&other.to_string()),
    }
}
