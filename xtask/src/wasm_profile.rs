//! What takes the space in a wasm module: its sections, and the code by function and by crate, told by the names kept in it.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// One thing's part of a module, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    name: String,
    bytes: usize,
}

/// The parts of a module; unordered.
#[derive(Default)]
pub(crate) struct Profile {
    pub(crate) sections: Vec<Share>,
    pub(crate) functions: Vec<Share>,
    pub(crate) crates: Vec<Share>,
}

/// Takes `module` apart.
///
/// # Errors
/// When it is not a valid module.
pub(crate) fn profile(module: &[u8]) -> Result<Profile> {
    let mut profile = Profile::default();
    let (mut imported, mut bodies, mut names) = (0, Vec::new(), HashMap::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionStart { size, .. } => profile.add_section("code", size as usize),
            Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
            Payload::DataSection(reader) => profile.add_section("data", reader.range().len()),
            Payload::ElementSection(reader) => profile.add_section("element", reader.range().len()),
            Payload::FunctionSection(reader) => profile.add_section("function", reader.range().len()),
            Payload::CustomSection(reader) => {
                if let KnownCustom::Name(reader) = reader.as_known() {
                    for name in reader {
                        if let Name::Function(functions) = name? {
                            for naming in functions {
                                let naming = naming?;
                                names.insert(naming.index, naming.name.to_owned());
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    let mut crates: HashMap<String, usize> = HashMap::new();
    for (index, bytes) in (imported..).zip(bodies) {
        let name = names.get(&index).map_or_else(|| format!("function {index}"), |name| demangled(name));
        *crates.entry(crate_of(&name).to_owned()).or_default() += bytes;
        profile.functions.push(Share { name, bytes });
    }
    profile.crates = crates.into_iter().map(|(name, bytes)| Share { name, bytes }).collect();
    Ok(profile)
}

/// The `count` largest of `shares`, largest first.
pub(crate) fn largest(mut shares: Vec<Share>, count: usize) -> Vec<Share> {
    shares.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    shares.truncate(count);
    shares
}

impl Profile {
    fn add_section(&mut self, name: &str, bytes: usize) {
        self.sections.push(Share { name: name.to_owned(), bytes });
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// The crate a demangled name begins with, for `<impl …>` names that of the type.
fn crate_of(name: &str) -> &str {
    let mut start = name;
    while let Some(rest) =
        ["<", "&", "*", "(", "[", "dyn ", "mut ", "const "].iter().find_map(|part| start.strip_prefix(part))
    {
        start = rest;
    }
    match start.split_once("::") {
        Some((head, _)) if head.chars().all(|letter| letter.is_alphanumeric() || letter == '_') => head,
        _ => "(other)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with one imported and one own function of name `portolan::rest::send`.
    fn sample() -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |id: u8, content: &[u8]| {
            module.push(id);
            module.push(u8::try_from(content.len()).unwrap());
            module.extend_from_slice(content);
        };
        section(1, b"\x01\x60\0\0"); // one type: no parameters, no results
        section(2, b"\x01\x03env\x01f\0\0"); // import env.f, a function of type 0
        section(3, b"\x01\0"); // one own function of type 0
        section(10, b"\x01\x02\0\x0b"); // its body: no locals, end
        let mut names = b"\x04name\x01\x17\x01\x01\x14".to_vec();
        names.extend_from_slice(b"portolan::rest::send");
        section(0, &names);
        module
    }

    #[test]
    fn takes_a_module_apart() {
        let profile = profile(&sample()).unwrap();
        assert_eq!(profile.functions, [Share { name: "portolan::rest::send".into(), bytes: 2 }]);
        assert_eq!(profile.crates, [Share { name: "portolan".into(), bytes: 2 }]);
        assert!(profile.sections.iter().any(|section| section.name == "code" && section.bytes == 3));
    }

    #[test]
    fn refuses_what_is_no_module() {
        assert!(profile(b"<html>").is_err());
    }

    #[test]
    fn crate_names() {
        assert_eq!(crate_of("<portolan::rest::Request as core::fmt::Debug>::fmt"), "portolan");
        assert_eq!(crate_of("<&mut alloc::vec::Vec<T>>::push"), "alloc");
        assert_eq!(crate_of("core::fmt::write"), "core");
        assert_eq!(crate_of("dlmalloc"), "(other)");
    }

    #[test]
    fn largest_first() {
        let share = |name: &str, bytes| Share { name: name.into(), bytes };
        let sorted = largest(vec![share("b", 1), share("a", 1), share("c", 9)], 2);
        assert_eq!(sorted, [share("c", 9), share("a", 1)]);
    }
}
