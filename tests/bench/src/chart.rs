//! The chart of the ratios, as SVG: bars for each format relative to native code, then each goal as how much of its limit was
//! used.
//!
//! Written by hand rather than by a library: a few rectangles and texts. The card has a ground of its own, so that its text
//! can be read on any page, and follows the reader's colour scheme where the viewer tells it.

use crate::goals::Outcome;
use crate::run::Figures;
use crate::table::limit;
use std::fmt::Write;

const WIDTH: f64 = 1020.0;
/// Where bars begin, and what is left of the width behind the longest one.
const LEFT: f64 = 460.0;
const RIGHT: f64 = 150.0;
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
const MARGIN: f64 = 24.0;
/// Longer bars are cut, and say so: they would make all others too short to read.
const LONGEST_RATIO: f64 = 5.0;

const STYLE: &str = "
  .card { fill: #ffffff; stroke: #d0d7de; }
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .group { font-weight: 600; }
  .note { fill: #59636e; }
  .native { fill: #8c959f; }
  .plugin { fill: #1a7f9c; }
  .yardstick { fill: #b08800; }
  .met { fill: #2da44e; }
  .missed { fill: #cf222e; }
  .line { stroke: #59636e; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .note { fill: #9198a1; }
    .native { fill: #656c76; }
    .plugin { fill: #39b5d6; }
    .yardstick { fill: #d29922; }
    .met { fill: #3fb950; }
    .missed { fill: #f85149; }
    .line { stroke: #9198a1; }
  }
";

/// The chart, of the figures of one input and of all goals.
pub fn svg(input: &str, results: &[Figures], outcomes: &[Outcome]) -> String {
    let results: Vec<&Figures> = results.iter().filter(|f| f.input == input).collect();
    let measured: Vec<(&Outcome, f64)> = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome, outcome.measured? / outcome.limit)))
        .collect();
    let mut chart = Chart::default();
    if !results.is_empty() {
        let largest = results.iter().map(|f| f.ratio).fold(1.0, f64::max);
        let largest = largest.min(LONGEST_RATIO);
        chart.title(
            &format!("Time relative to native code, {input}"),
            "shorter is faster",
        );
        let top = chart.y;
        let mut format = "";
        for f in results {
            if f.format != format {
                format = f.format;
                chart.heading(format);
            }
            let class = match f.setup {
                setup if setup.contains("plugin") => "plugin",
                setup if setup.contains("dlt-core") => "yardstick",
                _ => "native",
            };
            chart.bar(
                class,
                f.setup,
                f.ratio.min(largest) / largest,
                &format!(
                    "{:.2}{}",
                    f.ratio,
                    if f.ratio > largest { " (cut)" } else { "" }
                ),
            );
        }
        chart.line(top, 1.0 / largest);
        chart.y += ROW;
    }
    if !measured.is_empty() {
        // A bar that is very much too long would make all others too short to read.
        let largest = measured
            .iter()
            .map(|(_, share)| *share)
            .fold(1.0, f64::max)
            .min(2.5);
        chart.title(
            "Goals: measured value as a share of the limit",
            "within the line is met",
        );
        let top = chart.y;
        for (outcome, share) in &measured {
            let met = *share <= 1.0;
            let (class, word) = if met {
                ("met", "met")
            } else {
                ("missed", "missed")
            };
            let value = outcome.measured.unwrap_or_default();
            let text = format!("{value:.2} of {}, {word}", limit(outcome.limit));
            chart.bar(class, outcome.name, share.min(largest) / largest, &text);
        }
        chart.line(top, 1.0 / largest);
    }
    chart.finish()
}

#[derive(Default)]
struct Chart {
    body: String,
    y: f64,
}

impl Chart {
    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    fn title(&mut self, title: &str, note: &str) {
        self.y += 2.0 * ROW;
        let y = self.y;
        self.push(format_args!(
            r#"<text class="title" x="{MARGIN}" y="{y}">{}</text>"#,
            escaped(title)
        ));
        self.push(format_args!(
            r#"<text class="note" x="{}" y="{y}" text-anchor="end">{}</text>"#,
            WIDTH - MARGIN,
            escaped(note)
        ));
        self.y += ROW / 2.0;
    }

    fn heading(&mut self, text: &str) {
        self.y += ROW;
        let y = self.y;
        self.push(format_args!(
            r#"<text class="group" x="{MARGIN}" y="{y}">{}</text>"#,
            escaped(text)
        ));
    }

    /// `share` of the room for bars.
    fn bar(&mut self, class: &str, label: &str, share: f64, value: &str) {
        self.y += ROW;
        let (y, top) = (self.y, self.y - BAR + 2.0);
        let length = (share * (WIDTH - LEFT - RIGHT)).max(1.0);
        self.push(format_args!(
            r#"<text x="{}" y="{y}" text-anchor="end">{}</text>"#,
            LEFT - 10.0,
            escaped(label)
        ));
        self.push(format_args!(
            r#"<rect class="{class}" x="{LEFT}" y="{top:.1}" width="{length:.1}" height="{BAR}" rx="2"/>"#
        ));
        self.push(format_args!(
            r#"<text x="{:.1}" y="{y}">{}</text>"#,
            LEFT + length + 8.0,
            escaped(value)
        ));
    }

    /// A line from `top` to here where a bar of that share ends.
    fn line(&mut self, top: f64, share: f64) {
        let x = LEFT + share * (WIDTH - LEFT - RIGHT);
        let bottom = self.y + 6.0;
        self.push(format_args!(
            r#"<line class="line" x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}"/>"#
        ));
    }

    fn finish(self) -> String {
        let height = self.y + MARGIN;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"Figures of just bench\">\n\
             <style>{STYLE}</style>\n\
             <rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{:.0}\" rx=\"8\"/>\n{}</svg>\n",
            WIDTH - 1.0,
            height - 1.0,
            self.body
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::tests::figures;

    #[test]
    fn bars_are_as_long_as_their_ratios() {
        let mut slow = figures("a", "raw", "plugin + <plugin>", 2.0, 1);
        slow.ratio = 2.0;
        let results = [
            figures("a", "raw", "native + native", 1.0, 1),
            slow,
            figures("b", "raw", "native + native", 1.0, 1),
        ];
        let outcome = |measured| Outcome {
            name: "goal",
            prototype: "–",
            chipmunk: "–",
            limit: 2.0,
            measured,
        };
        let chart = svg("a", &results, &[outcome(Some(1.0)), outcome(None)]);
        let widths: Vec<&str> = chart
            .lines()
            .filter(|line| line.starts_with("<rect class") && !line.contains("card"))
            .filter_map(|line| line.split("width=\"").nth(1)?.split('"').next())
            .collect();
        // Of 410: half, all, and half of a limit.
        assert_eq!(widths, ["205.0", "410.0", "205.0"]);
        assert!(chart.contains("plugin + &lt;plugin&gt;"));
        assert!(chart.contains(">1.00 of 2, met</text>"));
        assert!(chart.starts_with("<svg ") && chart.ends_with("</svg>\n"));
    }
}
