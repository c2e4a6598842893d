//! A guest's log: lines go to the host's log under the plugin's name, and the last ones are kept for when it fails.
//!
//! What a guest writes is not trusted: a line is cut at a length, and control characters are made visible, so that a plugin
//! cannot move the cursor of the user's terminal or forge other lines.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::LogLevel;

/// Lines that are kept to be shown with a fault.
const KEPT_LINES: usize = 16;
/// Bytes of a line beyond which it is cut.
const LINE_BYTES: usize = 4 << 10;

/// The log of one session of a plugin. Clones are the same log.
#[derive(Debug, Clone)]
pub struct GuestLog {
    plugin: Arc<str>,
    level: LogLevel,
    kept: Arc<Mutex<VecDeque<String>>>,
}

impl GuestLog {
    /// An empty log. Lines below `level` are kept for a fault, but not passed on.
    pub fn new(plugin: &str, level: LogLevel) -> Self {
        Self {
            plugin: plugin.into(),
            level,
            kept: Arc::default(),
        }
    }

    /// The plugin's name.
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Takes one line (or several, if it has line ends).
    pub fn line(&self, level: LogLevel, text: &str) {
        let text = visible(text);
        if level <= self.level {
            let plugin = &*self.plugin;
            match level {
                LogLevel::Error => tracing::error!(target: "plugin", plugin, "{text}"),
                LogLevel::Warn => tracing::warn!(target: "plugin", plugin, "{text}"),
                LogLevel::Info => tracing::info!(target: "plugin", plugin, "{text}"),
                LogLevel::Debug => tracing::debug!(target: "plugin", plugin, "{text}"),
                LogLevel::Trace => tracing::trace!(target: "plugin", plugin, "{text}"),
            }
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(format!("{} {text}", label(level)));
    }

    /// The last lines, oldest first, each behind its level.
    pub fn last_lines(&self) -> Vec<String> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

fn label(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "ERROR",
        LogLevel::Warn => "WARN",
        LogLevel::Info => "INFO",
        LogLevel::Debug => "DEBUG",
        LogLevel::Trace => "TRACE",
    }
}

/// The line as it may be shown.
fn visible(text: &str) -> String {
    let text = text.trim_end();
    let cut = text.floor_char_boundary(LINE_BYTES.min(text.len()));
    let mut shown = String::with_capacity(cut);
    for c in text.get(..cut).unwrap_or_default().chars() {
        match c {
            '\t' => shown.push(' '),
            '\n' => shown.push_str(" | "),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    if cut < text.len() {
        shown.push_str(" ...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_oldest_first() {
        let log = GuestLog::new("p", LogLevel::Warn);
        assert_eq!(log.last_lines(), [""; 0]);
        for n in 0..KEPT_LINES + 2 {
            log.clone().line(LogLevel::Debug, &format!("line {n}"));
        }
        let expected: Vec<_> = (2..KEPT_LINES + 2)
            .map(|n| format!("DEBUG line {n}"))
            .collect();
        assert_eq!(log.last_lines(), expected);
    }

    #[test]
    fn lines_cannot_control_a_terminal_or_fill_it() {
        assert_eq!(
            visible("a\tb\r\x1b[2J\u{9b}c\nd\n"),
            "a b\\r\\u{1b}[2J\\u{9b}c | d"
        );
        let long = "\u{e9}".repeat(LINE_BYTES);
        assert_eq!(
            visible(&long),
            format!("{} ...", "\u{e9}".repeat(LINE_BYTES / 2))
        );
    }
}
