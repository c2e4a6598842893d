//! Drawing a profile: `inferno` does; here is what it is told.

use std::io::Write;

use inferno::flamegraph::{Options, Palette, color::MultiPalette};

use crate::{Error, Profile};

/// Draws the profile as an SVG that can be zoomed and searched in a browser. Guest frames are green, the host's red and yellow. Frames with
/// less than `least_percent` of all samples are left out.
///
/// # Errors
/// [`Error::Draw`] when there is nothing to draw, or nowhere.
pub fn draw(
    profile: &Profile,
    title: &str,
    least_percent: f64,
    out: impl Write,
) -> Result<(), Error> {
    let summary = profile.summary();
    let percent = |part: u64| 100.0 * part as f64 / summary.samples.max(1) as f64;
    let mut options = Options::default();
    options.title = title.to_owned();
    options.subtitle = Some(format!(
        "{} samples; green: guests ({:.0} %), red and yellow: the host",
        summary.samples,
        percent(summary.in_guest)
    ));
    // Java's palette: what ends in `_[j]` is just-in-time compiled.
    options.colors = Palette::Multi(MultiPalette::Java);
    // A page of plain white.
    options.bgcolors = "#ffffff".parse().ok();
    options.hash = true;
    options.min_width = least_percent;
    let folded = profile.folded();
    inferno::flamegraph::from_lines(&mut options, folded.iter().map(String::as_str), out)
        .map_err(|error| Error::Draw(std::io::Error::other(error.to_string())))
}
