//! The tables, as Markdown.

use crate::goals::Outcome;
use crate::run::Figures;
use std::fmt::Write;

/// A case that was not measured, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    pub input: &'static str,
    pub format: &'static str,
    pub setup: &'static str,
    pub why: String,
}

/// All figures as one table.
pub fn figures(results: &[Figures], skipped: &[Skipped]) -> String {
    let mut out = String::from(
        "| input | format | source + parser | s | MB/s | ns a byte | ratio to native | peak MB | warm start ms | cold start ms |\n\
         |---|---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for f in results {
        let cold = f
            .cold_start_ms
            .map_or("–".to_string(), |ms| format!("{ms:.0}"));
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.4} | {:.0} | {:.2} | {:.2} | {:.0} | {:.1} | {cold} |",
            f.input,
            f.format,
            f.setup,
            f.seconds,
            f.megabytes_per_second(),
            f.nanoseconds_per_byte(),
            f.ratio,
            f.peak_megabytes,
            f.warm_start_ms,
        );
    }
    for s in skipped {
        let _ = writeln!(
            out,
            "| {} | {} | {} | skipped: {} | | | | | | |",
            s.input, s.format, s.setup, s.why
        );
    }
    out
}

/// The goals, and whether each was met.
pub fn goals(outcomes: &[Outcome]) -> String {
    let mut out = String::from(
        "| case | prototype | Chipmunk 4.2 | goal | measured | |\n|---|---:|---:|---:|---:|---|\n",
    );
    for outcome in outcomes {
        let measured = outcome
            .measured
            .map_or("–".to_string(), |measured| format!("{measured:.2}"));
        let _ = writeln!(
            out,
            "| {} | {} | {} | ≤ {} | {measured} | {} |",
            outcome.name,
            outcome.prototype,
            outcome.chipmunk,
            limit(outcome.limit),
            verdict(outcome),
        );
    }
    out
}

/// In one word or two.
pub fn verdict(outcome: &Outcome) -> &'static str {
    match outcome.is_met() {
        Some(true) => "met",
        Some(false) => "**missed**",
        None => "not measured",
    }
}

/// A limit without zeros behind it.
pub fn limit(limit: f64) -> String {
    let text = format!("{limit:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Where the time of each case went, in milliseconds.
pub fn splits(results: &[Figures]) -> String {
    let mut keys: Vec<&str> = results
        .iter()
        .flat_map(|figures| figures.split_ms.keys().map(String::as_str))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut out = format!(
        "| input | format | source + parser | {} |\n|---|---|---|{}\n",
        keys.join(" | "),
        "---:|".repeat(keys.len())
    );
    for f in results {
        let values = keys.iter().map(|key| {
            f.split_ms
                .get(*key)
                .map_or("–".to_string(), |ms| format!("{ms:.1}"))
        });
        let values: Vec<String> = values.collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            f.input,
            f.format,
            f.setup,
            values.join(" | ")
        );
    }
    out
}

/// `text` with what is between the two markers replaced; none if they are not there.
pub fn replace_between(text: &str, begin: &str, end: &str, new: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{new}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::tests::figures as sample;

    #[test]
    fn a_line_for_each_case() {
        let skipped = Skipped {
            input: "4.6 MB",
            format: "raw",
            setup: "plugin + plugin, LLVM",
            why: "this build has no LLVM".to_owned(),
        };
        let table = figures(
            &[sample(
                "4.6 MB",
                "raw",
                "native + native",
                0.0125,
                4_625_000,
            )],
            &[skipped],
        );
        assert_eq!(
            table.lines().skip(2).collect::<Vec<_>>(),
            [
                "| 4.6 MB | raw | native + native | 0.0125 | 370 | 2.70 | 1.00 | 12 | 3.0 | – |",
                "| 4.6 MB | raw | plugin + plugin, LLVM | skipped: this build has no LLVM | | | | | | |"
            ]
        );
    }

    #[test]
    fn goals_are_met_missed_or_not_measured() {
        let outcome = |limit, measured| Outcome {
            name: "case",
            prototype: "1.47",
            chipmunk: "–",
            limit,
            measured,
        };
        let table = goals(&[
            outcome(0.5, Some(0.5)),
            outcome(1.25, Some(1.3)),
            outcome(5.0, None),
        ]);
        assert_eq!(
            table.lines().skip(2).collect::<Vec<_>>(),
            [
                "| case | 1.47 | – | ≤ 0.5 | 0.50 | met |",
                "| case | 1.47 | – | ≤ 1.25 | 1.30 | **missed** |",
                "| case | 1.47 | – | ≤ 5 | – | not measured |"
            ]
        );
    }

    #[test]
    fn splits_have_a_column_for_each_part() {
        let mut one = sample("a", "raw", "x", 1.0, 1);
        one.split_ms = [("parse".to_owned(), 1.25)].into();
        let mut other = sample("a", "raw", "y", 1.0, 1);
        other.split_ms = [("output".to_owned(), 2.0)].into();
        assert_eq!(
            splits(&[one, other]),
            "| input | format | source + parser | output | parse |\n|---|---|---|---:|---:|\n\
             | a | raw | x | – | 1.2 |\n| a | raw | y | 2.0 | – |\n"
        );
    }

    #[test]
    fn what_is_between_markers_is_replaced() {
        assert_eq!(
            replace_between("a<x>old</x>b", "<x>", "</x>", "new\n").as_deref(),
            Some("a<x>\nnew\n</x>b")
        );
        assert_eq!(replace_between("a", "<x>", "</x>", "new"), None);
    }
}
