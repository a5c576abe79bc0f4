//! Which credential plugins may run. After `checkAllowlistLocked` and `ValidatePluginPolicy` of client-go's
//! `plugin/pkg/client/auth/exec/exec.go`, v0.37.
//!
//! Differs: one enum, where client-go refuses a list beside another policy and a policy of no known name; and a name that
//! nothing is found for matches nothing, not even itself.

use std::path::{Path, PathBuf};

/// Which credential plugins may run: a program that reads kubeconfigs of others can keep them from starting anything.
/// client-go's `PluginPolicy`; kubectl reads it from its kuberc, and like client-go Portolan takes it from the program.
///
/// ```
/// use portolan::config::{Config, Credential, PluginPolicy};
///
/// fn only_our_cloud(config: &mut Config) {
///     if let Credential::Exec(plugin) = &mut config.auth.credential {
///         plugin.policy = PluginPolicy::Allowlist(vec!["gke-gcloud-auth-plugin".into()]);
///     }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PluginPolicy {
    /// Whatever a kubeconfig names.
    #[default]
    AllowAll,
    /// None.
    DenyAll,
    /// These: each a name to look up in PATH, or a path. A plugin is one of them when both are found at the same path,
    /// which then is the one that runs.
    Allowlist(Vec<String>),
}

impl PluginPolicy {
    /// The program to run for `command`; `find` gives the path of a program that is there, by name or by path.
    ///
    /// # Errors
    /// Why it may not run, to follow the name of the plugin.
    pub fn program(
        &self,
        command: &str,
        find: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<PathBuf, &'static str> {
        let list = match self {
            Self::AllowAll => return Ok(Path::new(command).to_owned()),
            Self::DenyAll => return Err("may not run: this program allows no credential plugin"),
            Self::Allowlist(list) => list,
        };
        if list.iter().all(|entry| entry.is_empty()) {
            return Err("may not run: the allowlist of credential plugins names none; name one, or deny all");
        }
        let found = find(command);
        let allowed = |path: &PathBuf| list.iter().any(|entry| find(entry).as_ref() == Some(path));
        found
            .filter(allowed)
            .ok_or("may not run: the allowlist of credential plugins does not name what is found for it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two folders of programs; PATH names the first.
    fn find(name: &str) -> Option<PathBuf> {
        match name {
            "plugin" | "/bin/plugin" => Some("/bin/plugin".into()),
            "other" | "/bin/other" => Some("/bin/other".into()),
            "/opt/plugin" => Some("/opt/plugin".into()),
            _ => None,
        }
    }

    /// After `TestPluginPolicy` of client-go 0.37: existing or not, by name or by path, lists of each length.
    #[test]
    fn an_allowlist_compares_what_is_found() {
        let list =
            |entries: &[&str]| PluginPolicy::Allowlist(entries.iter().map(|&entry| entry.into()).collect());
        for (entries, command, runs) in [
            (&["plugin"][..], "plugin", Some("/bin/plugin")),
            (&["plugin"], "/bin/plugin", Some("/bin/plugin")),
            (&["/bin/plugin"], "plugin", Some("/bin/plugin")),
            (&["/bin/plugin"], "/bin/plugin", Some("/bin/plugin")),
            (&["missing", "", "other", "plugin"], "plugin", Some("/bin/plugin")),
            // Of the same name, but another file.
            (&["plugin"], "/opt/plugin", None),
            (&["/opt/plugin"], "plugin", None),
            (&["other"], "plugin", None),
            (&["missing"], "missing", None),
            (&["/bin"], "plugin", None),
            (&[""], "plugin", None),
            (&[], "plugin", None),
        ] {
            let program = list(entries).program(command, find);
            assert_eq!(program.ok(), runs.map(PathBuf::from), "{command} by {entries:?}");
        }
    }

    #[test]
    fn all_or_none_ask_nothing() {
        let never = |_: &str| panic!("asked");
        assert_eq!(PluginPolicy::default().program("anything", never), Ok("anything".into()));
        assert!(PluginPolicy::DenyAll.program("plugin", never).unwrap_err().contains("no credential plugin"));
    }
}
