//! Names of the API as Rust writes them. Invariant: whatever the text, the result is an identifier.

/// Words that cannot name anything in Rust unless marked as raw.
const KEYWORDS: [&str; 47] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
];

/// `podIP` as `pod_ip`.
pub(crate) fn snake(name: &str) -> String {
    identifier(words(name).join("_"), "_")
}

/// `podIP` as `PodIp`.
pub(crate) fn pascal(name: &str) -> String {
    identifier(words(name).iter().map(|word| capital(word)).collect(), "Value")
}

/// What serde's `rename_all = "camelCase"` makes of a field's name.
pub(crate) fn camel(snake: &str) -> String {
    let snake = snake.strip_prefix("r#").unwrap_or(snake);
    let capitals: String = snake.split('_').map(capital).collect();
    let mut letters = capitals.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// In lower case: apart at capitals and at what is no letter or digit; a run of capitals is one word.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let is_lower = |at: usize| letters.get(at).is_some_and(|letter| letter.is_lowercase());
        let before = at.checked_sub(1).map(|before| letters[before]);
        let is_plural = letters.get(at + 1) == Some(&'s') && !is_lower(at + 2); // the P of podIPs
        let starts = letter.is_uppercase()
            && (before.is_some_and(|before| !before.is_uppercase()) || is_lower(at + 1) && !is_plural);
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn identifier(name: String, prefix: &str) -> String {
    match name.as_str() {
        "" => if prefix == "_" { "empty" } else { "Empty" }.to_owned(),
        "self" | "super" | "crate" | "Self" => format!("{name}_"),
        word if KEYWORDS.contains(&word) => format!("r#{word}"),
        word if word.starts_with(char::is_numeric) => format!("{prefix}{word}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_identifiers() {
        let cases = [
            ("replicas", "replicas", "Replicas"),
            ("podIP", "pod_ip", "PodIp"),
            ("clusterIPs", "cluster_ips", "ClusterIps"),
            ("IPsOf", "ips_of", "IpsOf"),
            ("HTTPRoute", "http_route", "HttpRoute"),
            ("type", "r#type", "Type"),
            ("self", "self_", "Self_"),
            ("x-y.z", "x_y_z", "XYZ"),
            ("443", "_443", "Value443"),
            ("", "empty", "Empty"),
            ("*", "empty", "Empty"),
        ];
        for (name, field, kind) in cases {
            assert_eq!((snake(name).as_str(), pascal(name).as_str()), (field, kind), "{name:?}");
        }
        assert_eq!((camel("pod_ip").as_str(), camel("r#type").as_str()), ("podIp", "type"));
    }
}
