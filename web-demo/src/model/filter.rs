//! The filter box: words that must all be there, `!word` that must not, `is:unready` and its siblings, and selectors as
//! kubectl knows them: `label:app in (a,b),!canary` and `field:status.phase=Running`.
//!
//! Invariant: whatever the box holds there is a filter; a selector that cannot be read is told and left out.

use std::str::FromStr;

use portolan::meta::{FieldSelector, LabelSelector};
use portolan::object::Path;

use super::cell::Tone;
use super::manifest::Manifest;
use super::scope::Scope;

/// A parsed filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    scope: Scope,
    terms: Vec<Term>,
    problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Has(String),
    Lacks(String),
    Is(&'static [Tone]),
    Labels(LabelSelector),
    Fields(FieldSelector),
}

/// The words after `is:` and the tones they mean.
const STATES: &[(&str, &[Tone])] = &[
    ("ready", &[Tone::Good, Tone::Plain, Tone::Idle]),
    ("unready", &[Tone::Busy, Tone::Warn, Tone::Bad]),
    ("failing", &[Tone::Bad]),
    ("warning", &[Tone::Warn]),
    ("pending", &[Tone::Busy]),
];

const LABELS: &str = "label:";
const FIELDS: &str = "field:";

impl Filter {
    /// Reads the box's `text` for the namespaces of `scope`. An unknown word after `is:` matches as plain text.
    pub fn parse(scope: &Scope, text: &str) -> Self {
        let mut filter = Self { scope: scope.clone(), ..Self::default() };
        for word in words(text) {
            match term(word) {
                Ok(term) => filter.terms.extend(term),
                Err(problem) => filter.problem = Some(problem),
            }
        }
        filter
    }

    /// What is wrong with a selector in it, and what to do.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether an object of `namespace` ("" without one) is in a namespace asked for.
    pub fn here(&self, namespace: &str) -> bool {
        self.scope.holds(namespace)
    }

    /// Whether a row passes: its namespace, its text in lower case, its tone, its object.
    pub fn accepts(&self, namespace: &str, text: &str, tone: Tone, object: &Manifest) -> bool {
        self.here(namespace)
            && self.terms.iter().all(|term| match term {
                Term::Has(word) => text.contains(word.as_str()),
                Term::Lacks(word) => !text.contains(word.as_str()),
                Term::Is(tones) => tones.contains(&tone),
                Term::Labels(selector) => {
                    selector.matches(&object.read("metadata.labels").unwrap_or_default())
                }
                Term::Fields(selector) => selector.matches(|path| object.text(path)),
            })
    }
}

/// One word of the box; nothing for a selector that has only been begun.
fn term(word: &str) -> Result<Option<Term>, String> {
    if let Some(text) = word.strip_prefix(LABELS) {
        let selector = read::<LabelSelector>(LABELS, text, "app in (a,b),!canary")?;
        return Ok(Some(Term::Labels(selector)).filter(|_| !text.is_empty()));
    }
    if let Some(text) = word.strip_prefix(FIELDS) {
        let example = "status.phase=Running,spec.nodeName!=node-1";
        let selector = read::<FieldSelector>(FIELDS, text, example)?;
        for field in selector.fields() {
            read::<Path>(FIELDS, field, example)?;
        }
        return Ok(Some(Term::Fields(selector)).filter(|_| !text.is_empty()));
    }
    // Names in Kubernetes have no other letters; the tables for all that have two forms are 6 KB of the page.
    let word = word.to_ascii_lowercase();
    let state = word.strip_prefix("is:").and_then(|name| STATES.iter().find(|(state, _)| *state == name));
    Ok(Some(match (state, word.strip_prefix('!')) {
        (Some((_, tones)), _) => Term::Is(tones),
        (None, Some(rest)) if !rest.is_empty() => Term::Lacks(rest.to_owned()),
        _ => Term::Has(word),
    }))
}

fn read<T: FromStr<Err = portolan::Error>>(prefix: &str, text: &str, example: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{prefix} is left out: {error}. Write it like {prefix}{example}"))
}

/// Cuts the box's text at its spaces; a selector may hold some: in brackets, after a comma, around `in` and `notin`.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let selector = rest.starts_with(LABELS) || rest.starts_with(FIELDS);
        let plain = || rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(if selector { end_of_selector(rest) } else { plain() });
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn end_of_selector(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if letter.is_whitespace() && depth == 0 && !goes_on(&text[..at], &text[at..]) => return at,
            _ => {}
        }
    }
    text.len()
}

/// Whether a selector goes on behind the space between these two.
fn goes_on(before: &str, after: &str) -> bool {
    let (before, after) = (before.trim_end(), after.trim_start());
    let joins = |word: &str| matches!(word, "in" | "notin");
    before.ends_with(',')
        || after.split([' ', '(']).next().is_some_and(joins)
        || after.starts_with('(') && before.rsplit(' ').next().is_some_and(joins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::manifest;
    use serde_json::json;

    fn parse(text: &str) -> Filter {
        Filter::parse(&Scope::default(), text)
    }

    fn accepts(filter: &Filter, namespace: &str, text: &str, tone: Tone) -> bool {
        filter.accepts(namespace, text, tone, &manifest(json!({})))
    }

    #[test]
    fn all_words_must_be_there_and_none_of_the_refused() {
        let filter = parse("Web !canary");
        assert!(accepts(&filter, "shop", "web-1 app=web", Tone::Good));
        assert!(!accepts(&filter, "shop", "web-canary-1", Tone::Good));
        assert!(!accepts(&filter, "shop", "db-1", Tone::Good));
    }

    #[test]
    fn states_and_namespaces_narrow() {
        let filter = Filter::parse(&Scope::parse("shop,web"), "is:unready");
        assert!(accepts(&filter, "shop", "", Tone::Busy) && accepts(&filter, "", "", Tone::Bad));
        assert!(accepts(&filter, "web", "", Tone::Warn));
        assert!(!accepts(&filter, "shop", "", Tone::Good) && !accepts(&filter, "bank", "", Tone::Bad));
        assert!(accepts(&parse("is:odd"), "", "what is:odd", Tone::Good));
        assert!(accepts(&parse("!"), "", "!", Tone::Good));
    }

    #[test]
    fn selectors_read_labels_and_fields_of_the_object_among_other_words() {
        let pod = manifest(json!({"metadata": {"labels": {"app": "web", "tier": "front"}},
            "spec": {"nodeName": "node-1", "containers": [{"image": "nginx:1"}]}, "status": {"phase": "Running"}}));
        let chosen = |text: &str| {
            let filter = parse(text);
            assert_eq!(filter.problem(), None, "{text}");
            filter.accepts("shop", "web-1 app=web", Tone::Good, &pod)
        };
        for text in [
            "label:app in (api, web),!canary web-1",
            "web-1 label:app=web, tier!=back is:ready",
            "label:tier notin(back) field:status.phase=Running,spec.nodeName!=node-2",
            "field:spec.containers[0].image=nginx:1",
            "label: web",
        ] {
            assert!(chosen(text), "{text}");
        }
        for text in [
            "label:app in (api)",
            "label:app=we",
            "label:!tier",
            "field:status.phase=Pending",
            "label:app=web db",
        ] {
            assert!(!chosen(text), "{text}");
        }
    }

    #[test]
    fn a_wrong_selector_is_told_and_the_other_words_still_count() {
        for text in ["label:app in (a web", "label:=x", "field:status.phase", "field:a[=b"] {
            let filter = parse(&format!("web {text}"));
            let problem = filter.problem().unwrap();
            assert!(problem.contains("is left out") && problem.contains("Write it like"), "{problem}");
            assert!(accepts(&filter, "", "web", Tone::Good) && !accepts(&filter, "", "db", Tone::Good));
        }
    }
}
