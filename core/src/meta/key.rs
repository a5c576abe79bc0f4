//! The key of an object within its resource: `namespace/name`, or `name` alone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::Error;

/// `namespace/name`, or `name` for a cluster-scoped object. Cheap to clone. client-go's `MetaNamespaceKeyFunc` text and
/// `cache.ObjectName`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of `name` in `namespace`; an empty namespace means a cluster-scoped object.
    pub fn new(namespace: &str, name: &str) -> Self {
        if namespace.is_empty() {
            Self(name.into())
        } else {
            let mut text = String::with_capacity(namespace.len() + 1 + name.len());
            text.push_str(namespace);
            text.push('/');
            text.push_str(name);
            Self(text.into())
        }
    }

    /// The namespace, "" for a cluster-scoped object.
    pub fn namespace(&self) -> &str {
        self.slash().map_or("", |slash| &self.0[..slash])
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.slash().map_or(&self.0, |slash| &self.0[slash + 1..])
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the namespace ends. Byte by byte: workers ask for every item, and searching such a short text for a `char`
    /// takes several times as long.
    fn slash(&self) -> Option<usize> {
        self.0.bytes().position(|byte| byte == b'/')
    }
}

/// Reads `namespace/name` or `name`; more than one slash is an error. client-go's `SplitMetaNamespaceKey`.
impl FromStr for Key {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.matches('/').count() > 1 {
            return Err(Error::config(format!("key {text:?} is not `namespace/name` or `name`")));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_splits_as_it_was_made() {
        let pod = Key::new("default", "web-0");
        assert_eq!((pod.namespace(), pod.name(), pod.as_str()), ("default", "web-0", "default/web-0"));
        let node = Key::new("", "node-1");
        assert_eq!((node.namespace(), node.name(), node.as_str()), ("", "node-1", "node-1"));
        assert_eq!("default/web-0".parse::<Key>().unwrap(), pod);
        assert!("a/b/c".parse::<Key>().is_err());
    }
}
