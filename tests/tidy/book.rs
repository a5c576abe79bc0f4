//! The book of docs/: its summary lists every page, every include has its file and anchor, every link its page
//! and heading.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use regex_lite::Regex;

use crate::sources::{self, Source};

const BOOK: &str = "docs";
const SUMMARY: &str = "docs/SUMMARY.md";

/// The pages by their path from the root, code blocks taken out of the texts in `prose`.
struct Book {
    pages: BTreeMap<String, String>,
    prose: BTreeMap<String, String>,
}

impl Book {
    fn new(pages: Vec<Source>) -> Self {
        let pages: BTreeMap<_, _> = pages.into_iter().map(|page| (page.path, page.text)).collect();
        let prose = pages.iter().map(|(path, text)| (path.clone(), without_code_blocks(text))).collect();
        Self { pages, prose }
    }

    /// Pages that the summary lacks.
    fn unlisted(&self) -> Vec<String> {
        let listed: BTreeSet<String> =
            links(&self.prose[SUMMARY]).iter().map(|link| beside(SUMMARY, link)).collect();
        let pages = self.pages.keys().filter(|path| *path != SUMMARY && !listed.contains(*path));
        pages.map(|path| format!("{path}: not in {SUMMARY}")).collect()
    }

    /// Links within the book that lead nowhere.
    fn dead_links(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (path, text) in &self.prose {
            for link in links(text).iter().filter(|link| !link.contains("://")) {
                let (file, heading) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { path.clone() } else { beside(path, file) };
                if !self.has(&target) {
                    complaints.push(format!("{path}: leads to {link}, which is not in the book"));
                } else if !heading.is_empty() && !self.headings(&target).contains(heading) {
                    complaints.push(format!("{path}: leads to {link}, but {target} has no such heading"));
                }
            }
        }
        complaints
    }

    fn has(&self, target: &str) -> bool {
        let is_page = target.ends_with(".md");
        self.pages.contains_key(target)
            || (!is_page && target.starts_with("docs/") && sources::exists(target))
    }

    /// What mdBook makes of a page's headings for addresses.
    fn headings(&self, path: &str) -> BTreeSet<String> {
        let lines = self.prose.get(path).into_iter().flat_map(|text| text.lines());
        let titles =
            lines.filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
        titles.map(address).collect()
    }

    /// Includes of what is not there.
    fn dead_includes(&self) -> Vec<String> {
        let include = Regex::new(r"\{\{#include ([^}:]+)(?::([^}]+))?\}\}").unwrap();
        let mut complaints = Vec::new();
        for (path, text) in &self.pages {
            for found in include.captures_iter(text) {
                let file = beside(path, &found[1]);
                let Some(text) = sources::exists(&file).then(|| sources::text(&file)) else {
                    complaints.push(format!("{path}: includes {file}, which is not there"));
                    continue;
                };
                let Some(anchor) = found.get(2).map(|anchor| anchor.as_str()) else { continue };
                let has = |mark: &str| {
                    text.lines().any(|line| line.trim_end().ends_with(&format!("{mark}: {anchor}")))
                };
                if !has("ANCHOR") || !has("ANCHOR_END") {
                    complaints.push(format!(
                        "{path}: includes {anchor} of {file}, where no such anchor begins and ends"
                    ));
                }
            }
        }
        complaints
    }
}

fn without_code_blocks(text: &str) -> String {
    let mut inside = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    prose.collect::<Vec<_>>().join("\n")
}

fn links(prose: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)]+)\)").unwrap();
    link.captures_iter(prose).map(|found| found[1].to_owned()).collect()
}

/// The path that `link` of the page at `path` leads to, from the root.
fn beside(path: &str, link: &str) -> String {
    let mut target = PathBuf::new();
    for part in Path::new(path).parent().unwrap().join(link).components() {
        match part {
            Component::ParentDir => drop(target.pop()),
            Component::CurDir => {}
            part => target.push(part),
        }
    }
    target.to_str().unwrap().to_owned()
}

fn address(title: &str) -> String {
    let kept = title.to_lowercase().replace(' ', "-");
    kept.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_')).collect()
}

fn book() -> Book {
    Book::new(sources::with_extension(BOOK, &["md"]))
}

#[test]
fn the_summary_lists_every_page() {
    crate::none(&book().unlisted());
}

#[test]
fn links_lead_somewhere() {
    crate::none(&book().dead_links());
}

#[test]
fn what_is_included_is_there() {
    crate::none(&book().dead_includes());
}

#[test]
fn faults_of_a_book_are_found() {
    let page = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let summary = page(SUMMARY, "- [One](one.md)\n");
    let include = |what: &str| format!("{{{{#include {what}}}}}");
    let book = Book::new(vec![
        summary,
        page(
            "docs/one.md",
            "# A head, of `it`\n[a](#a-head-of-it) [b](#b) [c](nowhere.md) [d](../README.md) [e](https://e.org)\n```\n[f](f.md)\n```",
        ),
        page("docs/two.md", &["a.rs", "../Cargo.toml", "../Cargo.toml:nothing"].map(include).join("\n")),
    ]);
    assert_eq!(book.unlisted(), ["docs/two.md: not in docs/SUMMARY.md"]);
    assert_eq!(book.dead_links().len(), 3, "{:?}", book.dead_links());
    assert_eq!(book.dead_includes().len(), 2, "{:?}", book.dead_includes());
}
