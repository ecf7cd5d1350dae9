//! A table, for the terminal and for Markdown.

/// Cells as text; the first row is the head.
pub(super) struct Table {
    pub(super) title: String,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const N: usize>(title: &str, head: [&str; N]) -> Self {
        Self {
            title: title.to_owned(),
            rows: vec![head.map(str::to_owned).to_vec()],
        }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Columns aligned with blanks.
    pub(super) fn text(&self) -> String {
        let widths = self.widths();
        let lines = self.rows.iter().map(|row| {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end())
        });
        format!("{}\n{}\n", self.title, lines.collect::<Vec<_>>().join("\n"))
    }

    /// Under a heading of the second level.
    pub(super) fn markdown(&self) -> String {
        let widths = self.widths();
        let mut lines: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let cells = row
                    .iter()
                    .zip(&widths)
                    .map(|(cell, width)| format!("{cell:<width$}"));
                format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
            })
            .collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        lines.insert(1, format!("| {} |", rule.join(" | ")));
        format!("## {}\n\n{}\n", self.title, lines.join("\n"))
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new("Sizes", ["what", "bytes"]);
        table.row(["binary".to_owned(), "9".to_owned()]);
        assert_eq!(table.text(), "Sizes\n  what    bytes\n  binary  9\n");
        assert_eq!(
            table.markdown(),
            "## Sizes\n\n| what   | bytes |\n| ------ | ----- |\n| binary | 9     |\n"
        );
    }
}
