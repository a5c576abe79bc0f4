//! Counting tests by what their runners print. A failing program without a failing test counts as one failure, and so
//! does a runner that ran nothing.

use std::fmt;

/// How many tests went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    /// Adds the counts of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Whose output to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// The program is one check by itself.
    Check,
    /// `cargo test`, also in the browser.
    Cargo,
    /// `node --test`.
    Node,
    /// `go test -v`.
    Go,
}

impl Count {
    /// Adds what one line of output tells.
    pub(crate) fn read(self, line: &str, tally: &mut Tally) {
        match self {
            Self::Check => {}
            Self::Cargo => read_cargo(line, tally),
            Self::Node => read_node(line, tally),
            Self::Go => match line.split_once(": ").map(|(head, _)| head) {
                Some("--- PASS") => tally.passed += 1,
                Some("--- FAIL") => tally.failed += 1,
                Some("--- SKIP") => tally.skipped += 1,
                _ => {}
            },
        }
    }

    /// The final tally of a program that counted `tally` and ended with `success`, with a remark where they disagree.
    pub(crate) fn settle(self, mut tally: Tally, success: bool) -> (Tally, Option<String>) {
        if self == Self::Check {
            tally = Tally { passed: usize::from(success), failed: usize::from(!success), skipped: 0 };
            return (tally, None);
        }
        let remark = match (success, tally) {
            (false, Tally { failed: 0, .. }) => "it ended in failure without a failing test",
            (true, Tally { passed: 0, failed: 0, skipped: 0 }) => "it ran no test",
            _ => return (tally, None),
        };
        tally.failed += 1;
        (tally, Some(remark.to_owned()))
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn read_cargo(line: &str, tally: &mut Tally) {
    let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
        return;
    };
    for part in counts.split("; ") {
        if let Some((Ok(number), word)) =
            part.split_once(' ').map(|(number, word)| (number.parse::<usize>(), word))
        {
            match word {
                "passed" => tally.passed += number,
                "failed" => tally.failed += number,
                "ignored" => tally.skipped += number,
                _ => {}
            }
        }
    }
}

/// `# pass 3` or `ℹ pass 3`, by reporter.
fn read_node(line: &str, tally: &mut Tally) {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let ["#" | "ℹ", word, number] = words[..]
        && let Ok(number) = number.parse::<usize>()
    {
        match word {
            "pass" => tally.passed += number,
            "fail" | "cancelled" => tally.failed += number,
            "skipped" | "todo" => tally.skipped += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(count: Count, output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| count.read(line, &mut tally));
        tally
    }

    #[test]
    fn counts_each_runner() {
        let expected = Tally { passed: 3, failed: 2, skipped: 1 };
        let cargo = "running 6 tests\ntest a ... ok\ntest result: FAILED. 2 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out\n\
                     test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(count(Count::Cargo, cargo), expected);
        assert_eq!(
            count(Count::Node, "# tests 6\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0"),
            expected
        );
        assert_eq!(count(Count::Node, "ℹ pass 3\nℹ fail 2\nℹ skipped 1\nℹ duration_ms 12"), expected);
        let go = "=== RUN a\n--- PASS: a (0.0s)\n    --- PASS: a/b (0.0s)\n--- PASS: b\n--- PASS: c\n--- FAIL: d\n--- FAIL: e\n--- SKIP: f\nFAIL";
        assert_eq!(count(Count::Go, go), expected);
        assert_eq!(count(Count::Check, cargo), Tally::default());
    }

    #[test]
    fn a_check_counts_as_one() {
        assert_eq!(Count::Check.settle(Tally::default(), true).0, Tally { passed: 1, ..Tally::default() });
        assert_eq!(Count::Check.settle(Tally::default(), false).0, Tally { failed: 1, ..Tally::default() });
    }

    #[test]
    fn no_failure_is_lost_and_no_test_is_a_failure() {
        let some = Tally { passed: 2, failed: 0, skipped: 0 };
        assert_eq!(Count::Cargo.settle(some, true), (some, None));
        assert_eq!(Count::Cargo.settle(some, false).0, Tally { passed: 2, failed: 1, skipped: 0 });
        assert_eq!(Count::Node.settle(Tally::default(), true).0.failed, 1);
        let failing = Tally { passed: 0, failed: 2, skipped: 0 };
        assert_eq!(Count::Go.settle(failing, false), (failing, None));
    }

    #[test]
    fn closing_line() {
        assert_eq!(Tally { passed: 1, failed: 2, skipped: 3 }.to_string(), "1 passed, 2 failed, 3 skipped");
    }
}
