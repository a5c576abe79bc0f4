//! What names and values of labels may be, and what the server says of those that are none.
//!
//! After apimachinery's `pkg/api/validate/content/kube.go` and `dns.go`, v0.37, whose words these are.

/// The longest name of a label, without its prefix, and the longest value, in bytes.
const LONGEST: usize = 63;
/// The longest prefix of a label's name, in bytes.
const LONGEST_PREFIX: usize = 253;

const EMPTY: &str = "must be non-empty";
const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const DNS_NAME: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// What is wrong with the name of a label, as the server says it; nothing when it is one: an optional DNS name and a slash,
/// then 1 to 63 bytes of a-z, A-Z, 0-9 and inner `-`, `_`, `.`. apimachinery's `validation.IsQualifiedName`.
///
/// ```
/// use portolan::meta::label_name_faults;
/// assert!(label_name_faults("example.com/tier").is_empty());
/// assert_eq!(label_name_faults("/tier"), ["prefix part must be non-empty"]);
/// ```
pub fn label_name_faults(name: &str) -> Vec<String> {
    let (prefix, name) = match name.split_once('/') {
        None => (None, name),
        Some((_, name)) if name.contains('/') => {
            let prefix = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {NAME} {prefix}")];
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    let mut faults = Vec::new();
    match prefix {
        Some("") => faults.push(format!("prefix part {EMPTY}")),
        Some(prefix) => {
            faults.extend(too_long(prefix, LONGEST_PREFIX).map(|what| format!("prefix part {what}")));
            faults.extend(dns_name_fault(prefix).map(|what| format!("prefix part {what}")));
        }
        None => {}
    }
    let is_empty = name.is_empty();
    faults.extend(is_empty.then(|| format!("name part {EMPTY}")));
    faults.extend(too_long(name, LONGEST).map(|what| format!("name part {what}")));
    faults.extend((is_empty || !has_right_bytes(name)).then(|| format!("name part {NAME}")));
    faults
}

/// What is wrong with the value of a label, as the server says it; nothing when [it is one](is_label_value).
/// apimachinery's `validation.IsValidLabelValue`.
///
/// ```
/// use portolan::meta::label_value_faults;
/// assert_eq!(label_value_faults(&"x".repeat(64)), ["must be no more than 63 bytes"]);
/// ```
pub fn label_value_faults(text: &str) -> Vec<String> {
    let wrong_bytes = (!has_right_bytes(text)).then(|| VALUE.to_owned());
    too_long(text, LONGEST).into_iter().chain(wrong_bytes).collect()
}

/// Whether `text` can be the value of a label: nothing, or up to 63 bytes of a-z, A-Z, 0-9 and inner `-`, `_`, `.`.
/// [`label_value_faults`] tells why not.
///
/// ```
/// use portolan::meta::is_label_value;
/// assert!(is_label_value("") && is_label_value("v1.2_3-x"));
/// assert!(!is_label_value("-x") && !is_label_value("a b"));
/// ```
pub fn is_label_value(text: &str) -> bool {
    text.len() <= LONGEST && has_right_bytes(text)
}

fn too_long(text: &str, longest: usize) -> Option<String> {
    (text.len() > longest).then(|| format!("must be no more than {longest} bytes"))
}

fn has_right_bytes(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let bytes = text.as_bytes();
    bytes.iter().copied().all(is_inner)
        && bytes.first().is_none_or(u8::is_ascii_alphanumeric)
        && bytes.last().is_none_or(u8::is_ascii_alphanumeric)
}

/// What is wrong with the characters of a DNS name such as `example.com`, as the server says it; how long it may be is said
/// elsewhere. Part of apimachinery's `validation.IsDNS1123Subdomain`.
///
/// ```
/// use portolan::meta::dns_name_fault;
/// assert!(dns_name_fault("web-1.example").is_none() && dns_name_fault("Web").is_some());
/// ```
pub fn dns_name_fault(text: &str) -> Option<&'static str> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(is_inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    (!text.split('.').all(is_part)).then_some(DNS_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_label_is_told() {
        let long = "-".repeat(254);
        for (name, faults) in [
            ("a.b/c_D.1", Vec::new()),
            (
                "a/b/c",
                vec![format!(
                    "a valid label key {NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
                )],
            ),
            (
                "/",
                vec![
                    "prefix part must be non-empty".into(),
                    "name part must be non-empty".into(),
                    format!("name part {NAME}"),
                ],
            ),
            ("a..b/c", vec![format!("prefix part {DNS_NAME}")]),
            (
                &format!("{long}/c"),
                vec!["prefix part must be no more than 253 bytes".into(), format!("prefix part {DNS_NAME}")],
            ),
            (&long, vec!["name part must be no more than 63 bytes".into(), format!("name part {NAME}")]),
            ("ü", vec![format!("name part {NAME}")]),
        ] {
            assert_eq!(label_name_faults(name), faults, "{name}");
        }
        assert_eq!(label_value_faults(&long), ["must be no more than 63 bytes", VALUE]);
        assert!(label_value_faults("").is_empty());
    }
}
