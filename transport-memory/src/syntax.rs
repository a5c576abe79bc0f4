//! What Go says of bytes that are no JSON: the words of `encoding/json/scanner.go`, Go 1.26.
//!
//! Invariant: no recursion, whatever is nested.

use portolan::status::quoted;

/// What comes of bytes that are not one JSON value: Go's words.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut input = Input { rest: bytes.iter() };
    let mut open = Vec::new();
    loop {
        if let Some(opened) = input.begin_value()? {
            open.push(opened);
            if opened == b'{' {
                input.key()?;
            }
            continue;
        }
        loop {
            let Some(within) = open.last().copied() else {
                return match input.token() {
                    None => Ok(()),
                    Some(byte) => wrong(byte, "after top-level value"),
                };
            };
            match (within, input.token().ok_or_else(ended)?) {
                (b'{', b'}') | (b'[', b']') => drop(open.pop()),
                (b'{', b',') => {
                    input.key()?;
                    break;
                }
                (b'[', b',') => break,
                (b'{', byte) => return wrong(byte, "after object key:value pair"),
                (_, byte) => return wrong(byte, "after array element"),
            }
        }
    }
}

struct Input<'a> {
    rest: std::slice::Iter<'a, u8>,
}

impl Input<'_> {
    /// The next byte that is no white space.
    fn token(&mut self) -> Option<u8> {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        self.rest.next().copied()
    }

    /// The next byte, left where it is; a blank at the end, as Go takes it.
    fn peek(&self) -> u8 {
        self.rest.as_slice().first().copied().unwrap_or(b' ')
    }

    /// Takes bytes as long as `is_one` is true of them.
    fn skip(&mut self, is_one: impl Fn(u8) -> bool) {
        while !self.rest.as_slice().is_empty() && is_one(self.peek()) {
            self.rest.next();
        }
    }

    /// Reads a value, or the beginning of one that holds others: that is given.
    fn begin_value(&mut self) -> Result<Option<u8>, String> {
        match self.token().ok_or_else(ended)? {
            opened @ (b'{' | b'[') => {
                let mut ahead = Input { rest: self.rest.clone() };
                if ahead.token() != Some(opened + 2) {
                    return Ok(Some(opened));
                }
                *self = ahead;
                Ok(None)
            }
            b'"' => self.string().map(|()| None),
            first @ (b'-' | b'0'..=b'9') => self.number(first).map(|()| None),
            b't' => self.literal("true").map(|()| None),
            b'f' => self.literal("false").map(|()| None),
            b'n' => self.literal("null").map(|()| None),
            byte => wrong(byte, "looking for beginning of value"),
        }
    }

    fn skip_if(&mut self, is_one: bool) {
        if is_one {
            self.rest.next();
        }
    }

    /// Reads a member's name and the colon behind it.
    fn key(&mut self) -> Result<(), String> {
        match self.token().ok_or_else(ended)? {
            b'"' => self.string()?,
            byte => return wrong(byte, "looking for beginning of object key string"),
        }
        match self.token().ok_or_else(ended)? {
            b':' => Ok(()),
            byte => wrong(byte, "after object key"),
        }
    }

    fn string(&mut self) -> Result<(), String> {
        loop {
            match *self.rest.next().ok_or_else(ended)? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                byte if byte < b' ' => return wrong(byte, "in string literal"),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let byte = self.peek();
        self.rest.next();
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    if !self.peek().is_ascii_hexdigit() {
                        return wrong(self.peek(), "in \\u hexadecimal character escape");
                    }
                    self.rest.next();
                }
                Ok(())
            }
            byte => wrong(byte, "in string escape code"),
        }
    }

    fn number(&mut self, first: u8) -> Result<(), String> {
        let digit = |byte: u8| byte.is_ascii_digit();
        let leading = if first == b'-' { self.peek() } else { first };
        if !digit(leading) {
            return wrong(leading, "in numeric literal");
        }
        self.skip_if(first == b'-');
        if leading != b'0' {
            self.skip(digit);
        }
        if self.peek() == b'.' {
            self.rest.next();
            if !digit(self.peek()) {
                return wrong(self.peek(), "after decimal point in numeric literal");
            }
            self.skip(digit);
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.rest.next();
            self.skip_if(matches!(self.peek(), b'+' | b'-'));
            if !digit(self.peek()) {
                return wrong(self.peek(), "in exponent of numeric literal");
            }
            self.skip(digit);
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.chars().skip(1) {
            let byte = self.peek();
            if char::from(byte) != expected {
                return wrong(byte, &format!("in literal {word} (expecting {})", shown(expected)));
            }
            self.rest.next();
        }
        Ok(())
    }
}

fn ended() -> String {
    "unexpected end of JSON input".to_owned()
}

fn wrong<T>(byte: u8, place: &str) -> Result<T, String> {
    Err(format!("invalid character {} {place}", shown(char::from(byte))))
}

fn shown(char: char) -> String {
    match char {
        '\'' => r"'\''".to_owned(),
        '"' => r#"'"'"#.to_owned(),
        other => format!("'{}'", quoted(other.encode_utf8(&mut [0; 4])).trim_matches('"')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `json.Unmarshal` of Go 1.26 says of each.
    #[test]
    fn go_says_what_is_wrong() {
        for (text, told) in [
            ("", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            ("{}", ""),
            (" [ ] ", ""),
            ("[1,2", "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("\x01", "invalid character '\\x01' looking for beginning of value"),
            ("é", "invalid character 'Ã' looking for beginning of value"),
            ("'", "invalid character '\\'' looking for beginning of value"),
            ("{\"a\"", "unexpected end of JSON input"),
            ("{\"a\":1", "unexpected end of JSON input"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\":2}", "invalid character '\"' after object key:value pair"),
            ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
            ("{,}", "invalid character ',' looking for beginning of object key string"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[,]", "invalid character ',' looking for beginning of value"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("{}}", "invalid character '}' after top-level value"),
            ("\"a", "unexpected end of JSON input"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("\"\\", "invalid character ' ' in string escape code"),
            ("-", "invalid character ' ' in numeric literal"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("1.", "invalid character ' ' after decimal point in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1e", "invalid character ' ' in exponent of numeric literal"),
            ("1e+x", "invalid character 'x' in exponent of numeric literal"),
            ("1.5e-3", ""),
            ("tru", "invalid character ' ' in literal true (expecting 'e')"),
            ("trux", "invalid character 'x' in literal true (expecting 'e')"),
            ("nul", "invalid character ' ' in literal null (expecting 'l')"),
            ("fals", "invalid character ' ' in literal false (expecting 'e')"),
            ("falsy", "invalid character 'y' in literal false (expecting 'e')"),
            ("[[[[]]]]", ""),
            ("{\"a\":{\"b\":[{}]}}", ""),
            ("{\"a\":tr\"}", "invalid character '\"' in literal true (expecting 'u')"),
            ("\"\\u00e9\\n\"", ""),
            ("\"a\" \"b\"", "invalid character '\"' after top-level value"),
            ("'a'", "invalid character '\\'' looking for beginning of value"),
        ] {
            let told = (!told.is_empty()).then(|| told.to_owned());
            assert_eq!(check(text.as_bytes()).err(), told, "{text:?}");
        }
    }
}
