//! The namespaces on show: all of them, or those that were chosen.

use super::order;
use super::reveal::line;

/// Which namespaces are on show, each once and in order; none chosen are all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Reads names parted by commas.
    pub fn parse(text: &str) -> Self {
        Self::of(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    fn of(mut names: Vec<String>) -> Self {
        order::sort(&mut names, Ord::cmp);
        names.dedup();
        Self(names)
    }

    /// As it is read.
    pub fn text(&self) -> String {
        self.names().collect::<Vec<_>>().join(",")
    }

    /// In words.
    pub fn words(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }

    /// The chosen names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many are chosen.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None is chosen: all are on show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what is in `namespace` is on show; what is in none ("") always is.
    pub fn holds(&self, namespace: &str) -> bool {
        self.0.is_empty() || namespace.is_empty() || self.0.iter().any(|name| name == namespace)
    }

    /// The same with `name` as well; or without it, if it was there.
    pub fn toggled(&self, name: &str) -> Self {
        let mut names: Vec<String> = self.0.iter().filter(|own| *own != name).cloned().collect();
        if names.len() == self.0.len() {
            names.push(name.to_owned());
        }
        Self::of(names)
    }
}

/// What the namespace switch offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The heading it stands under: one alone (""), one more, one less.
    pub group: &'static str,
    /// In words.
    pub label: String,
    /// The scope it makes, as text.
    pub value: String,
}

/// The headings of the switch under which one namespace is added, and taken away.
pub const GROUPS: [&str; 2] = ["Also", "Without"];

/// What the switch offers while `scope` is on show and there are the namespaces `names`.
pub fn choices(scope: &Scope, mut names: Vec<String>) -> Vec<Choice> {
    // A namespace from the address that is not (yet) there can still be seen to be chosen.
    names.extend(scope.names().map(str::to_owned));
    order::sort(&mut names, Ord::cmp);
    names.dedup();
    let choice = |group, label: String, value| Choice { group, label: line(&label).into_owned(), value };
    let mut choices = vec![choice("", "All namespaces".to_owned(), String::new())];
    if scope.len() > 1 {
        choices.push(choice("", scope.words(), scope.text()));
    }
    choices.extend(names.iter().map(|name| choice("", name.clone(), name.clone())));
    for name in names.iter().filter(|_| !scope.is_empty()) {
        let value = scope.toggled(name);
        match value.len() > scope.len() {
            true => choices.push(choice(GROUPS[0], format!("+ {name}"), value.text())),
            false if !value.is_empty() => choices.push(choice(GROUPS[1], format!("− {name}"), value.text())),
            false => {}
        }
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_namespaces_are_written_and_read_in_order() {
        let scope = Scope::parse("shop, bank,,shop");
        assert_eq!((scope.text().as_str(), scope.len()), ("bank,shop", 2));
        assert!(scope.holds("bank") && scope.holds("") && !scope.holds("web"));
        assert!(Scope::parse(" ").is_empty() && Scope::default().holds("web"));
    }

    #[test]
    fn the_switch_offers_one_alone_one_more_and_one_less() {
        let names = || ["bank", "shop", "web"].map(str::to_owned).to_vec();
        let values = |scope: &str, group: &str| -> Vec<String> {
            let all = choices(&Scope::parse(scope), names());
            all.into_iter().filter(|choice| choice.group == group).map(|choice| choice.value).collect()
        };
        assert_eq!(values("", ""), ["", "bank", "shop", "web"]);
        assert!(values("", "Also").is_empty());
        assert_eq!(values("shop", "Also"), ["bank,shop", "shop,web"]);
        assert!(values("shop", "Without").is_empty(), "one alone can only be replaced");
        assert_eq!(values("bank,shop", ""), ["", "bank,shop", "bank", "shop", "web"]);
        assert_eq!(values("bank,shop", "Without"), ["shop", "bank"]);
        assert_eq!(values("gone", "")[2], "gone", "what is not there can be seen to be chosen");
    }
}
