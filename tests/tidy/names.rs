//! What the maps from client-go and kube-rs call Portolan's is there: each path in the last column of their tables is a
//! public item of that module, or a member of such a type.

use std::collections::BTreeSet;

use regex_lite::Regex;
use syn::{Fields, ImplItem, Item, TraitItem, Type, UseTree, Visibility};

use crate::sources::{self, Source};

const MAPS: [&str; 2] = ["docs/client-go.md", "docs/kube-rs.md"];

/// The crates a path may begin with, and where they are. Without one it is of core.
const CRATES: [(&str, &str); 6] = [
    ("portolan_derive", "derive/src"),
    ("portolan_memory", "transport-memory/src"),
    ("portolan_native", "transport-native/src"),
    ("portolan_plugins", "plugins/host/src"),
    ("portolan_wasi", "transport-wasi/src"),
    ("portolan_wasm", "transport-wasm/src"),
];
const CORE: &str = "core/src";

/// Others' crates, whose names are not looked for.
const FOREIGN: [&str; 5] = ["futures", "k8s_openapi", "schemars", "std", "tracing"];

/// The public names of a crate.
#[derive(Default)]
struct Names {
    /// Items, each with the module at the crate's root it lies in: "" for the root itself.
    items: BTreeSet<(String, String)>,
    /// Methods, fields and variants, each with its type.
    members: BTreeSet<(String, String)>,
}

impl Names {
    fn of(folder: &str) -> Self {
        let mut names = Self::default();
        for source in sources::with_extension(folder, &["rs"]) {
            names.read(folder, &source);
        }
        names
    }

    fn read(&mut self, folder: &str, source: &Source) {
        let below = source.path.trim_start_matches(folder).trim_start_matches('/').trim_end_matches(".rs");
        let module = below.split('/').next().filter(|module| *module != "lib").unwrap_or_default();
        self.items.insert((String::new(), module.to_owned()));
        for item in syn::parse_file(&source.text).unwrap().items {
            self.note(module, item);
        }
    }

    fn note(&mut self, module: &str, item: Item) {
        let public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
        let (name, members): (_, Vec<String>) = match item {
            Item::Struct(item) if public(&item.vis) => (item.ident, fields(&item.fields)),
            Item::Enum(item) if public(&item.vis) => {
                (item.ident, item.variants.iter().map(|variant| variant.ident.to_string()).collect())
            }
            Item::Trait(item) if public(&item.vis) => {
                let names = item.items.iter().filter_map(|item| match item {
                    TraitItem::Fn(function) => Some(function.sig.ident.to_string()),
                    _ => None,
                });
                (item.ident, names.collect())
            }
            Item::Impl(item) => return self.note_methods(&item),
            Item::Fn(item) if public(&item.vis) => (item.sig.ident, Vec::new()),
            Item::Const(item) if public(&item.vis) => (item.ident, Vec::new()),
            Item::Type(item) if public(&item.vis) => (item.ident, Vec::new()),
            Item::Mod(item) if public(&item.vis) => (item.ident, Vec::new()),
            Item::Use(item) if public(&item.vis) => return self.note_exports(module, &item.tree),
            _ => return,
        };
        let name = name.to_string();
        self.members.extend(members.into_iter().map(|member| (name.clone(), member)));
        self.items.insert((module.to_owned(), name));
    }

    fn note_methods(&mut self, item: &syn::ItemImpl) {
        let Type::Path(path) = &*item.self_ty else { return };
        let name = path.path.segments.last().unwrap().ident.to_string();
        for member in &item.items {
            if let ImplItem::Fn(function) = member
                && matches!(function.vis, Visibility::Public(_))
            {
                self.members.insert((name.clone(), function.sig.ident.to_string()));
            }
        }
    }

    /// What is public elsewhere and said again here, of other crates too.
    fn note_exports(&mut self, module: &str, tree: &UseTree) {
        let name = match tree {
            UseTree::Path(path) => return self.note_exports(module, &path.tree),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.note_exports(module, tree));
            }
            UseTree::Name(name) => &name.ident,
            UseTree::Rename(name) => &name.rename,
            UseTree::Glob(_) => return,
        };
        self.items.insert((module.to_owned(), name.to_string()));
    }

    /// Whether there is such a path. A type alone may lie anywhere.
    fn have(&self, path: &[&str]) -> bool {
        let is_type = |name: &&str| name.starts_with(char::is_uppercase);
        let at = path.iter().position(is_type).unwrap_or(path.len() - 1);
        let (item, member) = (path[at], path.get(at + 1));
        let module = if at == 0 { "" } else { path[0] };
        let there = self
            .items
            .iter()
            .any(|(found, name)| name == item && (found == module || (at == 0 && is_type(&item))));
        there && member.is_none_or(|member| self.members.contains(&(item.to_owned(), (*member).to_owned())))
    }
}

fn fields(fields: &Fields) -> Vec<String> {
    let public = fields.iter().filter(|field| matches!(field.vis, Visibility::Public(_)));
    public.filter_map(|field| field.ident.as_ref().map(ToString::to_string)).collect()
}

/// The paths in the last column of the tables of `text`, and types named alone.
fn paths(text: &str) -> Vec<String> {
    let code = Regex::new(r"`([A-Za-z_]\w*(?:::\w+)*)`").unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|') && line.ends_with('|'));
    let columns = rows.filter_map(|row| row.trim_end_matches('|').rsplit(" | ").next());
    let found = columns
        .flat_map(|column| code.captures_iter(column).map(|found| found[1].to_owned()).collect::<Vec<_>>());
    found.filter(|path| path.contains("::") || path.starts_with(char::is_uppercase)).collect()
}

#[test]
fn maps_name_what_is_there() {
    let core = Names::of(CORE);
    let others: Vec<_> = CRATES.iter().map(|(name, folder)| (*name, Names::of(folder))).collect();
    let mut complaints = Vec::new();
    for map in MAPS {
        let paths = paths(&sources::text(map));
        assert!(paths.len() > 30, "{map}: only {} names found", paths.len());
        for path in paths {
            let parts: Vec<&str> = path.split("::").collect();
            let there = match others.iter().find(|(name, _)| *name == parts[0]) {
                Some((_, names)) => parts.len() == 1 || names.have(&parts[1..]),
                None => FOREIGN.contains(&parts[0]) || core.have(&parts),
            };
            if !there {
                complaints.push(format!("{map}: there is no {path}"));
            }
        }
    }
    crate::none(&complaints);
}

#[test]
fn names_that_are_not_there_are_found() {
    let mut names = Names::default();
    let text = "pub use inner::B; pub struct A { pub f: u8, g: u8 } impl A { pub fn m() {} fn n() {} } struct C; pub enum D { E } pub fn h() {}";
    names.read("core/src", &Source { path: "core/src/cache/part.rs".into(), text: text.into() });
    for there in ["cache::A", "A", "A::m", "cache::A::f", "D::E", "cache::B", "cache::h", "cache::inner::B"] {
        assert!(names.have(&there.split("::").collect::<Vec<_>>()), "{there}");
    }
    for missing in ["cache::C", "A::n", "cache::A::g", "queue::A", "D::F", "h", "queue::h", "Z"] {
        assert!(!names.have(&missing.split("::").collect::<Vec<_>>()), "{missing}");
    }
    let table = "| a `Left` | `cache::A`, `B` and `word` |\n`Prose`";
    assert_eq!(paths(table), ["cache::A", "B"]);
}
