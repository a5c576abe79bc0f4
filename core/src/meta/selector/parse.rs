//! The grammar of label selectors' text.
//!
//! Invariant: linear in the text, without recursion; words are borrowed from it.

use std::collections::BTreeSet;

use super::label::{LabelOperator, LabelRequirement};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Comma,
    Open,
    Close,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    End,
}

/// Reads the requirements of a whole text; the error says what is wrong.
pub(super) fn requirements(text: &str) -> Result<Vec<LabelRequirement>, String> {
    let mut tokens = Tokens { rest: text };
    let mut requirements = Vec::new();
    if tokens.peek() == Token::End {
        return Ok(requirements);
    }
    loop {
        requirements.push(requirement(&mut tokens)?);
        match tokens.next() {
            Token::End => return Ok(requirements),
            Token::Comma => {}
            other => return Err(unexpected(other, "a comma or the end")),
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<LabelRequirement, String> {
    let is_absent = tokens.take(Token::Not);
    let label = match tokens.next() {
        Token::Word(label) => label,
        other => return Err(unexpected(other, "a label")),
    };
    let made = |operator, values: Vec<&str>| {
        LabelRequirement::new(label, operator, values).map_err(|error| error.to_string())
    };
    if is_absent {
        return made(LabelOperator::DoesNotExist, Vec::new());
    }
    if matches!(tokens.peek(), Token::End | Token::Comma) {
        return made(LabelOperator::Exists, Vec::new());
    }
    let operator = match tokens.next() {
        Token::Word("in") => LabelOperator::In,
        Token::Word("notin") => LabelOperator::NotIn,
        Token::Equals => LabelOperator::Equals,
        Token::DoubleEquals => LabelOperator::DoubleEquals,
        Token::NotEquals => LabelOperator::NotEquals,
        Token::Greater => LabelOperator::GreaterThan,
        Token::Less => LabelOperator::LessThan,
        other => return Err(unexpected(other, "one of = == != in notin > <")),
    };
    let values = match operator {
        LabelOperator::In | LabelOperator::NotIn => set(tokens)?,
        _ => vec![value(tokens)?],
    };
    made(operator, values)
}

/// The value behind `=` and its like, which may be missing.
fn value<'a>(tokens: &mut Tokens<'a>) -> Result<&'a str, String> {
    match tokens.peek() {
        Token::End | Token::Comma => Ok(""),
        Token::Word(value) => {
            tokens.next();
            Ok(value)
        }
        other => Err(unexpected(other, "a value")),
    }
}

/// The values in parentheses, each of which may be missing.
fn set<'a>(tokens: &mut Tokens<'a>) -> Result<Vec<&'a str>, String> {
    if !tokens.take(Token::Open) {
        return Err(unexpected(tokens.peek(), "("));
    }
    let mut values = BTreeSet::new();
    loop {
        let value = match tokens.peek() {
            Token::Word(value) => {
                tokens.next();
                value
            }
            _ => "",
        };
        values.insert(value);
        match tokens.next() {
            Token::Close => return Ok(values.into_iter().collect()),
            Token::Comma => {}
            other => return Err(unexpected(other, "a comma or )")),
        }
    }
}

fn unexpected(found: Token<'_>, expected: &str) -> String {
    let found = match found {
        Token::Word(word) => format!("{word:?}"),
        Token::Comma => "a comma".to_owned(),
        Token::Open => "(".to_owned(),
        Token::Close => ")".to_owned(),
        Token::Not => "!".to_owned(),
        Token::Equals => "=".to_owned(),
        Token::DoubleEquals => "==".to_owned(),
        Token::NotEquals => "!=".to_owned(),
        Token::Greater => ">".to_owned(),
        Token::Less => "<".to_owned(),
        Token::End => "its end".to_owned(),
    };
    format!("{found} stands where {expected} is expected")
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> Token<'a> {
        Tokens { rest: self.rest }.next()
    }

    /// Goes past the next token if it is `token`.
    fn take(&mut self, token: Token<'_>) -> bool {
        let is_it = self.peek() == token;
        if is_it {
            self.next();
        }
        is_it
    }

    fn next(&mut self) -> Token<'a> {
        const SYMBOLS: [(&str, Token<'static>); 9] = [
            ("!=", Token::NotEquals),
            ("==", Token::DoubleEquals),
            ("=", Token::Equals),
            ("!", Token::Not),
            (",", Token::Comma),
            ("(", Token::Open),
            (")", Token::Close),
            (">", Token::Greater),
            ("<", Token::Less),
        ];
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if self.rest.is_empty() {
            return Token::End;
        }
        for (symbol, token) in SYMBOLS {
            if let Some(rest) = self.rest.strip_prefix(symbol) {
                self.rest = rest;
                return token;
            }
        }
        let end = self.rest.find([' ', '\t', '\r', '\n', '=', '!', ',', '(', ')', '>', '<']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        Token::Word(word)
    }
}
