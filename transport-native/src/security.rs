//! How connections are secured at the moment: files are read anew as they change, and a credential plugin's certificate
//! is taken as it comes. After client-go's `transport/cert_rotation.go`, `ca_rotation.go` and `util/certificate`, v0.37.
//!
//! Differs: an exchange under way ends on its old connection, where client-go closes it.
//! Invariants: each change has an epoch of its own, by which connections of before are known; while new files cannot be
//! read or used the last ones serve on; what was looked at earlier never takes the place of what came later.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portolan::Error;
use portolan::config::{Pem, Tls};
use tokio::time::Instant;

use crate::exec::ExecPlugin;
use crate::tls::{Connectors, Material};

/// For so long connections are kept without a look at the files.
pub(crate) const KEPT_CHECK: Duration = Duration::from_secs(60);
/// For so long new connections are made without a look at the files: client-go's `cachingCertificateLoader`.
pub(crate) const DIAL_CHECK: Duration = Duration::from_secs(1);

/// What secures connections, now and later.
pub(crate) struct Security {
    tls: Tls,
    plugin: Option<ExecPlugin>,
    now: Mutex<Now>,
}

#[derive(Clone)]
struct Now {
    connectors: Connectors,
    material: Material,
    epoch: u64,
    read_at: Instant,
}

impl Security {
    /// Reads the files once.
    pub(crate) fn new(tls: &Tls, plugin: Option<ExecPlugin>) -> Result<Self, Error> {
        let material = Material::read(tls)?;
        let connectors = Connectors::new(tls, &material)?;
        let now = Now { connectors, material, epoch: 0, read_at: Instant::now() };
        Ok(Self { tls: tls.clone(), plugin, now: Mutex::new(now) })
    }

    /// The connectors to use and their epoch; files are looked at again when that was longer ago than `age`.
    pub(crate) async fn current(&self, age: Duration) -> (Connectors, u64) {
        let Some((tls, before)) = self.due(age) else {
            let now = self.lock();
            return (now.connectors.clone(), now.epoch);
        };
        let seen = before.clone();
        let renewed =
            tokio::task::spawn_blocking(move || -> Result<Option<(Connectors, Material)>, Error> {
                let material = Material::read(&tls)?;
                let changed = material != seen;
                changed.then(|| Ok((Connectors::new(&tls, &material)?, material))).transpose()
            });
        match renewed.await {
            Ok(Ok(Some((connectors, material)))) => {
                let mut now = self.lock();
                // Others may have been faster, and with a later identity.
                if now.material == before {
                    let epoch = now.epoch + 1;
                    *now = Now { connectors, material, epoch, read_at: now.read_at };
                }
            }
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "certificates cannot be renewed: the last ones serve on");
            }
        }
        let now = self.lock();
        (now.connectors.clone(), now.epoch)
    }

    /// What to read, if it is time to, and what is there now. For files whoever is told so is the only one; a plugin's
    /// certificate is for all who come before it is there.
    fn due(&self, age: Duration) -> Option<(Tls, Material)> {
        let identity = self.plugin.as_ref().and_then(ExecPlugin::identity);
        let tls = match identity {
            Some(identity) => Tls { identity: Some(identity), ..self.tls.clone() },
            None => self.tls.clone(),
        };
        let mut now = self.lock();
        let files_due = has_files(&self.tls) && now.read_at.elapsed() >= age;
        if files_due {
            now.read_at = Instant::now();
        }
        (files_due || !now.material.is_of(&tls)).then(|| (tls, now.material.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_files(tls: &Tls) -> bool {
    let is_file = |pem: &Pem| matches!(pem, Pem::File(_));
    tls.certificate_authority.as_ref().is_some_and(is_file)
        || tls.identity.as_ref().is_some_and(|own| is_file(&own.certificate) || is_file(&own.key))
}
