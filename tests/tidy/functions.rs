//! No function is longer than 60 lines, its signature and braces included.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{ImplItemFn, ItemFn, Signature, TraitItemFn};

use crate::sources::{self, Source};

const LONGEST: usize = 60;

fn complaints(source: &Source) -> Vec<String> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path));
    let mut lengths = Lengths { path: &source.path, complaints: Vec::new() };
    lengths.visit_file(&file);
    lengths.complaints
}

struct Lengths<'a> {
    path: &'a str,
    complaints: Vec<String>,
}

impl Lengths<'_> {
    fn measure(&mut self, signature: &Signature, end: Span) {
        let first = signature.fn_token.span.start().line;
        let lines = end.end().line + 1 - first;
        if lines > LONGEST {
            let name = &signature.ident;
            self.complaints
                .push(format!("{}:{first}: fn {name} has {lines} lines, {LONGEST} at most", self.path));
        }
    }
}

impl<'ast> Visit<'ast> for Lengths<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, function.block.brace_token.span.close());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, function.block.brace_token.span.close());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block.brace_token.span.close());
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[test]
fn functions_stay_short() {
    crate::none(&sources::with_extension("", &["rs"]).iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn long_functions_are_found() {
    let complain = |lines: usize, around: (&str, &str)| {
        let text = format!("{}fn long() {{{}}}{}", around.0, "\n".repeat(lines - 1), around.1);
        complaints(&Source { path: "a.rs".into(), text }).len()
    };
    for around in
        [("", ""), ("impl A { ", " }"), ("trait A { ", " }"), ("fn outer() { ", " }"), ("mod a { ", " }")]
    {
        assert_eq!(complain(59, around), 0, "{around:?}");
        assert_ne!(complain(61, around), 0, "{around:?}");
    }
    assert_eq!((complain(60, ("", "")), complain(61, ("", ""))), (0, 1));
}
