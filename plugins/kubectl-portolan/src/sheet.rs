//! A table at one moment, as text.

use std::fmt;

/// A table as it stands now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sheet {
    /// What it shows.
    pub(crate) title: String,
    /// What stands above the columns.
    pub(crate) columns: Vec<String>,
    /// In order.
    pub(crate) rows: Vec<Row>,
    /// Why it may not be current; none when it is.
    pub(crate) stale: Option<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Which object: the same in every sheet.
    pub(crate) key: String,
    pub(crate) cells: Vec<String>,
}

impl Sheet {
    /// What stands above the columns, and the rows.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.columns).chain(self.rows.iter().map(|row| &row.cells))
    }

    /// How wide each column must be.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.columns.len()];
        for line in self.lines() {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

/// Cells side by side, three spaces between them, as kubectl does.
pub(crate) struct Line<'a>(pub(crate) &'a [String], pub(crate) &'a [usize]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(cells, widths) = self;
        let last = cells.len().saturating_sub(1);
        cells.iter().zip(*widths).enumerate().try_for_each(|(index, (cell, &width))| match index == last {
            true => write!(f, "{cell}"),
            false => write!(f, "{cell:width$}   "),
        })
    }
}

/// What a server's text may not do to a terminal: control characters become spaces.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
