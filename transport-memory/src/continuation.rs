//! The tokens that continue a list: the server's form, and what it says of what is none.
//!
//! After apiserver 0.36 `pkg/storage/continue.go`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::bodies::malformed;

/// The version of the tokens.
const TOKEN: &str = "meta.k8s.io/v1";

/// What a token holds.
#[derive(Default)]
struct Token {
    v: String,
    rv: i64,
    start: String,
}

/// The server's form: base64url of a small JSON object. Version -1 is the newest.
pub(crate) fn write_token(version: Option<u64>, start: &str) -> String {
    let version = version.map_or(Value::from(-1), Value::from);
    let text = json!({ "v": TOKEN, "rv": version, "start": start }).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

/// A version, `None` for the newest, and a first key; the error is what the server says of a token that is none.
pub(crate) fn read_token(token: &str) -> Result<(Option<u64>, String), String> {
    let refuse = |what: String| format!("continue key is not valid: {what}");
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| refuse(format!("illegal base64 data at input byte {}", first_wrong_byte(token))))?;
    let Token { v, rv, start } = Token::read(&bytes).map_err(refuse)?;
    if v != TOKEN {
        return Err(refuse(format!("server does not recognize this encoded version {v}")));
    }
    if rv == 0 {
        return Err(refuse(format!("incorrect encoded start resourceVersion (version {TOKEN})")));
    }
    if start.is_empty() {
        return Err(refuse(format!("encoded start key empty (version {TOKEN})")));
    }
    let path = start.strip_prefix('/').unwrap_or(&start);
    if start != "/" && path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(refuse(start));
    }
    Ok((u64::try_from(rv).ok(), path.to_owned()))
}

impl Token {
    /// Reads the JSON as Go reads it into its struct: members by name in any case, null for nothing said.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(bytes);
        let members = match serde_json::from_str(&text) {
            Ok(Value::Object(members)) => members,
            Ok(Value::Null) => Map::new(),
            Ok(other) => {
                let what = go_kind(&other);
                return Err(format!(
                    "json: cannot unmarshal {what} into Go value of type storage.continueToken"
                ));
            }
            Err(error) => return Err(malformed(bytes, &error)),
        };
        let mut token = Self::default();
        let wrong = |field: &str, is: &str, what: String| {
            format!("json: cannot unmarshal {what} into Go struct field continueToken.{field} of type {is}")
        };
        for (member, value) in members {
            let name = member.to_ascii_lowercase();
            match (name.as_str(), value) {
                (_, Value::Null) => {}
                ("v", Value::String(text)) => token.v = text,
                ("start", Value::String(text)) => token.start = text,
                ("v" | "start", other) => return Err(wrong(&name, "string", go_kind(&other).to_owned())),
                ("rv", Value::Number(number)) => {
                    let refuse = || wrong("rv", "int64", format!("number {}", as_written(&text, &member)));
                    token.rv = number.as_i64().ok_or_else(refuse)?;
                }
                ("rv", other) => return Err(wrong("rv", "int64", go_kind(&other).to_owned())),
                _ => {}
            }
        }
        Ok(token)
    }
}

/// The text of a member of the object that `text` is: Go tells a number as it was written.
fn as_written<'a>(text: &'a str, member: &str) -> &'a str {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    members.get(member).map_or("", |value| value.get())
}

/// What Go calls a value.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Where Go's decoder of base64 gives up.
fn first_wrong_byte(token: &str) -> usize {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    token.bytes().position(|byte| !is_digit(byte)).unwrap_or(token.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_written() {
        for start in ["a\0", "ab\0", "abc\0", "namespace/näme\0"] {
            let token = write_token(Some(42), start);
            assert!(!token.contains(['+', '/', '=']), "{token}");
            assert_eq!(read_token(&token).unwrap(), (Some(42), start.to_owned()));
        }
        assert_eq!(read_token(&write_token(None, "x")).unwrap(), (None, "x".to_owned()));
        assert_eq!(read_token(&write_token(Some(1), "/")).unwrap(), (Some(1), String::new()));
        for bad in ["", "!", "A", "AAAA", &write_token(Some(0), "x"), &write_token(Some(1), "")] {
            assert!(read_token(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_broken_token_is_refused_in_gos_words() {
        let refusal = |text: &str| read_token(&URL_SAFE_NO_PAD.encode(text)).unwrap_err();
        for (text, told) in [
            ("[]", "json: cannot unmarshal array into Go value of type storage.continueToken"),
            (
                r#"{"v":1}"#,
                "json: cannot unmarshal number into Go struct field continueToken.v of type string",
            ),
            (
                r#"{"rv":1.5}"#,
                "json: cannot unmarshal number 1.5 into Go struct field continueToken.rv of type int64",
            ),
            (
                r#"{"rv":99999999999999999999}"#,
                "json: cannot unmarshal number 99999999999999999999 into Go struct field continueToken.rv of type int64",
            ),
            ("null", "server does not recognize this encoded version "),
            (
                r#"{"V":"meta.k8s.io/v1","RV":0}"#,
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ),
        ] {
            assert_eq!(refusal(text), format!("continue key is not valid: {told}"), "{text}");
        }
    }
}
