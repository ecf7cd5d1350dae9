//! The growth with the number of resources, drawn as SVG.

use std::fmt::Write as _;

use super::{
    results::Results,
    statistics::{count as number, millis},
};

/// Three panels: the CLI's wall time, the provider's CPU for each resource, its memory.
pub(super) fn svg(results: &Results) -> String {
    let panels = panels(results);
    let width = number(panels.len()) * PANEL_WIDTH;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {PANEL_HEIGHT}\" width=\"{width}\" height=\"{PANEL_HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"{width}\" height=\"{PANEL_HEIGHT}\" fill=\"#ffffff\"/>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<g transform=\"translate({} 0)\">",
            number(index) * PANEL_WIDTH
        );
        panel.draw(&mut svg);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

fn panels(results: &Results) -> Vec<Panel> {
    let mut wall = Panel {
        title: "apply under the CLI, seconds",
        y: Scale::Log,
        lines: Vec::new(),
    };
    for medians in &results.medians {
        let point = (
            number(medians.count),
            medians.commands[0].wall.as_secs_f64(),
        );
        match wall
            .lines
            .iter_mut()
            .find(|line| line.name == medians.subject)
        {
            Some(line) => line.points.push(point),
            None => wall.lines.push(Line {
                name: medians.subject.clone(),
                points: vec![point],
            }),
        }
    }
    let mut panels = vec![wall];
    if let Some(client) = &results.client {
        let line = |name: &str, value: fn(&super::growth::Point) -> f64| Line {
            name: name.to_owned(),
            points: client
                .growth
                .iter()
                .map(|point| (number(point.count), value(point)))
                .collect(),
        };
        panels.push(Panel {
            title: "provider CPU for each resource, ms",
            y: Scale::Linear,
            lines: vec![
                line("apply", |point| millis(point.apply.cpu_each)),
                line("no-op plan", |point| millis(point.plan.cpu_each)),
            ],
        });
        let mebibytes = |point: &super::growth::Point| {
            number(usize::try_from(point.peak_kib).unwrap_or(usize::MAX)) / 1024.0
        };
        panels.push(Panel {
            title: "peak memory, MiB",
            y: Scale::Linear,
            lines: vec![line("provider", mebibytes)],
        });
    }
    panels
}

struct Panel {
    title: &'static str,
    y: Scale,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Log,
}

impl Panel {
    fn draw(&self, svg: &mut String) {
        let values = || self.lines.iter().flat_map(|line| &line.points);
        let right = values().map(|(x, _)| *x).fold(1.0, f64::max);
        let top = values().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
        let least = values().map(|(_, y)| *y).fold(top, f64::min);
        let y_axis = match self.y {
            Scale::Linear => Axis {
                scale: Scale::Linear,
                from: 0.0,
                to: step_above(top),
            },
            Scale::Log => Axis::decades(least, top),
        };
        let x_axis = Axis::decades(1.0, right);
        let x = |value: f64| LEFT + x_axis.place(value) * (PANEL_WIDTH - LEFT - MARGIN);
        let y = |value: f64| {
            PANEL_HEIGHT - BOTTOM - y_axis.place(value) * (PANEL_HEIGHT - BOTTOM - TOP)
        };
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"18\" font-size=\"13\" font-weight=\"bold\">{}</text>",
            self.title
        );
        for tick in y_axis.ticks() {
            let (at, end) = (y(tick), PANEL_WIDTH - MARGIN);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#dddddd\"/>"
            );
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                label(tick)
            );
        }
        for tick in x_axis.ticks() {
            let (at, below) = (x(tick), PANEL_HEIGHT - BOTTOM + 16.0);
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
                label(tick)
            );
        }
        for (index, (line, colour)) in self.lines.iter().zip(COLOURS).enumerate() {
            let places: Vec<String> = line
                .points
                .iter()
                .map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b)))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                places.join(" ")
            );
            for place in &places {
                let (cx, cy) = place.split_once(',').unwrap_or_default();
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3\" fill=\"{colour}\"/>"
                );
            }
            let at = TOP + 14.0 * number(index);
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{at}\" fill=\"{colour}\">{}</text>",
                LEFT + 8.0,
                line.name
            );
        }
    }
}

struct Axis {
    scale: Scale,
    from: f64,
    to: f64,
}

impl Axis {
    /// Whole powers of ten around the values.
    fn decades(least: f64, greatest: f64) -> Self {
        let from = 10_f64.powf(least.log10().floor());
        let to = 10_f64.powf(greatest.log10().ceil()).max(from * 10.0);
        Self {
            scale: Scale::Log,
            from,
            to,
        }
    }

    /// From 0 at the start of the axis to 1 at its end.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Log => (value / self.from).log10() / (self.to / self.from).log10(),
        }
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => (0..=4)
                .map(|step| self.to * f64::from(step) / 4.0)
                .collect(),
            Scale::Log => std::iter::successors(Some(self.from), |tick| Some(tick * 10.0))
                .take_while(|tick| *tick <= self.to * 1.01)
                .collect(),
        }
    }
}

/// The least of 1, 2, 4 and 8 times a power of ten that is not below the value.
fn step_above(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 8.0]
        .into_iter()
        .map(|step| step * decade)
        .find(|step| *step >= value)
        .unwrap_or(decade * 10.0)
}

fn label(value: f64) -> String {
    let digits = if value >= 1.0 || value == 0.0 { 0 } else { 2 };
    let text = format!("{value:.digits$}");
    if value >= 1.0 && (value - value.round()).abs() > 0.01 {
        format!("{value:.1}")
    } else {
        text
    }
}

const PANEL_WIDTH: f64 = 360.0;
const PANEL_HEIGHT: f64 = 280.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 30.0;
const MARGIN: f64 = 24.0;
const COLOURS: [&str; 4] = ["#00684a", "#b1371b", "#1f5fa8", "#7a4fa3"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_ends_at_powers_of_ten() {
        let axis = Axis::decades(0.3, 70.0);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(
            near(axis.place(0.1), 0.0)
                && near(axis.place(100.0), 1.0)
                && near(axis.place(1.0), 1.0 / 3.0)
        );
        assert_eq!(axis.ticks().len(), 4);
    }

    #[test]
    fn a_linear_axis_leaves_room_above_the_greatest_value() {
        for (value, end) in [(0.3, 0.4), (9.0, 10.0), (11.2, 20.0), (8.0, 8.0)] {
            assert!((step_above(value) - end).abs() < 1e-9, "{value}");
        }
    }
}
