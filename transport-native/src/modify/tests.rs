//! Kubeconfigs changed in temporary directories: `TestModifyConfigWritesToFirstKubeconfigFile`, `TestModifyContext` and
//! `TestFileLocking` of client-go's clientcmd, and what is lost nowhere.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use portolan::config::{Cluster, Context};

use super::*;
use crate::load::tests::Machine;

fn named(name: &str) -> String {
    format!(
        "current-context: {name}\ncontexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]\n\
         clusters: [{{name: {name}, cluster: {{server: 'https://{name}', certificate-authority: ca.pem, new: 1}}}}]\n\
         users: [{{name: {name}, user: {{token: t}}}}]\nmine: {{kept: [1, 2]}}\n"
    )
}

/// A machine with two files, and a third that is listed and not there.
fn listed() -> (Machine, [PathBuf; 3]) {
    let mut machine = Machine::new();
    let missing = machine.folder.path().join("missing/config");
    let (one, two) = (machine.write("a/one", &named("one")), machine.write("b/two", &named("two")));
    machine.environment.kubeconfig = Some(std::env::join_paths([&missing, &one, &two]).unwrap());
    (machine, [missing, one, two])
}

fn change(machine: &Machine, change: impl FnOnce(&mut Kubeconfig)) -> Result<(), Error> {
    modify(&machine.environment, &ConfigOptions::default(), change)
}

fn parse(path: &Path) -> Kubeconfig {
    Kubeconfig::parse(&std::fs::read(path).unwrap(), "FILE").unwrap()
}

#[test]
fn each_change_goes_into_its_file() {
    let (machine, [missing, one, two]) = listed();
    change(&machine, |_| {}).unwrap();
    assert_eq!(std::fs::read_to_string(&one).unwrap(), named("one"), "nothing changed, nothing written");
    change(&machine, |config| {
        config.current_context = "two".into();
        config.clusters.get_mut("two").unwrap().server = "https://moved".into();
        let context = Context { cluster: "two".into(), user: "one".into(), ..Context::default() };
        config.contexts.insert("both".into(), context);
    })
    .unwrap();
    let (first, second) = (parse(&one), parse(&two));
    assert_eq!((first.current_context.as_str(), second.current_context.as_str()), ("two", "two"));
    assert_eq!((first.clusters.len(), first.contexts.len()), (1, 2));
    assert_eq!((second.clusters["two"].server.as_str(), second.contexts.len()), ("https://moved", 1));
    assert_eq!(second.clusters["two"].certificate_authority, "ca.pem", "paths stay as they are written");
    for path in [&one, &two] {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("new: 1") && text.contains("mine:"), "{text}");
    }
    assert!(!missing.exists());
    let stray = Cluster { origin: "elsewhere".into(), ..Cluster::default() };
    let error = change(&machine, |config| drop(config.clusters.insert("stray".into(), stray))).unwrap_err();
    assert!(error.to_string().contains("clusters \"stray\": came from elsewhere"), "{error}");

    change(&machine, |config| config.current_context.clear()).unwrap();
    assert_eq!((parse(&one).current_context.as_str(), parse(&two).current_context.as_str()), ("", "two"));
    change(&machine, |config| {
        config.users.remove("two");
    })
    .unwrap();
    assert!(parse(&two).users.is_empty() && parse(&one).users.len() == 1);
    let left = |path: &Path| std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!((left(&one), left(&two)), (1, 1), "no lock and no half of a file");
}

#[test]
fn a_file_that_is_not_there_is_made_for_its_owner_alone() {
    let machine = Machine::new();
    let cluster = Cluster { server: "https://h".into(), ..Cluster::default() };
    change(&machine, |config| drop(config.clusters.insert("c".into(), cluster))).unwrap();
    let path = machine.folder.path().join("home/.kube/config");
    assert_eq!(parse(&path).clusters["c"].server, "https://h");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);

    // A link stays one, and a file keeps its mode.
    let real = machine.write("real", &named("real"));
    std::fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&real, &path).unwrap();
    change(&machine, |config| config.current_context = "x".into()).unwrap();
    assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!((parse(&real).current_context.as_str(), mode(&real)), ("x", 0o640));

    // Another's file stays theirs; whoever may not give files away cannot try.
    if std::os::unix::fs::chown(&real, Some(12_345), Some(12_345)).is_ok() {
        change(&machine, |config| config.current_context = "y".into()).unwrap();
        let owner = std::fs::metadata(&real).unwrap();
        assert_eq!((parse(&real).current_context.as_str(), owner.uid(), owner.gid()), ("y", 12_345, 12_345));
    }
    for text in [named("a-longer-name"), named("b")] {
        write_in_place(&real, &text).unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), text);
    }
}

#[test]
fn a_list_that_names_no_file_has_no_place_for_changes() {
    let mut machine = Machine::new();
    machine.environment.kubeconfig = Some(":::".into());
    let error = change(&machine, |config| config.current_context = "x".into()).unwrap_err().to_string();
    assert!(error.starts_with("KUBECONFIG names no file to keep a kubeconfig in"), "{error}");
}

#[test]
fn programs_change_a_file_one_after_the_other() {
    let machine = Machine::new();
    machine.write("home/.kube/config", &named("home"));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let machine = &machine;
            scope.spawn(move || {
                for round in 0..5 {
                    let context = Context { cluster: "home".into(), ..Context::default() };
                    let name = format!("{thread}-{round}");
                    change(machine, |config| drop(config.contexts.insert(name, context))).unwrap();
                }
            });
        }
    });
    assert_eq!(parse(&machine.folder.path().join("home/.kube/config")).contexts.len(), 21);

    let lock = machine.write("home/.kube/config.lock", "");
    let error = change(&machine, |config| config.current_context.clear()).unwrap_err().to_string();
    assert!(
        error.ends_with(&format!(
            "is being changed by another program: if it is not, remove {}",
            lock.display()
        )),
        "{error}"
    );
    std::fs::remove_file(&lock).unwrap();
    let broken = machine.write("home/.kube/config", "users: [");
    assert!(change(&machine, |config| config.current_context = "x".into()).is_err());
    assert_eq!(std::fs::read_to_string(broken).unwrap(), "users: [");
}
