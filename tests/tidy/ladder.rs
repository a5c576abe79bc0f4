//! The ladder: a module of core uses only modules of strictly lower rungs. The rungs are read from the table in
//! ARCHITECTURE.md, so that the document and the code cannot drift apart. Tests may use any module.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, UseTree};

use crate::paths::{self, Reached};
use crate::sources::{self, Source};

/// The rung of each module.
type Ladder = BTreeMap<String, u32>;

/// The rows `| L4 | `codec` | … |` of the section "The ladder".
fn parse_table(document: &str) -> Ladder {
    let section = document.split("\n## The ladder\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut ladder = Ladder::new();
    for line in section.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let rung =
            cells.get(1).and_then(|cell| cell.strip_prefix('L')).and_then(|number| number.parse().ok());
        if let (Some(rung), Some(modules)) = (rung, cells.get(2)) {
            let names = modules.split('`').skip(1).step_by(2);
            ladder.extend(names.map(|name| (name.to_owned(), rung)));
        }
    }
    ladder
}

/// What the crate's root declares.
#[derive(Default)]
struct Root {
    modules: BTreeSet<String>,
    /// The names re-exported at the root, with the module each comes from.
    exports: BTreeMap<String, String>,
}

impl Root {
    fn parse(text: &str) -> Self {
        let mut root = Self::default();
        for item in syn::parse_file(text).unwrap().items {
            match item {
                Item::Mod(module) if !paths::is_test(&module.attrs) => {
                    root.modules.insert(module.ident.to_string());
                }
                Item::Use(used) => root.export(&used.tree, None),
                _ => {}
            }
        }
        root
    }

    fn export(&mut self, tree: &UseTree, module: Option<&str>) {
        match tree {
            UseTree::Path(path) if path.ident == "crate" || path.ident == "self" => {
                self.export(&path.tree, module);
            }
            UseTree::Path(path) => {
                let first = path.ident.to_string();
                self.export(&path.tree, Some(module.unwrap_or(&first)));
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.export(tree, module)),
            UseTree::Name(name) => self.add(name.ident.to_string(), module),
            UseTree::Rename(name) => self.add(name.rename.to_string(), module),
            UseTree::Glob(_) => {} // refused by a lint
        }
    }

    fn add(&mut self, name: String, module: Option<&str>) {
        if let Some(module) = module {
            self.exports.insert(name, module.to_owned());
        }
    }
}

fn drift(ladder: &Ladder, root: &Root) -> Vec<String> {
    let listed: BTreeSet<String> = ladder.keys().cloned().collect();
    let missing =
        root.modules.difference(&listed).map(|name| format!("ARCHITECTURE.md: the ladder lacks `{name}`"));
    let gone =
        listed.difference(&root.modules).map(|name| format!("ARCHITECTURE.md: core has no module `{name}`"));
    missing.chain(gone).collect()
}

/// Complaints about one file of core, given by its path below src.
fn complaints(ladder: &Ladder, root: &Root, path: &str, text: &str) -> Vec<String> {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    let Some(rung) = ladder.get(parts[0]) else { return vec![format!("core/src/{path}: not on the ladder")] };
    let reached = paths::reached(text, parts.len()).unwrap_or_else(|error| panic!("{path}: {error}"));
    let refuse = |Reached { name, line }: Reached| {
        let module = if ladder.contains_key(&name) { Some(&name) } else { root.exports.get(&name) };
        match module.and_then(|module| Some((module, ladder.get(module)?))) {
            Some((module, _)) if module == parts[0] => None,
            Some((_, target)) if target < rung => None,
            Some((module, target)) => Some(format!(
                "core/src/{path}:{line}: `{}` (L{rung}) uses `{module}` (L{target}), which is not below it",
                parts[0]
            )),
            None => Some(format!("core/src/{path}:{line}: `crate::{name}` is no module of the ladder")),
        }
    };
    reached.into_iter().filter_map(refuse).collect()
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn core_keeps_to_the_ladder() {
    let ladder = parse_table(&sources::text("ARCHITECTURE.md"));
    let root = Root::parse(&sources::text("core/src/lib.rs"));
    let mut found = drift(&ladder, &root);
    for Source { path, text } in sources::with_extension("core/src", &["rs"]) {
        let path = path.trim_start_matches("core/src/");
        if path != "lib.rs" && !is_test_file(path) {
            found.extend(complaints(&ladder, &root, path, &text));
        }
    }
    crate::none(&found);
}

const DOCUMENT: &str = "# A\n\n## The ladder\n\nText.\n\n| rung | module | owns |\n|---|---|---|\n\
    | L0 | `low` | x |\n| L1 | `left` | `y` |\n| L1 | `right` | z |\n| L12 | `high` | |\n\n## Else\n\n| L3 | `other` | |\n";

fn sample() -> (Ladder, Root) {
    let root = "//! A.\npub mod low; pub mod left; mod right; pub mod high;\n\
                pub use low::{Word, deep::Part as Piece}; pub use crate::high::Tower; #[cfg(test)] mod tests;";
    (parse_table(DOCUMENT), Root::parse(root))
}

#[test]
fn the_table_and_the_root_are_read() {
    let (ladder, root) = sample();
    let rungs: Vec<(&str, u32)> = ladder.iter().map(|(name, rung)| (name.as_str(), *rung)).collect();
    assert_eq!(rungs, [("high", 12), ("left", 1), ("low", 0), ("right", 1)]);
    assert!(drift(&ladder, &root).is_empty());
    let exports: Vec<(&str, &str)> =
        root.exports.iter().map(|(name, module)| (name.as_str(), module.as_str())).collect();
    assert_eq!(exports, [("Piece", "low"), ("Tower", "high"), ("Word", "low")]);
}

#[test]
fn drift_is_found() {
    let ladder = parse_table(DOCUMENT);
    let root = Root::parse("pub mod low; pub mod left; pub mod right; pub mod extra;");
    assert_eq!(drift(&ladder, &root).len(), 2); // `extra` is not listed, `high` is gone
}

#[test]
fn steps_up_and_sideways_are_found() {
    let (ladder, root) = sample();
    let count = |path: &str, text: &str| complaints(&ladder, &root, path, text).len();
    assert_eq!(count("left.rs", "use crate::low::X; use crate::Word; use crate::left::part;"), 0);
    assert_eq!(count("left/part.rs", "use super::X; use super::super::low; use crate::Piece;"), 0);
    assert_eq!(count("left.rs", "use crate::right::X;"), 1);
    assert_eq!(count("left.rs", "use super::high;"), 1);
    assert_eq!(count("left/part.rs", "use super::super::right::X;"), 1);
    assert_eq!(count("left/part/mod.rs", "use super::super::right::X;"), 1);
    assert_eq!(count("low.rs", "pub use crate::Tower;"), 1);
    assert_eq!(count("low.rs", "fn x() { let _ = vec![crate::left::Y]; }"), 1);
    assert_eq!(count("low.rs", "use crate::{left, high::{A, B}};"), 2);
    assert_eq!(count("high.rs", "use crate::unknown;"), 1);
    assert_eq!(count("high.rs", "use crate::*;"), 1);
    assert_eq!(count("stray.rs", ""), 1);
}
