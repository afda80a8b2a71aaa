//! The files `checkpoints/<N>` of a log: what was published of it, the oldest first, each checkpoint a signed note with its
//! cosignatures, and an empty line between two. A page begins with the first checkpoint of at least N events; the next one
//! begins behind the last of it.
//!
//! The invariant: one series has one text. A checkpoint's text and its signatures hold no empty line, so empty lines
//! divide the file into texts and signatures in turn, and nothing in it can pass for an end.

use crate::{LogError, Note};

/// Writes one more note to the end of a series.
///
/// # Errors
/// `Note` if its text holds an empty line, which no checkpoint's does, or nobody signed it.
pub fn append(series: &mut String, note: &Note) -> Result<(), LogError> {
    if note.text().starts_with('\n') || note.text().contains("\n\n") {
        return Err(LogError::Note("its text holds an empty line"));
    }
    if note.signatures().is_empty() {
        return Err(LogError::Note("no signatures"));
    }
    if !series.is_empty() {
        series.push('\n');
    }
    series.push_str(&note.to_string());
    Ok(())
}

/// Reads a series. Nothing is verified: the notes are as they stand.
///
/// # Errors
/// `Note` if it is not a row of signed notes with an empty line between each two.
pub fn read(series: &str) -> Result<Vec<Note>, LogError> {
    let mut notes = Vec::new();
    let mut again = String::with_capacity(series.len());
    let mut parts = series.split("\n\n");
    while !series.is_empty()
        && let Some(text) = parts.next()
    {
        let signatures = parts.next().ok_or(LogError::Note("no signatures"))?;
        let signatures = signatures.strip_suffix('\n').unwrap_or(signatures);
        let note = Note::parse(&format!("{text}\n\n{signatures}\n"))?;
        append(&mut again, &note)?;
        notes.push(note);
    }
    // Lines too many or too few at the edges of a note.
    if again == series {
        Ok(notes)
    } else {
        Err(LogError::Note("not a series of notes"))
    }
}

#[cfg(test)]
mod tests;
