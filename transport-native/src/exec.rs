//! Runs credential plugins: one process at a time for each, however many requests wait, and one plugin for all clients of
//! one configuration. After client-go's `plugin/pkg/client/auth/exec/exec.go`, v0.37; what it is told and what its answer
//! means is core's to say.
//!
//! Invariants: a plugin cannot hang or fill the memory, and nothing of what it writes comes into an error, for it may be a
//! secret: standard error goes to ours alone; one that is stopped leaves no child running; a request that is dropped does
//! not end the login others wait for.

use std::fmt;
use std::io::{ErrorKind, IsTerminal};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portolan::Error;
use portolan::config::{Config, ExecCache, ExecCluster, ExecConfig, ExecCredential, Identity, Secret, Tls};
use portolan::transport::TokenSource;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};

use crate::in_use::InUse;
use crate::runtime::unix_now;
use crate::tls;

/// How long a plugin may take unless its configuration says otherwise: a user may have to log in.
const TIMEOUT: Duration = Duration::from_secs(300);
/// The longest answer taken: certificates are a few kilobytes.
const LONGEST_ANSWER: u64 = 1 << 20;
/// So much of what a plugin says on standard error is passed on to ours.
const MOST_PASSED_ON: usize = 16 << 10;
/// For so long the rest of that is waited for when a plugin has ended: a child of it may hold standard error open.
const LINGER: Duration = Duration::from_millis(200);

/// The plugins in use, so that the clients of one configuration share one. client-go's `globalCache`.
static SHARED: InUse<Plugin> = InUse::new();

/// A credential plugin and what it gave last. Clones share both.
#[derive(Clone)]
pub(crate) struct ExecPlugin(Arc<Plugin>);

struct Plugin {
    config: ExecConfig,
    cluster: ExecCluster,
    cache: Mutex<ExecCache>,
    /// Held while the process runs.
    running: Arc<tokio::sync::Mutex<()>>,
}

impl ExecPlugin {
    /// The plugin `exec` for the server of `config`: the one in use already, if there is one for the same two.
    pub(crate) fn shared(config: &Config, exec: &ExecConfig) -> Result<Self, Error> {
        let authority = tls::Material::read(&config.tls)?.authority;
        let cluster = ExecCluster::new(config, exec, authority.as_ref());
        let alike = |plugin: &Plugin| plugin.config == *exec && plugin.cluster == cluster;
        let plugin = SHARED.get(alike, || {
            let (cache, running) = Default::default();
            Ok::<_, Error>(Plugin { config: exec.clone(), cluster: cluster.clone(), cache, running })
        })?;
        Ok(Self(plugin))
    }

    /// The client certificate it gave last.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.0.cache().identity().cloned()
    }
}

impl fmt::Debug for ExecPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExecPlugin").field(&self.0.config).finish()
    }
}

#[async_trait]
impl TokenSource for ExecPlugin {
    async fn token(&self) -> Result<Option<Secret>, Error> {
        if let Some(held) = self.0.current() {
            return Ok(held.token);
        }
        let turn = Arc::clone(&self.0.running).lock_owned().await;
        if let Some(held) = self.0.current() {
            return Ok(held.token);
        }
        // A task of its own: whoever asked first may stop waiting.
        let plugin = Arc::clone(&self.0);
        let run = tokio::spawn(async move {
            let _turn = turn;
            let credential = plugin.run().await?;
            plugin.cache().put(credential.clone());
            Ok(credential.token)
        });
        run.await.unwrap_or_else(|error| {
            Err(Error::canceled("running a credential plugin was stopped").with_source(error))
        })
    }

    fn refused(&self, token: Option<&Secret>) {
        self.0.cache().refused(token);
    }
}

impl Plugin {
    fn cache(&self) -> MutexGuard<'_, ExecCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Option<ExecCredential> {
        self.cache().current(unix_now()).cloned()
    }

    async fn run(&self) -> Result<ExecCredential, Error> {
        let interactive = self.config.interactive(std::io::stdin().is_terminal())?;
        let running = self.start(interactive)?;
        let limit = self.config.timeout.unwrap_or(TIMEOUT);
        let (status, answer) = tokio::time::timeout(limit, self.finish(running)).await.map_err(|_| {
            self.config
                .failed(&format!("did not end within {limit:?} and was stopped: run it by hand to see why"))
        })??;
        if !status.success() {
            return Err(self.config.failed(&match status.code() {
                None => "was killed: run it by hand to see why".to_owned(),
                Some(code) => format!(
                    "ended with exit code {code}: its standard error says why, or run it by hand to see"
                ),
            }));
        }
        let credential = self.config.read(&answer)?;
        if let Some(identity) = &credential.identity {
            let tls = Tls { identity: Some(identity.clone()), ..Tls::default() };
            tls::check(&tls).map_err(|problem| {
                self.config.failed(&format!("answered with what cannot be used: {problem}"))
            })?;
        }
        Ok(credential)
    }

    fn start(&self, interactive: bool) -> Result<Running, Error> {
        let exec = &self.config;
        let find = |name: &str| which::which(name).ok();
        let program = exec.policy.program(&exec.command, find).map_err(|why| exec.failed(why))?;
        let mut command = Command::new(program);
        command.args(&exec.args);
        command.envs(exec.env.iter().map(|variable| (&variable.name, variable.value.reveal())));
        command.env("KUBERNETES_EXEC_INFO", exec.info(interactive, &self.cluster));
        command.stdout(Stdio::piped()).kill_on_drop(true);
        // A plugin that asks the user has the terminal for itself.
        match interactive {
            true => command.stdin(Stdio::inherit()).stderr(Stdio::inherit()),
            false => command.stdin(Stdio::null()).stderr(Stdio::piped()),
        };
        let apart = cfg!(unix) && !at_a_terminal();
        #[cfg(unix)]
        if apart {
            command.process_group(0);
        }
        let child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let hint = match exec.install_hint.trim() {
                    "" => "install it, or correct the command".to_owned(),
                    hint => format!("install it: {hint}"),
                };
                exec.failed(&format!("is not installed: {hint}"))
            }
            ErrorKind::PermissionDenied => exec.failed("may not be run: make it executable"),
            _ => exec.failed(&format!("cannot be run ({error}): correct the command")),
        })?;
        Ok(Running { child, apart })
    }

    /// Waits for the end: its status and its answer. As in client-go a child that it left behind holds up nobody, unless
    /// it could still answer, and keeps a standard error that is read.
    async fn finish(&self, mut running: Running) -> Result<(ExitStatus, Vec<u8>), Error> {
        let unreadable =
            |error| self.config.failed(&format!("cannot be read ({error}): run it by hand to see why"));
        let passing = running.child.stderr.take().map(|stderr| tokio::spawn(pass_on(stderr)));
        let stdout = running.child.stdout.take();
        let mut answer = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(LONGEST_ANSWER + 1).read_to_end(&mut answer).await.map_err(unreadable)?;
        }
        if answer.len() as u64 > LONGEST_ANSWER {
            let text = format!(
                "answered more than {LONGEST_ANSWER} bytes and was stopped: it must print an ExecCredential alone"
            );
            return Err(self.config.failed(&text));
        }
        // Only now: once its end is known its number may be another's, and no child of it can be stopped any more.
        let status = running.child.wait().await.map_err(unreadable)?;
        if let Some(passing) = passing {
            let _ = tokio::time::timeout(LINGER, passing).await;
        }
        Ok((status, answer))
    }
}

/// A plugin that runs. Dropped before it has ended, it is killed, and what it started with it.
struct Running {
    child: Child,
    /// Whether it leads a process group of its own.
    apart: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        // There is no id once its end is known; the number may then be another's.
        #[cfg(unix)]
        if let Some(group) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
            && self.apart
        {
            // That there is nobody left to kill is what is wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Whether somebody sits here, whose Ctrl-C is to end a plugin too and who may be asked: a terminal does both for the
/// processes of our group only.
fn at_a_terminal() -> bool {
    std::io::stdin().is_terminal() || std::io::stderr().is_terminal()
}

/// Passes the beginning of what a plugin says on to our standard error, and reads it to its end.
async fn pass_on(mut stderr: ChildStderr) {
    let (mut own, mut passed) = (tokio::io::stderr(), 0);
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        if passed < MOST_PASSED_ON {
            passed += count;
            // Whether anybody reads our standard error is none of the plugin's business.
            let _ = own.write_all(&buffer[..count]).await;
        }
    }
}
