//! Logs, exec, attach, copies and port-forward in a page.

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, TryStreamExt, stream};
use portolan::stream::{AttachOptions, ExecOptions, LogOptions, Output, TerminalSize};
use serde_json::json;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::tab::{Tab, thrown};

/// The most that a command writes here, in bytes.
const LIMIT: usize = 16 << 20;

#[wasm_bindgen]
impl Tab {
    /// The first `count` lines of a container's logs, which are followed.
    pub async fn logs(&self, pod: &str, container: &str, count: usize) -> Result<Vec<String>, JsError> {
        let options =
            LogOptions { container: Some(container.to_owned()), follow: true, ..Default::default() };
        let pods = self.client().core_v1().pods("default");
        let lines = pods.logs(pod, &options).await.map_err(thrown)?.lines().take(count);
        let lines: Vec<_> = lines.collect().await;
        lines.into_iter().map(|line| Ok(line.map_err(thrown)?.text().into_owned())).collect()
    }

    /// Runs a command with this input and gives what it wrote and its exit code, as JSON.
    pub async fn exec(
        &self,
        pod: &str,
        container: &str,
        command: Vec<String>,
        input: &str,
    ) -> Result<String, JsError> {
        let options =
            ExecOptions { container: Some(container.to_owned()), stdin: true, ..ExecOptions::default() };
        let pods = self.client().core_v1().pods("default");
        let process = pods.exec(pod, command, &options).await.map_err(thrown)?;
        let protocol = format!("{:?}", process.input.protocol());
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let copied = process.copy(input.as_bytes(), &mut stdout, &mut stderr, stream::pending());
        let code = copied.await.map_err(thrown)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said =
            json!({ "protocol": protocol, "stdout": text(&stdout), "stderr": text(&stderr), "code": code });
        Ok(said.to_string())
    }

    /// What `stty size` says in a terminal of this size.
    pub async fn terminal(
        &self,
        pod: &str,
        container: &str,
        width: u16,
        height: u16,
    ) -> Result<String, JsError> {
        let options =
            ExecOptions { container: Some(container.to_owned()), tty: true, ..ExecOptions::default() };
        let pods = self.client().core_v1().pods("default");
        let command = ["sh", "-c", "until stty size | grep -v '^0 0'; do sleep 0.1; done"];
        let mut process = pods.exec(pod, command, &options).await.map_err(thrown)?;
        process.input.resize(TerminalSize { width, height }).await.map_err(thrown)?;
        let collected = process.collect(LIMIT).await.map_err(thrown)?;
        Ok(String::from_utf8_lossy(&collected.stdout).trim().to_owned())
    }

    /// Writes a line to what a container runs, gives what that writes up to the same line, and leaves it.
    pub async fn attach(&self, pod: &str, container: &str, line: &str) -> Result<String, JsError> {
        let options =
            AttachOptions { container: Some(container.to_owned()), stdin: true, ..AttachOptions::default() };
        let pods = self.client().core_v1().pods("default");
        let mut process = pods.attach(pod, &options).await.map_err(thrown)?;
        process.input.write_all(line.as_bytes()).await?;
        let mut read = String::new();
        while !read.contains(line) {
            match process.output.next().await.transpose().map_err(thrown)? {
                Some(Output::Stdout(bytes)) => read.push_str(&String::from_utf8_lossy(&bytes)),
                other => return Err(JsError::new(&format!("{other:?} after {read:?}"))),
            }
        }
        Ok(read)
    }

    /// A file or folder of a container as a tar archive.
    pub async fn pack(
        &self,
        pod: &str,
        container: &str,
        folder: &str,
        name: &str,
    ) -> Result<Vec<u8>, JsError> {
        let pods = self.client().core_v1().pods("default");
        let archive = pods.pack(pod, Some(container), folder, name).await.map_err(thrown)?;
        let pieces: Vec<_> = archive.try_collect().await.map_err(thrown)?;
        Ok(pieces.concat())
    }

    /// Unpacks a tar archive in a folder of a container.
    pub async fn unpack(
        &self,
        pod: &str,
        container: &str,
        folder: &str,
        archive: Vec<u8>,
    ) -> Result<(), JsError> {
        let pods = self.client().core_v1().pods("default");
        let pieces = stream::iter([archive.into()]);
        pods.unpack(pod, Some(container), folder, pieces).await.map_err(thrown)
    }

    /// Sends text to a port of a pod and gives as many bytes as that has of the answer.
    pub async fn port(&self, pod: &str, port: u16, text: &str) -> Result<String, JsError> {
        let pods = self.client().core_v1().pods("default");
        let mut connection = pods.port_forward(pod, port).await.map_err(thrown)?;
        connection.write_all(text.as_bytes()).await?;
        let mut answer = vec![0; text.len()];
        connection.read_exact(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
