//! Which keys sign the logs, as the logs' own publisher says. Whoever trusts nobody compares them with a copy that they had before;
//! what is checked here is that every checkpoint bears a signature of them.

use std::collections::HashSet;

use anyhow::Context as _;
use hefu_audit::Files;
use hefu_log::{Checkpoint, Note, VerifierKeys, Vkey};

/// The file's path.
pub(crate) const PATH: &str = "log.vkey";

/// The verifier keys that are published beside the logs.
pub(crate) struct Keys {
    /// As they stand in the file, those of other types too; none where there is no file.
    lines: Vec<String>,
    /// Those that sign for the logs themselves.
    keys: Vec<Vkey>,
}

/// A checkpoint, and whether a key is known that signed it.
pub(crate) struct Opened {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) signed: bool,
}

impl Keys {
    /// The keys that these files show.
    pub(crate) fn of(files: &dyn Files) -> anyhow::Result<Keys> {
        let text = files.read(PATH)?.unwrap_or_default();
        let text = String::from_utf8(text).with_context(|| format!("{PATH} is no text"))?;
        Keys::parse(&text)
    }

    /// Reads a file of keys, a line each.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Keys> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let read = VerifierKeys::parse(text);
        let read = read.with_context(|| format!("{PATH} holds a line that is no key"))?;
        Ok(Keys {
            lines,
            keys: read.keys,
        })
    }

    /// These keys behind those that were known before, each once: what was published once is never forgotten.
    pub(crate) fn after(self, mut before: Keys) -> Keys {
        // A key has one line.
        let known: HashSet<String> = before.lines.iter().cloned().collect();
        let fresh = self.lines.into_iter().filter(|line| !known.contains(line));
        before.lines.extend(fresh);
        for key in self.keys {
            if !before.keys.contains(&key) {
                before.keys.push(key);
            }
        }
        before
    }

    /// The file's text.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Reads a note. Where keys are known, one of the log's own must have signed it.
    pub(crate) fn open(&self, note: &str) -> anyhow::Result<Opened> {
        let signed = !self.keys.is_empty();
        let checkpoint = if signed {
            Checkpoint::open(note, &self.keys).context("no key of log.vkey signed the checkpoint")
        } else {
            Note::parse(note)
                .and_then(|note| note.text().parse())
                .context("the checkpoint cannot be read")
        }?;
        Ok(Opened { checkpoint, signed })
    }
}
