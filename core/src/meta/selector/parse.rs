//! The grammar of label selectors' text.
//!
//! Invariant: linear in the text, without recursion; words are borrowed from it.

use super::label::{LabelOperator, LabelRequirement};
use super::label_name_faults;
use crate::status::quoted;

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

/// Reads the requirements of a whole text; the error is what the server says is wrong.
pub(super) fn requirements(text: &str) -> Result<Vec<LabelRequirement>, String> {
    let mut tokens = Tokens { rest: text };
    let mut requirements = Vec::new();
    match tokens.peek() {
        Token::End => return Ok(requirements),
        Token::Word(_) | Token::Not => {}
        other => return Err(unexpected(other, ", expected: !, identifier, or 'end of string'")),
    }
    loop {
        let requirement = requirement(&mut tokens);
        requirements.push(requirement.map_err(|what| format!("unable to parse requirement: {what}"))?);
        match tokens.next() {
            Token::End => return Ok(requirements),
            Token::Comma => {}
            other => return Err(unexpected(other, ", expected: ',' or 'end of string'")),
        }
        let next = tokens.peek();
        if !matches!(next, Token::Word(_) | Token::Not) {
            return Err(unexpected(next, ", expected: identifier after ','"));
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<LabelRequirement, String> {
    let is_absent = tokens.take(Token::Not);
    let label = word(tokens)?;
    let faults = label_name_faults(label);
    if !faults.is_empty() {
        // As Go prints the path of a text that has none.
        return Err(format!("<nil>: Invalid value: {}: {}", quoted(label), faults.join("; ")));
    }
    let made = |operator, values: Vec<&str>| {
        LabelRequirement::new(label, operator, values).map_err(|error| error.message().to_owned())
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
        other => return Err(unexpected(other, ", expected: in, notin, =, ==, !=, gt, lt")),
    };
    let values = match operator {
        LabelOperator::In | LabelOperator::NotIn => set(tokens)?,
        _ if matches!(tokens.peek(), Token::End | Token::Comma) => vec![""],
        _ => vec![word(tokens)?],
    };
    made(operator, values)
}

fn word<'a>(tokens: &mut Tokens<'a>) -> Result<&'a str, String> {
    match tokens.next() {
        Token::Word(word) => Ok(word),
        other => Err(unexpected(other, ", expected: identifier")),
    }
}

/// The values in parentheses, each of which may be missing.
fn set<'a>(tokens: &mut Tokens<'a>) -> Result<Vec<&'a str>, String> {
    if !tokens.take(Token::Open) {
        return Err(unexpected(tokens.peek(), " expected: '('"));
    }
    let mut values: Vec<&str> = Vec::new();
    loop {
        let (value, expected) = match tokens.peek() {
            Token::Word(value) => {
                tokens.next();
                (value, ", expected: ',' or ')'")
            }
            _ if values.is_empty() => ("", ", expected: ',', ')' or identifier"),
            _ => ("", ", expected: ',', or identifier"),
        };
        values.push(value);
        match tokens.next() {
            Token::Close => {
                values.sort_unstable();
                values.dedup();
                return Ok(values);
            }
            Token::Comma => {}
            other => return Err(unexpected(other, expected)),
        }
    }
}

fn unexpected(found: Token<'_>, expected: &str) -> String {
    let found = match found {
        Token::Word(word) => word,
        Token::End => "",
        symbol => SYMBOLS.iter().find(|(_, token)| *token == symbol).map_or("", |(text, _)| text),
    };
    format!("found '{found}'{expected}")
}

/// Those that begin with another come before it.
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
