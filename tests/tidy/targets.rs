//! Core asks for the target in `portable` alone, beside the paired attributes that make an async trait `?Send` on wasm.

use crate::sources::{self, Source};

const NATIVE: &str = r#"#[cfg_attr(not(target_family="wasm"),async_trait)]"#;
const WASM: &str = r#"#[cfg_attr(target_family="wasm",async_trait(?Send))]"#;

fn complaints(source: &Source) -> Vec<String> {
    let lines: Vec<String> = source.text.lines().map(bare).collect();
    let mut complaints = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !asks_for_target(line) || is_paired(&lines, index) {
            continue;
        }
        complaints.push(format!("{}:{}: asks for the target: only portable.rs may", source.path, index + 1));
    }
    complaints
}

/// The line without comment and white space, and with `async_trait` by its short name.
fn bare(line: &str) -> String {
    let code = line.split("//").next().unwrap_or_default();
    code.split_whitespace().collect::<String>().replace("async_trait::async_trait", "async_trait")
}

fn asks_for_target(line: &str) -> bool {
    const QUESTIONS: [&str; 6] =
        ["target_family", "target_arch", "target_os", "target_env", "target_pointer", "target_has"];
    let asks = line.contains("cfg(") || line.contains("cfg_attr(") || line.contains("cfg!(");
    QUESTIONS.iter().any(|question| line.contains(question))
        || (asks && ["unix", "windows"].iter().any(|question| line.contains(question)))
}

/// Whether the line is one half of the pair and the other half is next to it.
fn is_paired(lines: &[String], index: usize) -> bool {
    let other = match lines[index].as_str() {
        NATIVE => WASM,
        WASM => NATIVE,
        _ => return false,
    };
    let before = index.checked_sub(1).and_then(|before| lines.get(before));
    before.is_some_and(|line| line == other) || lines.get(index + 1).is_some_and(|line| line == other)
}

#[test]
fn core_asks_for_the_target_in_one_place() {
    let sources = sources::with_extension("core/src", &["rs"]);
    let (portable, others): (Vec<_>, Vec<_>) =
        sources.iter().partition(|source| source.path == "core/src/portable.rs");
    assert!(!complaints(portable[0]).is_empty(), "portable.rs is where the check finds something");
    crate::none(&others.into_iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn other_places_are_found() {
    let complain = |text: &str| complaints(&Source { path: "a.rs".into(), text: text.into() }).len();
    let pair = "#[cfg_attr(not(target_family = \"wasm\"), async_trait)]\n#[cfg_attr(target_family = \"wasm\", async_trait(?Send))]\ntrait A {}";
    assert_eq!(complain(pair), 0);
    assert_eq!(complain(&pair.replace("async_trait", "async_trait::async_trait")), 0);
    assert_eq!(complain(pair.lines().next().unwrap()), 1);
    assert_eq!(complain("#[cfg(target_family = \"wasm\")]\nfn a() {}"), 1);
    assert_eq!(complain("if cfg!(unix) {}"), 1);
    assert_eq!(complain("#[cfg(\n    any(target_os = \"linux\")\n)]"), 1);
    assert_eq!(complain("#[cfg(test)] // target_family\nmod tests;"), 0);
}
