//! The calls on pods that last: logs, exec, attach, port-forward. client-go's `GetLogs` of the typed client,
//! `tools/remotecommand` and `tools/portforward`.

use bytes::Bytes;
use futures::Stream;
use http::Method;

use super::Api;
use crate::error::Error;
use crate::meta::{GetOptions, Object};
use crate::object::Unstructured;
use crate::portable::BoxFuture;
use crate::stream::{
    Archive, AttachOptions, ExecOptions, LogOptions, Logs, MergedLogs, PortStream, RemoteProcess, archive,
};

/// Objects whose containers have logs: pods.
pub trait HasLog: Object {}

/// Objects in whose containers commands can be run: pods.
pub trait HasExec: Object {}

/// Objects to whose containers one can be attached: pods.
pub trait HasAttach: Object {}

/// Objects whose ports can be connected to: pods.
pub trait HasPortForward: Object {}

impl<K: HasLog> Api<K> {
    /// The logs of one container of the pod, as they come. With `follow` the server answers no sooner than there is
    /// something to tell. client-go's `GetLogs`.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use portolan::stream::LogOptions;
    /// # async fn show(client: portolan::client::Client) -> Result<(), portolan::Error> {
    /// let options = LogOptions { follow: true, tail_lines: Some(10), ..Default::default() };
    /// let mut lines = client.core_v1().pods("default").logs("web", &options).await?.lines();
    /// while let Some(line) = lines.next().await {
    ///     println!("{}", line?.text());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn logs(&self, name: &str, options: &LogOptions) -> Result<Logs, Error> {
        Logs::open(self.below("log").one(Method::GET, name), options).await
    }

    /// The logs of all containers of the pod, the ones for setting up first; `options.container` is not looked at. With
    /// `follow` their lines come as they are written, otherwise one container after the other. A container that has no
    /// logs to give, for it has not started, is told in its place. `kubectl logs --all-containers`.
    pub async fn logs_of_all(&self, name: &str, options: &LogOptions) -> Result<MergedLogs, Error> {
        let pod = self.retyped::<Unstructured>().get(name, &GetOptions::default()).await?;
        let containers: Vec<String> = ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .filter_map(|kind| pod.get(format!("spec.{kind}"))?.as_array())
            .flatten()
            .filter_map(|container| container.get("name")?.as_str().map(str::to_owned))
            .collect();
        let opening = |container: String| -> (String, BoxFuture<'static, Result<Logs, Error>>) {
            let one = LogOptions { container: Some(container.clone()), ..options.clone() };
            let (pods, name) = (self.clone(), name.to_owned());
            (container, Box::pin(async move { pods.logs(&name, &one).await }))
        };
        Ok(MergedLogs::new(name, containers.into_iter().map(opening).collect(), options.follow))
    }
}

impl<K: HasExec> Api<K> {
    /// Runs `command`, its name and arguments, in a container of the pod. client-go's
    /// `remotecommand.NewWebSocketExecutor`.
    ///
    /// A pod or container that is not there, or no right to do this, is told at once. What the node finds out later (there
    /// is no such program, the node cannot be reached) is told by the output's end.
    ///
    /// ```
    /// use portolan::stream::ExecOptions;
    /// # async fn show(client: portolan::client::Client) -> Result<(), portolan::Error> {
    /// let pods = client.core_v1().pods("default");
    /// let process = pods.exec("web", ["cat", "/etc/hostname"], &ExecOptions::default()).await?;
    /// let hostname = process.collect(1 << 20).await?;
    /// assert_eq!(hostname.exit_code, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn exec(
        &self,
        name: &str,
        command: impl IntoIterator<Item = impl Into<String>>,
        options: &ExecOptions,
    ) -> Result<RemoteProcess, Error> {
        let request = self.below("exec").one(Method::GET, name);
        let request = command.into_iter().fold(request, |request, word| request.param("command", word));
        RemoteProcess::open(request, options).await
    }

    /// The file or folder `name` in `folder` of a container of the pod, as a tar archive whose entries are `./name` and what
    /// is below it. The container needs a `tar`; of several containers name one. Natively
    /// `portolan_native::copy_from_pod` makes files of it. What `kubectl cp POD:FOLDER/NAME` runs.
    pub async fn pack(
        &self,
        pod: &str,
        container: Option<&str>,
        folder: &str,
        name: &str,
    ) -> Result<Archive, Error> {
        let options = ExecOptions { container: container.map(str::to_owned), ..ExecOptions::default() };
        let command = ["tar", "cf", "-", "-C", &archive::no_option(folder), &format!("./{name}")];
        Ok(Archive::new(self.exec(pod, command, &options).await?.output))
    }

    /// Unpacks a tar archive in `folder` of a container of the pod, which needs a `tar`; of several containers name one.
    /// Natively `portolan_native::copy_to_pod` makes the archive of files. What `kubectl cp FILE POD:FOLDER` runs.
    pub async fn unpack(
        &self,
        pod: &str,
        container: Option<&str>,
        folder: &str,
        archive: impl Stream<Item = Bytes>,
    ) -> Result<(), Error> {
        let options =
            ExecOptions { container: container.map(str::to_owned), stdin: true, ..ExecOptions::default() };
        let command = ["tar", "xmf", "-", "-C", &archive::no_option(folder)];
        archive::feed(self.exec(pod, command, &options).await?, archive).await
    }
}

impl<K: HasAttach> Api<K> {
    /// Attaches to the command that a container of the pod runs, from now on. client-go's
    /// `remotecommand.NewWebSocketExecutor` on `attach`.
    pub async fn attach(&self, name: &str, options: &AttachOptions) -> Result<RemoteProcess, Error> {
        RemoteProcess::open(self.below("attach").one(Method::GET, name), options).await
    }
}

impl<K: HasPortForward> Api<K> {
    /// A connection to a port of the pod, as if from the pod's own host. That nothing listens there is told by the first
    /// read. client-go's `portforward.New`, which listens too: natively that is `portolan_native::forward`.
    pub async fn port_forward(&self, name: &str, port: u16) -> Result<PortStream, Error> {
        PortStream::open(self.below("portforward").one(Method::GET, name), port).await
    }
}
