//! Seeded random JSON for tests: the same seed gives the same documents on every machine.

use std::fmt::Write;

/// SplitMix64.
pub(crate) struct Random {
    state: u64,
    /// Whether documents are made as servers write them: without white space, names without escapes.
    is_compact: bool,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, is_compact: false }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const KEYS: [&str; 12] = [
    "items",
    "metadata",
    "name",
    "it\\u0065ms",
    "type",
    "object",
    "managedFields",
    "a.b/c",
    "\\\"",
    "",
    "kind",
    "\u{e9}\\n",
];
const TEXTS: [&str; 11] = [
    "",
    "x",
    "}",
    "]",
    "\\\"",
    "\\\\",
    "\\u00e9",
    "\u{1F9ED}",
    "\\\"managedFields\\\":[{}]",
    ",\\\"items\\\":[",
    "a long text that fills more than one block of sixty-four bytes, with {brackets} and \\t escapes in it",
];
const SCALARS: [&str; 8] = ["null", "true", "false", "0", "-1.5e3", "42", "1E-2", "18446744073709551615"];

/// White space, mostly none.
pub(crate) fn space(random: &mut Random) -> &'static str {
    if random.is_compact {
        return "";
    }
    random.pick(&["", "", "", "", " ", "\n", "\t \r\n"])
}

/// A JSON value at most `depth` deep, with white space wherever it may stand.
pub(crate) fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 2 } else { 5 }) {
        0 => random.pick(&SCALARS).to_owned(),
        1 => format!("\"{}\"", random.pick(&TEXTS)),
        2 => {
            let parts: Vec<_> = (0..random.below(4)).map(|_| value(random, depth - 1)).collect();
            bracketed(random, '[', &parts, ']')
        }
        _ => object(random, depth),
    }
}

/// A JSON object at most `depth` deep, without repeated names.
pub(crate) fn object(random: &mut Random, depth: usize) -> String {
    let (first, count) = (random.below(KEYS.len()), random.below(4));
    let mut parts = Vec::new();
    for key in (0..count).map(|step| KEYS[(first + 5 * step) % KEYS.len()]) {
        if random.is_compact && key.contains('\\') {
            continue;
        }
        // The escaped spelling is the same name as the plain one.
        if !(key == "it\\u0065ms" && parts.iter().any(|part: &String| part.starts_with("\"items\""))) {
            let inner = value(random, depth.saturating_sub(1));
            parts.push(format!("\"{key}\"{}:{}{inner}", space(random), space(random)));
        }
    }
    bracketed(random, '{', &parts, '}')
}

/// `parts` between brackets, white space around each.
pub(crate) fn bracketed(random: &mut Random, open: char, parts: &[String], close: char) -> String {
    let mut text = String::from(open);
    for (index, part) in parts.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, "{comma}{}{part}{}", space(random), space(random)).unwrap();
    }
    write!(text, "{}{close}", space(random)).unwrap();
    text
}

/// An object with metadata, spec and status, of version 77; every other one is compact.
pub(crate) fn kubernetes_object(random: &mut Random, depth: usize) -> String {
    random.is_compact = random.below(2) == 0;
    let mut metadata = object(random, depth);
    metadata.pop();
    // Random names may be those of the four fields, with values of other types.
    let version = if random.is_compact { "77" } else { "7\\u0037" };
    let comma = if metadata.trim_end() == "{" { "" } else { "," };
    let (before, behind) = (space(random), space(random));
    let metadata = format!("{metadata}{comma}{before}\"resourceVersion\":\"{version}\"{behind}}}");
    let mut members = vec![
        format!("\"metadata\":{}{metadata}", space(random)),
        format!("\"spec\":{}", value(random, depth)),
        format!("{}\"status\"{}:{}", space(random), space(random), value(random, depth)),
        format!("\"other\":{}", value(random, depth)),
    ];
    let turn = random.below(members.len());
    members.rotate_left(turn);
    bracketed(random, '{', &members, '}')
}
