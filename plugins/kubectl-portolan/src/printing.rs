//! Sheets as lines, for pipes and files: the whole table first, then what changed.

use std::collections::BTreeMap;
use std::io::{Write, stdout};

use futures::{Stream, StreamExt};
use portolan::Error;

use crate::sheet::{Line, Sheet, plain};

/// Prints until the sheets end, or nobody reads any more. When the first is empty it says so beside, as kubectl does.
pub(crate) async fn print(
    mut sheets: impl Stream<Item = Result<Sheet, Error>> + Unpin,
    namespace: &str,
) -> Result<(), Error> {
    let mut printed = Printed::default();
    while let Some(sheet) = sheets.next().await {
        let sheet = sheet?;
        if printed.columns.is_empty() && sheet.rows.is_empty() {
            match namespace {
                "" => eprintln!("No resources found"),
                namespace => eprintln!("No resources found in {} namespace.", plain(namespace)),
            }
        }
        for line in printed.changes(&sheet) {
            if writeln!(stdout(), "{line}").is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What was printed last of each row.
#[derive(Default)]
struct Printed {
    rows: BTreeMap<String, Vec<String>>,
    columns: Vec<String>,
    stale: Option<String>,
}

impl Printed {
    fn changes(&mut self, sheet: &Sheet) -> Vec<String> {
        let widths = sheet.widths();
        let mut lines = Vec::new();
        if self.columns != sheet.columns {
            self.columns.clone_from(&sheet.columns);
            lines.push(Line(&sheet.columns, &widths).to_string());
        }
        let mut before = std::mem::take(&mut self.rows);
        for row in &sheet.rows {
            if before.remove(&row.key).as_ref() != Some(&row.cells) {
                lines.push(Line(&row.cells, &widths).to_string());
            }
            self.rows.insert(row.key.clone(), row.cells.clone());
        }
        lines.extend(before.into_keys().map(|key| format!("{} is gone", plain(&key))));
        if self.stale != sheet.stale {
            self.stale.clone_from(&sheet.stale);
            lines.push(
                self.stale
                    .as_ref()
                    .map_or("# current again".to_owned(), |why| format!("# not current: {}", plain(why))),
            );
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Row;

    #[test]
    fn what_changed_is_printed() {
        let row = |key: &str, ready: &str| Row { key: key.into(), cells: vec![key.into(), ready.into()] };
        let mut sheet = Sheet {
            columns: vec!["NAME".into(), "READY".into()],
            rows: vec![row("a", "0/1"), row("longer", "1/1")],
            ..Sheet::default()
        };
        let mut printed = Printed::default();
        assert_eq!(printed.changes(&sheet), ["NAME     READY", "a        0/1", "longer   1/1"]);
        assert!(printed.changes(&sheet).is_empty());
        sheet.rows = vec![row("a", "1/1")];
        sheet.stale = Some("the watch broke".into());
        assert_eq!(
            printed.changes(&sheet),
            ["a      1/1", "longer is gone", "# not current: the watch broke"]
        );
        sheet.stale = None;
        assert_eq!(printed.changes(&sheet), ["# current again"]);
        sheet.rows = vec![row("a", "1/1"), row("\u{1b}[2J", "")];
        printed.changes(&sheet);
        sheet.rows.pop();
        sheet.stale = Some("\u{1b}]0;title\u{7}".into());
        assert_eq!(printed.changes(&sheet), [" [2J is gone", "# not current:  ]0;title "]);
    }
}
