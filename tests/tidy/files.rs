//! Every file says up top what it is, and none grows beyond 600 lines.

use crate::sources::{self, Source};

const LONGEST: usize = 600;

fn complaints(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines = source.text.lines().count();
    if lines > LONGEST {
        complaints.push(format!("{}: {lines} lines, {LONGEST} at most", source.path));
    }
    let head =
        source.text.lines().find(|line| !line.trim().is_empty() && !is_directive(line)).unwrap_or_default();
    let (wanted, good) = if source.path.ends_with(".rs") {
        ("//!", is_text(head, "//!"))
    } else {
        ("//", is_text(head, "//") || head.starts_with("/*"))
    };
    if !good {
        complaints.push(format!("{}: begins with {head:?} instead of {wanted} and what it is", source.path));
    }
    complaints
}

/// Lines for tools, which may precede the head.
fn is_directive(line: &str) -> bool {
    line.starts_with("#!/") || line.starts_with("//go:build")
}

fn is_text(line: &str, mark: &str) -> bool {
    line.strip_prefix(mark).is_some_and(|rest| rest.starts_with(' ') && !rest.trim().is_empty())
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let sources = sources::with_extension("", &["rs", "go", "mjs", "js"]);
    crate::none(&sources.iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn bad_files_are_found() {
    let complain =
        |path: &str, text: &str| complaints(&Source { path: path.into(), text: text.into() }).len();
    assert_eq!(complain("a.rs", "//! What it is.\nfn a() {}\n"), 0);
    assert_eq!(complain("a.rs", "// What it is.\n"), 1);
    assert_eq!(complain("a.rs", "//!\n//! Late.\n"), 1);
    assert_eq!(complain("a.rs", ""), 1);
    assert_eq!(complain("a.go", "//go:build linux\n\n// What it is.\npackage a\n"), 0);
    assert_eq!(complain("a.go", "package a\n// Late.\n"), 1);
    assert_eq!(complain("a.mjs", "#!/usr/bin/env node\n// What it is.\n"), 0);
    assert_eq!(complain("a.mjs", "import a from 'a';\n"), 1);
    let lines = |count: usize| format!("//! Long.\n{}", "\n".repeat(count - 1));
    assert_eq!((complain("a.rs", &lines(600)), complain("a.rs", &lines(601))), (0, 1));
}
