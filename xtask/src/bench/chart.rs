//! A bar chart of wall times as SVG, with colors that are readable on light and dark backgrounds.

use anyhow::{Result, anyhow};
use plotters::prelude::{
    ChartBuilder, Color as _, IntoDrawingArea as _, RGBColor, Rectangle, SVGBackend,
};

use super::workload::Row;

const TEXT: RGBColor = RGBColor(128, 128, 128);
const BARS: [RGBColor; 5] = [
    RGBColor(76, 141, 214),
    RGBColor(60, 160, 110),
    RGBColor(140, 140, 150),
    RGBColor(194, 146, 62),
    RGBColor(176, 97, 159),
];

/// One group of bars for each command, with one bar for each workload, at the greatest count up to 100.
pub(super) fn svg(rows: &[Row]) -> Result<String> {
    let count = rows.iter().map(|row| row.count).filter(|count| *count <= 100).max();
    let rows: Vec<&Row> = rows.iter().filter(|row| Some(row.count) == count).collect();
    let commands = unique(rows.iter().map(|row| row.command));
    let workloads = unique(rows.iter().map(|row| row.workload.as_str()));
    let top = rows.iter().map(|row| row.wall_seconds).fold(0.1, f64::max) * 1.1;
    let mut text = String::new();
    draw(&mut text, &rows, &commands, &workloads, top)
        .map_err(|error| anyhow!("the chart cannot be drawn: {error}"))?;
    Ok(text)
}

fn draw(
    text: &mut String,
    rows: &[&Row],
    commands: &[&str],
    workloads: &[&str],
    top: f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(text, (860, 360)).into_drawing_area();
    let groups = 0.0..index(commands.len());
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(groups, 0.0..top)?;
    let font = ("sans-serif", 14, &TEXT);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(TEXT.mix(0.3))
        .light_line_style(TEXT.mix(0.0))
        .axis_style(TEXT)
        .label_style(font)
        .y_desc("wall seconds (less is better)")
        .x_labels(2 * commands.len() + 1)
        .x_label_formatter(&|x| label(*x, commands))
        .draw()?;
    let width = 0.8 / index(workloads.len());
    for (number, workload) in workloads.iter().enumerate() {
        let color = BARS[number % BARS.len()];
        let bars = rows.iter().filter(|row| row.workload == *workload).map(|row| {
            let group = commands.iter().position(|command| *command == row.command);
            let left = index(group.unwrap_or_default()) + 0.1 + width * index(number);
            Rectangle::new([(left, 0.0), (left + width * 0.9, row.wall_seconds)], color.filled())
        });
        let series = chart.draw_series(bars)?;
        series
            .label(*workload)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], color.filled()));
    }
    chart.configure_series_labels().label_font(font).draw()?;
    area.present()?;
    Ok(())
}

/// The command in the middle of its group.
fn label(x: f64, commands: &[&str]) -> String {
    let of_group = |(number, command): (usize, &&str)| {
        ((x - index(number) - 0.5).abs() < 0.01).then(|| (*command).to_owned())
    };
    commands.iter().enumerate().find_map(of_group).unwrap_or_default()
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

#[expect(clippy::cast_precision_loss, reason = "numbers of commands and workloads are small")]
fn index(number: usize) -> f64 {
    number as f64
}
