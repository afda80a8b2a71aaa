//! What somebody who waits sees on standard error: a bar on a terminal, a line for each thing done elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Progress. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Progress {
    pub(crate) bar: ProgressBar,
    pub(crate) terminal: bool,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {elapsed_precise} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Progress {
            bar,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// What is done now.
    pub(crate) fn begin(&self, what: &str) {
        self.bar.set_length(0);
        self.bar.set_position(0);
        self.bar.set_message(what.to_owned());
    }

    /// What came of it.
    pub(crate) fn say(&self, line: &str) {
        if self.terminal {
            self.bar.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
