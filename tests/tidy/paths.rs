//! The `crate::…` and `super::…` paths of a source file outside its tests: of `use`s, of inline paths, of re-exports, and
//! inside macros, whose insides are tokens only.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item};

/// A name at the crate's root that is reached for, and the line it is reached for on. `*` stands for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) name: String,
    pub(crate) line: usize,
}

/// What `text` reaches for, the file of a module `depth` levels below the crate's root.
pub(crate) fn reached(text: &str, depth: usize) -> syn::Result<Vec<Reached>> {
    let mut found = Vec::new();
    walk_items(&syn::parse_file(text)?.items, depth, &mut found);
    Ok(found)
}

/// Whether the attributes make their item part of the tests alone.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

/// Items are told apart to leave the tests out and to know the depth of inline modules; the rest is tokens.
fn walk_items(items: &[Item], depth: usize, found: &mut Vec<Reached>) {
    for item in items {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Mod(module) if module.content.is_some() => {
                let items = module.content.iter().flat_map(|(_, items)| items);
                walk_items(&items.cloned().collect::<Vec<_>>(), depth + 1, found);
            }
            other => walk_tokens(other.to_token_stream(), depth, found),
        }
    }
}

fn walk_tokens(tokens: TokenStream, depth: usize, found: &mut Vec<Reached>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            // What is in the braces of a `use` was followed from the path before them.
            TokenTree::Group(group) if !follows_path(&tokens[..index]) => {
                walk_tokens(group.stream(), depth, found);
            }
            TokenTree::Ident(ident) if ident == "crate" => follow(&tokens[index + 1..], 0, found),
            // Of `super::super::` the second is followed from the first.
            TokenTree::Ident(ident) if ident == "super" && !follows_super(&tokens[..index]) => {
                if let Some(depth) = depth.checked_sub(1) {
                    follow(&tokens[index + 1..], depth, found);
                }
            }
            _ => {}
        }
    }
}

fn follows_path(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Punct(first), TokenTree::Punct(second)]
        if first.as_char() == ':' && second.as_char() == ':')
}

fn follows_super(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Ident(ident), TokenTree::Punct(_), TokenTree::Punct(colon)]
        if ident == "super" && colon.as_char() == ':')
}

/// Follows a path from its first `::`, where the part before it is a module `depth` levels below the root.
fn follow(tokens: &[TokenTree], depth: usize, found: &mut Vec<Reached>) {
    let [TokenTree::Punct(first), TokenTree::Punct(second), rest @ ..] = tokens else { return };
    if first.as_char() != ':' || second.as_char() != ':' {
        return;
    }
    match rest {
        [TokenTree::Group(group), ..] => {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            let is_comma =
                |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
            inside.split(is_comma).for_each(|entry| step(entry, depth, found));
        }
        rest => step(rest, depth, found),
    }
}

/// One segment: up again, or the name that was looked for.
fn step(tokens: &[TokenTree], depth: usize, found: &mut Vec<Reached>) {
    match tokens {
        [TokenTree::Ident(ident), rest @ ..] if ident == "super" => {
            if let Some(depth) = depth.checked_sub(1) {
                follow(rest, depth, found);
            }
        }
        [TokenTree::Ident(ident), ..] if depth == 0 && ident != "self" => found.push(reach(ident)),
        [TokenTree::Punct(star), ..] if depth == 0 && star.as_char() == '*' => {
            found.push(Reached { name: "*".to_owned(), line: star.span().start().line });
        }
        _ => {}
    }
}

fn reach(ident: &Ident) -> Reached {
    Reached { name: ident.to_string(), line: ident.span().start().line }
}

#[test]
fn all_kinds_of_paths_are_found() {
    let names = |text: &str, depth: usize| -> Vec<String> {
        reached(text, depth).unwrap().into_iter().map(|reached| reached.name).collect()
    };
    assert_eq!(names("use crate::a::B; pub use crate::{c, d::{E, f}};", 1), ["a", "c", "d"]);
    assert_eq!(
        names("pub(crate) fn x(a: crate::a::B) -> Vec<crate::c::D> { crate::e::f() }", 1),
        ["a", "c", "e"]
    );
    assert_eq!(names("use super::a; use super::super::b; use super::{self, c, super::d};", 1), ["a", "c"]);
    assert_eq!(names("use super::a; use super::super::b; use super::{self, c, super::d};", 2), ["b", "d"]);
    assert_eq!(names("fn x() { format!(\"{}\", crate::a::b()); }", 1), ["a"]);
    assert_eq!(names("macro_rules! m { () => { $crate::a::b() } }", 1), ["a"]);
    assert_eq!(names("mod inner { use super::super::a; use super::b; }", 1), ["a"]);
    assert_eq!(names("use crate::*;", 1), ["*"]);
    assert_eq!(names("impl crate::a::B for C { #[x(crate::d)] fn e() {} }", 1), ["a", "d"]);
    assert!(names("use std::fmt; use self::a::b; pub(crate) struct A; pub(super) struct B;", 2).is_empty());
}

#[test]
fn tests_are_left_out() {
    let text =
        "#[cfg(test)] mod tests { use crate::a; } #[cfg(feature = \"testing\")] mod b { use crate::c; }";
    let found = reached(text, 1).unwrap();
    assert_eq!(found.iter().map(|reached| reached.name.as_str()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn lines_are_known() {
    assert_eq!(reached("\n\nuse crate::a;", 1).unwrap(), [Reached { name: "a".to_owned(), line: 3 }]);
}
