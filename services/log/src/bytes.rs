//! Canonical bytes: RFC 8785 JSON, narrowed so that two programs can never disagree about them.
//!
//! The invariant: equal values give equal bytes, and bytes that pass [`is_canonical`] have no other reading. So there
//! is no null, no float and no integer that a double cannot hold; keys stand in UTF-16 order, once each.
//!
//! One pass: members are written as they come, and an object is put in order at its end only if its type did not
//! declare its fields in order. Types on the hot path do (see `envelope`).

mod key;
pub(crate) mod scan;
mod writer;

use serde::Serialize;
use writer::Writer;

use crate::LogError;

/// The longest event in bytes: an entry of a tlog-tiles bundle has a length of 16 bits.
pub const MAX_BYTES: usize = 65_535;

/// The largest integer, 2^53 - 1: beyond it a reader that uses doubles would see another number (RFC 8785, 3.2.2.3).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The deepest nesting, well inside what every JSON reader accepts.
pub const MAX_DEPTH: usize = 64;

/// The canonical bytes of a value.
///
/// # Errors
/// `Value` for null (leave optional fields out instead), floats, integers beyond ±[`MAX_INTEGER`], byte strings,
/// repeated keys and nesting beyond [`MAX_DEPTH`]; `TooLarge` beyond [`MAX_BYTES`]; `Serialize` if the type refuses.
pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, LogError> {
    let mut writer = Writer::new();
    value.serialize(&mut writer)?;
    let bytes = writer.finish();
    if bytes.len() > MAX_BYTES {
        return Err(LogError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Whether these bytes are what [`canonical`] would write for the value that they spell.
pub fn is_canonical(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut cursor = scan::Cursor::new(text);
    bytes.len() <= MAX_BYTES && cursor.value(0).is_ok() && cursor.end().is_ok()
}

#[cfg(test)]
mod tests;
