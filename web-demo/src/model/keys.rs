//! The keyboard: one table binds keys to commands and writes the help.

use super::act::Act;
use super::route::Pane;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Put the caret in the filter box.
    Filter,
    /// Open the palette.
    Jump,
    /// Select the next row.
    Down,
    /// Select the row before.
    Up,
    /// Select the first row.
    First,
    /// Select the last row.
    Last,
    /// Open the selected row.
    Open,
    /// Close what is on top.
    Close,
    /// Show this of the row, or its facts again.
    Show(Pane),
    /// Ask whether this is to be done to the row.
    Act(Act),
    /// Show or mask the values of the open Secret.
    Reveal,
    /// Show or hide the wire panel.
    Wire,
    /// Go to the overview.
    Overview,
    /// Light or dark.
    Theme,
    /// Keep the view on show under a name.
    Save,
    /// Show or hide the help.
    Help,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys, as the browser names them, `Ctrl+` before those pressed with Control or Command.
    pub keys: &'static [&'static str],
    /// As shown in the help.
    pub label: &'static str,
    /// What they do.
    pub command: Command,
    /// The same in words.
    pub help: &'static str,
    /// Works with the caret in a text box.
    pub while_typing: bool,
}

const fn binding(
    keys: &'static [&'static str],
    label: &'static str,
    command: Command,
    help: &'static str,
    while_typing: bool,
) -> Binding {
    Binding { keys, label, command, help, while_typing }
}

/// Every binding, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    binding(&["/"], "/", Command::Filter, "Filter the table", false),
    binding(&[":"], ":", Command::Jump, "Go to anything", false),
    binding(&["Ctrl+k"], "Ctrl K", Command::Jump, "Go to anything, from a box too", true),
    binding(&["j", "ArrowDown"], "j ↓", Command::Down, "Next row", false),
    binding(&["k", "ArrowUp"], "k ↑", Command::Up, "Row before", false),
    binding(&["g", "Home"], "g", Command::First, "First row", false),
    binding(&["G", "End"], "G", Command::Last, "Last row", false),
    binding(&["Enter"], "Enter", Command::Open, "Open the row", false),
    binding(&["Escape"], "Esc", Command::Close, "Close what is on top", true),
    binding(&["y"], "y", Command::Show(Pane::Yaml), "YAML of the row", false),
    binding(&["e"], "e", Command::Show(Pane::Edit), "Edit the row", false),
    binding(&["l"], "l", Command::Show(Pane::Logs), "Logs of the row", false),
    binding(&["s"], "s", Command::Show(Pane::Terminal), "Shell in the row's pod", false),
    binding(&["u"], "u", Command::Show(Pane::Owners), "Owners and offspring", false),
    binding(&["x"], "x", Command::Reveal, "Values of a Secret", false),
    binding(&["S"], "S", Command::Act(Act::Scale), "Scale", false),
    binding(&["R"], "R", Command::Act(Act::Restart), "Restart", false),
    binding(&["C"], "C", Command::Act(Act::Cordon), "Cordon, uncordon", false),
    binding(&["D"], "D", Command::Act(Act::Delete), "Delete", false),
    binding(&["w"], "w", Command::Wire, "What is on the wire", false),
    binding(&["o"], "o", Command::Overview, "Overview", false),
    binding(&["v"], "v", Command::Save, "Keep this view", false),
    binding(&["t"], "t", Command::Theme, "Light or dark", false),
    binding(&["?"], "?", Command::Help, "This help", false),
];

/// The command of `key`, when it has one here.
pub fn command(key: &str, typing: bool) -> Option<Command> {
    let binding = BINDINGS.iter().find(|binding| binding.keys.contains(&key))?;
    (!typing || binding.while_typing).then_some(binding.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_bound_once() {
        let mut keys: Vec<_> = BINDINGS.iter().flat_map(|binding| binding.keys).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn typing_keeps_letters_for_the_text() {
        assert_eq!(command("j", false), Some(Command::Down));
        assert_eq!(command("j", true), None);
        assert_eq!(command("Escape", true), Some(Command::Close));
        assert_eq!(command("F5", false), None);
    }
}
