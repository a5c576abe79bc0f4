//! Opaque texts of the server that must be handed back unread: resource versions and continue tokens.

use std::fmt;

/// The version of an object or of a list. Opaque but for one rule of the API: where both are decimal numbers, the
/// greater is the newer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceVersion(String);

impl ResourceVersion {
    /// "0": any version, the server's cache included.
    pub fn any() -> Self {
        Self("0".to_owned())
    }

    /// The text; "" is unset.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no version is given.
    pub fn is_unset(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of two versions is newer; `None` unless both are decimal numbers. apimachinery's
    /// `resourceversion.CompareResourceVersion`.
    pub fn compare(&self, other: &ResourceVersion) -> Option<std::cmp::Ordering> {
        Self::compare_text(&self.0, &other.0)
    }

    /// [`compare`](Self::compare) for versions that are still text inside an object.
    pub fn compare_text(left: &str, right: &str) -> Option<std::cmp::Ordering> {
        let (left, right) = (decimal(left)?, decimal(right)?);
        Some(left.len().cmp(&right.len()).then_with(|| left.cmp(right)))
    }
}

/// The digits of a positive decimal number without leading zeros, or "0".
fn decimal(text: &str) -> Option<&str> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then_some(text)
}

impl From<&str> for ResourceVersion {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for ResourceVersion {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for ResourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a chunked list goes on; handed back as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Continue(String);

impl Continue {
    /// The text; "" at the end of the list.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the list ends here.
    pub fn is_end(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Continue {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Continue {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn versions_compare_as_numbers_of_any_length() {
        let compare = |a: &str, b: &str| ResourceVersion::from(a).compare(&ResourceVersion::from(b));
        assert_eq!(compare("9", "10"), Some(Ordering::Less));
        assert_eq!(compare("340282366920938463463374607431768211456", "7"), Some(Ordering::Greater));
        assert_eq!(compare("7", "7"), Some(Ordering::Equal));
        assert_eq!(compare("07", "7"), None);
        assert_eq!(compare("abc", "7"), None);
        assert_eq!(compare("", "7"), None);
    }
}
