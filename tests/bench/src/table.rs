//! The table, as Markdown.

use crate::run::Figures;
use std::fmt::Write;

/// All figures as one table.
pub fn markdown(results: &[Figures]) -> String {
    let mut out = String::from(
        "| input | format | source + parser | s | MB/s | ratio to native | peak MB | warm start ms | cold start ms |\n\
         |---|---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for f in results {
        let cold = f
            .cold_start_ms
            .map_or("–".to_string(), |ms| format!("{ms:.0}"));
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.4} | {:.0} | {:.2} | {:.0} | {:.1} | {cold} |",
            f.case.input,
            f.case.format,
            f.case.sides,
            f.seconds,
            f.megabytes_per_second,
            f.ratio,
            f.peak_megabytes,
            f.warm_start_ms,
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::Case;

    #[test]
    fn a_line_for_each_case() {
        let figures = Figures {
            case: Case {
                input: "4.6 MB",
                format: "raw",
                sides: "native + native",
            },
            seconds: 0.01234,
            megabytes_per_second: 371.6,
            ratio: 1.0,
            peak_megabytes: 12.4,
            warm_start_ms: 1.26,
            cold_start_ms: None,
            messages: 30_525,
        };
        let table = markdown(&[figures]);
        assert_eq!(
            table.lines().last(),
            Some("| 4.6 MB | raw | native + native | 0.0123 | 372 | 1.00 | 12 | 1.3 | – |")
        );
    }
}
