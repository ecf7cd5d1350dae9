//! A bar chart of wall times as SVG, readable on light and dark backgrounds.

use std::fmt::Write as _;

use super::cli::Row;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
const COLORS: [&str; 4] = ["#4c8dd6", "#8a8f98", "#c2923e", "#b0619f"];

/// One group of bars for each command with the greatest count up to 100, one bar for each workload.
pub(super) fn svg(rows: &[Row]) -> String {
    let count = rows.iter().map(|row| row.count).filter(|count| *count <= 100).max().unwrap_or(1);
    let rows: Vec<&Row> = rows.iter().filter(|row| row.count == count).collect();
    let (mut commands, mut workloads) = (Vec::new(), Vec::new());
    for row in &rows {
        if !commands.contains(&row.command) {
            commands.push(row.command);
        }
        if !workloads.contains(&row.workload.as_str()) {
            workloads.push(row.workload.as_str());
        }
    }
    let top = rows.iter().map(|row| row.wall_seconds).fold(0.1, f64::max) * 1.1;
    let (plot_width, plot_height) = (WIDTH - LEFT - 20.0, HEIGHT - TOP - BOTTOM);
    let y = |seconds: f64| TOP + plot_height * (1.0 - seconds / top);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>Wall seconds with {count} resources</title>\n\
         <style>text {{ fill: #57606a }} line {{ stroke: #8886 }} \
         @media (prefers-color-scheme: dark) {{ text {{ fill: #b6bdc5 }} }}</style>\n\
         <text x=\"16\" y=\"{}\" transform=\"rotate(-90 16 {0})\" text-anchor=\"middle\">wall seconds (less is better)</text>\n",
        TOP + plot_height / 2.0
    );
    for step in 0..=4 {
        let value = top * f64::from(step) / 4.0;
        let (right, at, text, base) = (LEFT + plot_width, y(value), LEFT - 8.0, y(value) + 4.0);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{text}\" y=\"{base:.1}\" text-anchor=\"end\">{value:.1}</text>"
        );
    }
    let group = plot_width / f64::from(u32::try_from(commands.len().max(1)).unwrap_or(1));
    let bar = (group - 30.0) / f64::from(u32::try_from(workloads.len().max(1)).unwrap_or(1));
    let mut left = LEFT;
    for command in commands {
        let mut x = left + 15.0;
        for (color, workload) in COLORS.iter().zip(&workloads) {
            let row = rows.iter().find(|row| row.command == command && row.workload == *workload);
            if let Some(seconds) = row.map(|row| row.wall_seconds) {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{color}\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{seconds:.2}</text>",
                    y(seconds),
                    bar - 4.0,
                    y(0.0) - y(seconds),
                    x + bar / 2.0 - 2.0,
                    y(seconds) - 5.0
                );
            }
            x += bar;
        }
        let (middle, base) = (left + group / 2.0, y(0.0) + 20.0);
        let _ = writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{base:.1}\" text-anchor=\"middle\">{command}</text>"
        );
        left += group;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">command, {count} resources</text>",
        LEFT + plot_width / 2.0,
        HEIGHT - 12.0
    );
    let mut x = LEFT;
    for (color, workload) in COLORS.iter().zip(&workloads) {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"14\" width=\"13\" height=\"13\" fill=\"{color}\"/><text x=\"{}\" y=\"25\">{workload}</text>",
            x + 19.0
        );
        x += 200.0;
    }
    svg + "</svg>\n"
}
