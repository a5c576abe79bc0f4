//! What a terminal finds where there are no containers: a stand-in that says it is one, repeats what it is told, and ends.
//!
//! Invariant: it runs nothing.

/// How much of a line is kept.
const LONGEST: usize = 1000;

/// What it says first.
pub(super) const GREETING: &str = "This is no shell: the cluster is in memory, and no container runs in it.\r\n\
     What you type is repeated; size tells the terminal's size, exit ends (exit 3 with that code).\r\n$ ";

/// The stand-in.
#[derive(Default)]
pub(super) struct Shell {
    line: String,
    /// Of the terminal: rows and columns.
    size: (u64, u64),
}

/// What it makes of what it reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// What it writes.
    pub(super) text: String,
    /// The exit code, when it ends.
    pub(super) ended: Option<i64>,
}

impl Shell {
    /// The terminal has this size now.
    pub(super) fn resize(&mut self, rows: u64, columns: u64) {
        self.size = (rows, columns);
    }

    /// Takes what was typed.
    pub(super) fn take(&mut self, typed: &str) -> Said {
        let mut said = Said::default();
        for letter in typed.chars() {
            match letter {
                '\r' | '\n' => {
                    said.text.push_str("\r\n");
                    let line = std::mem::take(&mut self.line);
                    match self.answer(line.trim()) {
                        Ok(answer) => said.text.push_str(&answer),
                        Err(code) => said.ended = Some(code),
                    }
                }
                '\u{3}' => {
                    self.line.clear();
                    said.text.push_str("^C\r\n$ ");
                }
                '\u{4}' if self.line.is_empty() => said.ended = Some(0),
                '\u{7f}' | '\u{8}' if self.line.pop().is_some() => said.text.push_str("\u{8} \u{8}"),
                letter if !letter.is_control() && self.line.len() < LONGEST => {
                    self.line.push(letter);
                    said.text.push(letter);
                }
                _ => {}
            }
            if said.ended.is_some() {
                break;
            }
        }
        said
    }

    /// What follows a line, or the code to end with.
    fn answer(&self, line: &str) -> Result<String, i64> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => Ok("$ ".to_owned()),
            "exit" => Err(rest.trim().parse().unwrap_or_default()),
            "size" => Ok(format!("{} {}\r\n$ ", self.size.0, self.size.1)),
            _ => Ok(format!("{line}\r\n$ ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Said {
        Said { text: text.into(), ended: None }
    }

    #[test]
    fn it_repeats_lines_and_ends_when_told() {
        let mut shell = Shell::default();
        assert_eq!(shell.take("lx\u{7f}s\r"), text("lx\u{8} \u{8}s\r\nls\r\n$ "));
        shell.resize(24, 80);
        assert_eq!(shell.take("size\r"), text("size\r\n24 80\r\n$ "));
        assert_eq!(shell.take("half\u{3}"), text("half^C\r\n$ "));
        assert_eq!(shell.take("\u{1b}[A\u{7f}"), text("[A\u{8} \u{8}"));
        shell.take("\u{3}");
        assert_eq!(shell.take("exit 3\rmore"), Said { text: "exit 3\r\n".into(), ended: Some(3) });
        assert_eq!(Shell::default().take("\u{4}").ended, Some(0));
    }
}
