//! `cargo xtask parity --mutants`: whether a fault in Portolan makes the scenarios fail that are there for it.
//!
//! The faults are those of tests/parity/mutants.txt. All are put into one copy of the repository, each behind a look at an
//! environment variable, so that one build serves for all. With none of them on, that build has to pass. Invariant: of
//! every fault the text it replaces stands in its file exactly once, so none is forgotten when the code changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{command, output, run as perform};
use crate::workspace;

/// Which fault is on, by its place.
const VARIABLE: &str = "PORTOLAN_MUTANT";

/// One fault.
#[derive(Default)]
struct Mutant {
    name: String,
    /// The file, below `core/src`.
    file: String,
    says: String,
    shall_say: String,
    /// A part of the names of the scenarios that find it.
    found: String,
}

/// Plays the scenarios of every fault to Portolan with it, beside `client_go`.
pub(crate) fn run(client_go: &Path) -> Result<()> {
    let mutants = read()?;
    let tree = workspace::target()?.join("mutants/tree");
    copy(&tree)?;
    for (place, mutant) in mutants.iter().enumerate() {
        put_in(&tree, place, mutant).with_context(|| mutant.name.clone())?;
    }
    let library = tree.join("core/src/lib.rs");
    let asked = format!(
        "/// Whether this fault is the one tried.\npub(crate) fn mutant(place: &str) -> bool {{\n    \
         std::env::var({VARIABLE:?}).is_ok_and(|tried| tried == place)\n}}\n"
    );
    fs::write(&library, fs::read_to_string(&library)? + &asked)?;
    let target = workspace::target()?.join("mutants/target");
    let mut build = command(&["cargo", "build", "--quiet", "--package=portolan-parity", "--target-dir"]);
    perform(build.arg(&target).current_dir(&tree))?;

    let play = || {
        let mut play = Command::new(target.join("debug/portolan-parity"));
        play.arg("scripted").arg(client_go);
        play
    };
    // What fails without a fault would be taken for finding one.
    perform(&mut play())?;
    // At once, for most of each is waiting for what does not come; each is waited for, whatever becomes of another.
    let played: Vec<Result<Output>> = thread::scope(|scope| {
        let plays = mutants.iter().enumerate().map(|(place, mutant)| {
            let mut play = play();
            play.arg(&mutant.found).env(VARIABLE, place.to_string()).stderr(Stdio::inherit());
            scope.spawn(move || Ok(play.output()?))
        });
        let plays: Vec<_> = plays.collect();
        plays.into_iter().map(|play| play.join().unwrap_or_else(|_| bail!("a play was lost"))).collect()
    });
    let mut found = 0;
    for (mutant, done) in mutants.iter().zip(played) {
        let done = done.with_context(|| mutant.name.clone())?;
        let told = String::from_utf8_lossy(&done.stdout);
        ensure!(told.contains("parity with client-go"), "{}: it did not play: {told}", mutant.name);
        if done.status.success() {
            println!("not found: {}: all of {:?} passed", mutant.name, mutant.found);
        } else {
            found += 1;
        }
    }
    println!("faults found by their scenarios: {found} of {}", mutants.len());
    if found < mutants.len() {
        bail!("a scenario that passes with its fault shows nothing");
    }
    Ok(())
}

fn read() -> Result<Vec<Mutant>> {
    let text = fs::read_to_string(workspace::root().join("tests/parity/mutants.txt"))?;
    let mut mutants = Vec::<Mutant>::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "==" {
            mutants.push(Mutant { name: rest.to_owned(), ..Mutant::default() });
            continue;
        }
        let mutant = mutants.last_mut().context("tests/parity/mutants.txt begins with `== name`")?;
        let part = match word {
            "file" => &mut mutant.file,
            "-" => &mut mutant.says,
            "+" => &mut mutant.shall_say,
            "found" => &mut mutant.found,
            _ => bail!("tests/parity/mutants.txt: {line:?} begins with none of == file - + found"),
        };
        rest.clone_into(part);
    }
    Ok(mutants)
}

/// Copies what git knows or would take. What is the same already stays, so that nothing is built anew for it.
fn copy(tree: &Path) -> Result<()> {
    let list = ["git", "ls-files", "--cached", "--others", "--exclude-standard"];
    for file in output(&mut command(&list))?.lines() {
        let (from, to) = (workspace::root().join(file), tree.join(file));
        if !from.is_file() {
            continue; // deleted, and not committed yet
        }
        let text = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|there| there == text) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
        fs::write(&to, text)?;
    }
    Ok(())
}

fn put_in(tree: &Path, place: usize, mutant: &Mutant) -> Result<()> {
    let (file, text) = its_file(tree, mutant)?;
    let asked = format!("crate::mutant(\"{place}\")");
    fs::write(&file, text.replace(&mutant.says, &mutant.shall_say.replace("MUTANT", &asked)))?;
    Ok(())
}

/// The file of `mutant` below `tree` and its text, in which what the fault replaces stands once.
fn its_file(tree: &Path, mutant: &Mutant) -> Result<(PathBuf, String)> {
    let file = tree.join("core/src").join(&mutant.file);
    let text = fs::read_to_string(&file)?;
    let times = text.matches(&mutant.says).count();
    ensure!(
        times == 1,
        "{} says {:?} {times} times: correct tests/parity/mutants.txt",
        mutant.file,
        mutant.says
    );
    Ok((file, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_fault_replaces_is_in_the_code() -> Result<()> {
        let mutants = read()?;
        assert!(!mutants.is_empty());
        mutants.iter().try_for_each(|mutant| its_file(workspace::root(), mutant).map(drop))
    }
}
