//! Label selectors and the requirements they are made of.
//!
//! Invariant: requirements are sorted by their labels, and each is one that the server accepts, unless they were made of
//! labels that nobody has checked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1;

use super::{label_name_faults, label_value_faults, parse};
use crate::error::Error;
use crate::status::quoted;

/// Which labels an object must have; the default selects everything. apimachinery's `labels.Selector`.
///
/// ```
/// use portolan::meta::{LabelOperator, LabelRequirement, LabelSelector};
/// let selector: LabelSelector = "app=web,tier in (front, back)".parse()?;
/// let selector = selector.and(LabelRequirement::new("canary", LabelOperator::DoesNotExist, [""; 0])?);
/// assert_eq!(selector.to_string(), "app=web,!canary,tier in (back,front)");
/// # Ok::<(), portolan::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LabelSelector(Vec<LabelRequirement>);

/// What one label must be. apimachinery's `labels.Requirement`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelRequirement {
    label: String,
    operator: LabelOperator,
    values: Vec<String>,
}

/// How a label relates to a requirement's values. apimachinery's `selection.Operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LabelOperator {
    /// `a=b`: it is there and is the one value.
    Equals,
    /// `a==b`: the same, written in another way.
    DoubleEquals,
    /// `a!=b`: it is not there or is not the one value.
    NotEquals,
    /// `a in (b,c)`: it is there and is one of the values.
    In,
    /// `a notin (b,c)`: it is not there or is none of the values.
    NotIn,
    /// `a`: it is there.
    Exists,
    /// `!a`: it is not there.
    DoesNotExist,
    /// `a>1`: it is an integer above the one value.
    GreaterThan,
    /// `a<1`: it is an integer below the one value.
    LessThan,
}

impl LabelRequirement {
    /// A requirement that the server accepts. Fails when the label or a value is none, or when there are too few or too
    /// many values: one of `=`, `==`, `!=`, `>` and `<`, none for being there or not, at least one of `in` and `notin`.
    /// [`Error::message`] is then what the server says of it. apimachinery's `labels.NewRequirement`.
    pub fn new<V: Into<String>>(
        label: &str,
        operator: LabelOperator,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Self, Error> {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        let requirement = Self { label: label.to_owned(), operator, values };
        let what = match requirement.faults().as_slice() {
            [] => return Ok(requirement),
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        Err(Error::config(what).doing(format!("label requirement on {label:?}")))
    }

    /// The label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How it relates to the values.
    pub fn operator(&self) -> LabelOperator {
        self.operator
    }

    /// The values, as they were given; sorted when they were read from text.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether an object with `labels` fulfils it.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        use LabelOperator::{
            DoesNotExist, DoubleEquals, Equals, Exists, GreaterThan, In, LessThan, NotEquals, NotIn,
        };
        let value = labels.get(&self.label);
        let is_one = || value.is_some_and(|value| self.values.contains(value));
        let integers = || Some((integer(value)?, integer(self.values.first())?));
        match self.operator {
            Equals | DoubleEquals | In => is_one(),
            NotEquals | NotIn => !is_one(),
            Exists => value.is_some(),
            DoesNotExist => value.is_none(),
            GreaterThan => integers().is_some_and(|(value, bound)| value > bound),
            LessThan => integers().is_some_and(|(value, bound)| value < bound),
        }
    }

    /// What is wrong with it, as the server says it.
    fn faults(&self) -> Vec<String> {
        use LabelOperator::{
            DoesNotExist, DoubleEquals, Equals, Exists, GreaterThan, In, LessThan, NotEquals, NotIn,
        };
        let count = self.values.len();
        let is_order = matches!(self.operator, GreaterThan | LessThan);
        let wrong_count = match self.operator {
            In | NotIn if count == 0 => "for 'in', 'notin' operators, values set can't be empty",
            Equals | DoubleEquals | NotEquals if count != 1 => {
                "exact-match compatibility requires one single value"
            }
            Exists | DoesNotExist if count != 0 => "values set must be empty for exists and does not exist",
            GreaterThan | LessThan if count != 1 => "for 'Gt', 'Lt' operators, exactly one value is required",
            _ => "",
        };
        let mut faults = Vec::new();
        let name_faults = label_name_faults(&self.label);
        if !name_faults.is_empty() {
            let key = quoted(&self.label);
            faults.push(format!("key: Invalid value: {key}: {}", name_faults.join("; ")));
        }
        if !wrong_count.is_empty() {
            faults.push(format!("values: Invalid value: {:?}: {wrong_count}", self.values));
        }
        for (index, value) in self.values.iter().enumerate().filter(|_| is_order) {
            if integer(Some(value)).is_none() {
                let what = "for 'Gt', 'Lt' operators, the value must be an integer";
                faults.push(format!("values[{index}]: Invalid value: {}: {what}", quoted(value)));
            }
        }
        for (index, value) in self.values.iter().enumerate() {
            let what = label_value_faults(value);
            if !what.is_empty() {
                let (label, value, what) = (&self.label, quoted(value), what.join("; "));
                faults.push(format!("values[{index}][{label}]: Invalid value: {value}: {what}"));
            }
        }
        faults
    }
}

fn integer(value: Option<&String>) -> Option<i64> {
    value.and_then(|value| value.parse().ok())
}

impl LabelSelector {
    /// Selects objects that have all of `labels`, which nobody checks: as text, the value `x,tier=y` is one requirement
    /// more to the server. Take [`from_checked_labels`](Self::from_checked_labels) for labels that are not your own.
    /// apimachinery's `labels.SelectorFromSet`.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let equals = |(label, value): (&str, &str)| LabelRequirement {
            label: label.to_owned(),
            operator: LabelOperator::Equals,
            values: vec![value.to_owned()],
        };
        labels.into_iter().map(equals).collect()
    }

    /// Selects objects that have all of `labels`, once each is a label. apimachinery's `labels.ValidatedSelectorFromSet`.
    pub fn from_checked_labels<'a>(
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Error> {
        let equals = |(label, value)| LabelRequirement::new(label, LabelOperator::Equals, [value]);
        labels.into_iter().map(equals).collect()
    }

    /// Selects what it selects and `requirement` too. apimachinery's `Selector.Add`.
    #[must_use]
    pub fn and(self, requirement: LabelRequirement) -> Self {
        self.0.into_iter().chain([requirement]).collect()
    }

    /// What it requires, sorted by label.
    pub fn requirements(&self) -> &[LabelRequirement] {
        &self.0
    }

    /// The one value that `label` must have, when it can have but one. apimachinery's `Selector.RequiresExactMatch`.
    pub fn exact_match(&self, label: &str) -> Option<&str> {
        use LabelOperator::{DoubleEquals, Equals, In};
        let requirement = self.0.iter().find(|requirement| requirement.label == label)?;
        match (requirement.operator, requirement.values.as_slice()) {
            (Equals | DoubleEquals | In, [value]) => Some(value),
            _ => None,
        }
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object with `labels` is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels))
    }
}

impl FromIterator<LabelRequirement> for LabelSelector {
    fn from_iter<I: IntoIterator<Item = LabelRequirement>>(requirements: I) -> Self {
        let mut requirements: Vec<_> = requirements.into_iter().collect();
        requirements.sort_by(|left, right| left.label.cmp(&right.label));
        Self(requirements)
    }
}

impl fmt::Display for LabelRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use LabelOperator::{
            DoesNotExist, DoubleEquals, Equals, Exists, GreaterThan, In, LessThan, NotEquals, NotIn,
        };
        let mut values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        values.sort_unstable();
        let (label, values) = (&self.label, values.join(","));
        match self.operator {
            Equals => write!(f, "{label}={values}"),
            DoubleEquals => write!(f, "{label}=={values}"),
            NotEquals => write!(f, "{label}!={values}"),
            In => write!(f, "{label} in ({values})"),
            NotIn => write!(f, "{label} notin ({values})"),
            Exists => f.write_str(label),
            DoesNotExist => write!(f, "!{label}"),
            GreaterThan => write!(f, "{label}>{values}"),
            LessThan => write!(f, "{label}<{values}"),
        }
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

/// Reads the text of `kubectl --selector`: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`. Where it cannot,
/// [`Error::message`] is what the server says of such a text. apimachinery's `labels.Parse`.
impl FromStr for LabelSelector {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        parse::requirements(text)
            .map(Self::from_iter)
            .map_err(|what| Error::config(what).doing(format!("label selector {text:?}")))
    }
}

/// The selector in the spec of a Deployment, a Service's policy and the like; an empty one selects everything. Fails when a
/// requirement is one that the server would refuse. apimachinery's `metav1.LabelSelectorAsSelector`.
///
/// ```
/// use k8s_openapi::apimachinery::pkg::apis::meta::v1;
/// use portolan::meta::LabelSelector;
/// let labels = [("app".to_owned(), "web".to_owned())].into();
/// let spec = v1::LabelSelector { match_labels: Some(labels), ..Default::default() };
/// assert_eq!(LabelSelector::try_from(&spec)?.to_string(), "app=web");
/// # Ok::<(), portolan::Error>(())
/// ```
impl TryFrom<&v1::LabelSelector> for LabelSelector {
    type Error = Error;

    fn try_from(selector: &v1::LabelSelector) -> Result<Self, Error> {
        let labels = selector.match_labels.iter().flatten();
        let equal = labels.map(|(label, value)| LabelRequirement::new(label, LabelOperator::Equals, [value]));
        let expressions = selector.match_expressions.iter().flatten().map(|expression| {
            let operator = match expression.operator.as_str() {
                "In" => LabelOperator::In,
                "NotIn" => LabelOperator::NotIn,
                "Exists" => LabelOperator::Exists,
                "DoesNotExist" => LabelOperator::DoesNotExist,
                other => {
                    let text = format!("{other:?} is no operator: use In, NotIn, Exists or DoesNotExist");
                    return Err(Error::config(format!("label selector: {}: {text}", expression.key)));
                }
            };
            LabelRequirement::new(&expression.key, operator, expression.values.iter().flatten())
        });
        equal.chain(expressions).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
    }

    /// The cases of apimachinery's `TestLabelSelectorAsSelector`, and the operators it leaves out.
    #[test]
    fn the_selector_of_a_spec_is_read() {
        let expression = |operator: &str, values: &[&str]| v1::LabelSelectorRequirement {
            key: "baz".to_owned(),
            operator: operator.to_owned(),
            values: (!values.is_empty()).then(|| values.iter().map(|value| (*value).to_owned()).collect()),
        };
        let read = |labels: &[(&str, &str)], expressions: Vec<v1::LabelSelectorRequirement>| {
            let given = v1::LabelSelector {
                match_labels: (!labels.is_empty()).then(|| self::labels(labels)),
                match_expressions: (!expressions.is_empty()).then_some(expressions),
            };
            LabelSelector::try_from(&given).map(|selector| selector.to_string())
        };
        let (labels, values) = ([("foo", "bar")], ["qux", "norf"]);
        assert_eq!(read(&[], Vec::new()).unwrap(), "");
        assert_eq!(read(&labels, Vec::new()).unwrap(), "foo=bar");
        assert_eq!(read(&[], vec![expression("In", &values)]).unwrap(), "baz in (norf,qux)");
        assert_eq!(read(&labels, vec![expression("In", &values)]).unwrap(), "baz in (norf,qux),foo=bar");
        assert_eq!(read(&[], vec![expression("NotIn", &values)]).unwrap(), "baz notin (norf,qux)");
        assert_eq!(read(&[], vec![expression("Exists", &[])]).unwrap(), "baz");
        assert_eq!(read(&[], vec![expression("DoesNotExist", &[])]).unwrap(), "!baz");
        assert!(read(&[], vec![expression("Exists", &values)]).is_err());
        assert!(read(&[("-", "bar")], Vec::new()).is_err());
        let error = read(&[], vec![expression("in", &values)]).unwrap_err().to_string();
        assert_eq!(
            error,
            r#"label selector: baz: "in" is no operator: use In, NotIn, Exists or DoesNotExist"#
        );
    }

    #[test]
    fn selectors_match_as_the_server_matches() {
        let object = labels(&[("app", "web"), ("tier", "front"), ("generation", "3")]);
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=back", true),
            ("app in (api, web)", true),
            ("app notin (web)", false),
            ("missing notin (x)", true),
            ("missing!=x", true),
            ("app,!missing", true),
            ("!app", false),
            ("generation>2,generation<4", true),
            ("generation>3", false),
            ("app>3", false),
        ] {
            let selector: LabelSelector = text.parse().unwrap();
            assert_eq!(selector.matches(&object), expected, "{text}");
            assert_eq!(selector.to_string().parse::<LabelSelector>().unwrap(), selector, "{text}");
        }
    }

    #[test]
    fn a_wrong_selector_is_told_as_the_server_tells_it() {
        for (text, expected) in [
            ("=x", "found '=', expected: !, identifier, or 'end of string'"),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            ("!a in (b)", "found 'in', expected: ',' or 'end of string'"),
            ("a,,b", "found ',', expected: identifier after ','"),
            ("a,", "found '', expected: identifier after ','"),
            ("!!a", "unable to parse requirement: found '!', expected: identifier"),
            ("a=>b", "unable to parse requirement: found '>', expected: identifier"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a in (b,=)", "unable to parse requirement: found '=', expected: ',', or identifier"),
            (
                "/c",
                r#"unable to parse requirement: <nil>: Invalid value: "/c": prefix part must be non-empty"#,
            ),
            (
                "a>b",
                r#"unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer"#,
            ),
        ] {
            let error = text.parse::<LabelSelector>().unwrap_err();
            assert_eq!(error.message(), expected, "{text}");
            assert_eq!(error.to_string(), format!("label selector {text:?}: {expected}"));
        }
    }

    #[test]
    fn every_fault_of_a_requirement_is_told() {
        let told = |label: &str, operator, values: &[&str]| {
            let made = LabelRequirement::new(label, operator, values.iter().copied());
            made.unwrap_err().message().to_owned()
        };
        let long = "x".repeat(64);
        assert_eq!(
            told("/c", LabelOperator::In, &["a", &long]),
            format!(
                r#"[key: Invalid value: "/c": prefix part must be non-empty, values[1][/c]: Invalid value: "{long}": must be no more than 63 bytes]"#
            )
        );
        let (at_least, one, none) = (
            "for 'in', 'notin' operators, values set can't be empty",
            "exact-match compatibility requires one single value",
            "values set must be empty for exists and does not exist",
        );
        assert_eq!(told("a", LabelOperator::NotIn, &[]), format!("values: Invalid value: []: {at_least}"));
        assert_eq!(told("a", LabelOperator::Equals, &[]), format!("values: Invalid value: []: {one}"));
        assert_eq!(
            told("a", LabelOperator::Exists, &["b"]),
            format!(r#"values: Invalid value: ["b"]: {none}"#)
        );
        let order = "for 'Gt', 'Lt' operators, exactly one value is required";
        assert_eq!(told("a", LabelOperator::LessThan, &[]), format!("values: Invalid value: []: {order}"));
    }

    #[test]
    fn labels_are_checked_when_asked_to() {
        let long = "x".repeat(64);
        for (label, value, is_right) in [
            ("a.example/b", "c", true),
            ("a", "", true),
            ("a", &long, false),
            (&long, "a", false),
            ("", "a", false),
            ("/b", "a", false),
            ("a", "b\nc", false),
        ] {
            assert_eq!(
                LabelSelector::from_checked_labels([(label, value)]).is_ok(),
                is_right,
                "{label}={value}"
            );
        }
        assert_eq!(LabelSelector::from_labels([("b", "1"), ("a", "\u{fc}")]).to_string(), "a=\u{fc},b=1");
    }
}
