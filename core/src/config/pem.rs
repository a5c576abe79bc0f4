//! Looks whether base64 and PEM are what a field claims, so that the error names the field and not the TLS library.
//!
//! Invariant: no byte of what is looked at gets into an error.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// What a PEM text should hold.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    Certificate,
    Key,
}

impl Holds {
    fn label_fits(self, label: &str) -> bool {
        match self {
            Self::Certificate => matches!(label, "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE"),
            Self::Key => matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "private key",
        }
    }
}

/// Decodes base64 as Go does, line breaks ignored, and looks whether the PEM in it holds what it should.
pub(super) fn decode(text: &str, holds: Holds) -> Result<Bytes, String> {
    let joined: String = text.split_ascii_whitespace().collect();
    let data = STANDARD.decode(joined).map_err(|_| {
        "is not base64: encode the PEM file with `base64 -w0`, or name it without -data".to_owned()
    })?;
    check(&data, holds)?;
    Ok(data.into())
}

/// Looks whether `data` is PEM and holds what it should.
pub(super) fn check(data: &[u8], holds: Holds) -> Result<(), String> {
    let name = holds.name();
    let text = std::str::from_utf8(data).unwrap_or("");
    let mut label: Option<&str> = None;
    let mut body = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(begun) = marker(line, "-----BEGIN ") {
            (label, body) = (Some(begun), String::new());
        } else if let Some(ended) = marker(line, "-----END ") {
            let whole =
                label.take() == Some(ended) && STANDARD.decode(&body).is_ok_and(|der| !der.is_empty());
            if !whole {
                return Err(format!("holds a damaged PEM block ({ended}): write the {name} anew"));
            }
            if holds.label_fits(ended) {
                return Ok(());
            }
        } else if line.contains("ENCRYPTED") {
            return Err(encrypted());
        } else if label.is_some() && !line.contains(':') {
            body.push_str(line);
        }
    }
    if label.is_some() {
        return Err(format!("holds a PEM block without its end: write the {name} anew"));
    }
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return Err(encrypted());
    }
    Err(format!("holds no {name} in PEM form (-----BEGIN …-----): write one there"))
}

fn encrypted() -> String {
    "holds an encrypted private key: decrypt it first, for example with `openssl pkey`".to_owned()
}

fn marker<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}
