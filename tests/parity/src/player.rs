//! Who plays a scenario: client-go or Portolan, told the same.

use anyhow::Result;
use serde::Serialize;

use crate::client_go::ClientGoPlayer;
use crate::portolan_informer::Portolan;
use crate::trace::Trace;

/// What informer a scenario wants.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InformerOptions {
    /// The server's address.
    pub(crate) server: String,
    /// Of a real server: a bearer token, the file of its CA, and a kubeconfig with both.
    pub(crate) token: String,
    pub(crate) ca: String,
    pub(crate) kubeconfig: String,
    /// `typed`, `lazy` (which client-go plays as typed), `dynamic` or `metadata`.
    pub(crate) form: String,
    pub(crate) namespace: String,
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) watch_list: bool,
    pub(crate) resync_ms: u64,
    /// Whether each object is given an annotation that counts how often it was transformed.
    pub(crate) transform: bool,
}

impl Default for InformerOptions {
    fn default() -> Self {
        Self {
            server: String::new(),
            token: String::new(),
            ca: String::new(),
            kubeconfig: String::new(),
            form: "lazy".to_owned(),
            namespace: String::new(),
            label_selector: String::new(),
            field_selector: String::new(),
            watch_list: true,
            resync_ms: 0,
            transform: false,
        }
    }
}

/// What a user of an informer does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act<'a> {
    Run,
    Stop,
    AddHandler {
        name: &'a str,
        /// `None` is the informer's default.
        resync_ms: Option<u64>,
    },
    RemoveHandler(&'a str),
    /// Says so once the handler has synced.
    WaitForSync(&'a str),
    Check(&'a str),
}

/// One of the two.
pub(crate) enum Player {
    ClientGo(ClientGoPlayer),
    Portolan(Box<Portolan>),
}

impl Player {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ClientGo(_) => "client-go",
            Self::Portolan(_) => "portolan",
        }
    }

    /// Makes the informer.
    pub(crate) fn make(&mut self, options: &InformerOptions) -> Result<()> {
        match self {
            Self::ClientGo(player) => player.make(options),
            Self::Portolan(player) => player.make(options),
        }
    }

    /// Does something and waits until it is done.
    pub(crate) async fn act(&mut self, act: Act<'_>, trace: &Trace) -> Result<()> {
        let number = trace.next_act();
        match self {
            Self::ClientGo(player) => player.act(act, number)?,
            Self::Portolan(player) => player.act(act, number)?,
        }
        trace.saw(&format!("did {number}"), 1).await;
        Ok(())
    }
}
