//! The serialiser behind `canonical`. The invariant: whatever stands in `out` between an object's braces is at every
//! moment valid JSON text, and on `end` its members are in order; `keys` and `members` are stacks that each object
//! leaves as it found them.

mod compound;

use std::io::Write as _;

use serde::ser::{self, Serialize};

use compound::{List, Object};

use super::{MAX_DEPTH, MAX_INTEGER};
use crate::LogError;

/// The names under which serde_json smuggles numbers and raw text through `Serialize`; written out they would be
/// objects that nobody meant.
const SMUGGLED: &str = "$serde_json::private::";

pub(super) struct Writer {
    out: Vec<u8>,
    /// The unescaped keys of the objects that are open.
    keys: String,
    members: Vec<Member>,
    scratch: Vec<u8>,
    depth: usize,
}

/// One finished member: its key in `keys`, its text (`"key":value`) in `out`.
#[derive(Clone, Copy)]
struct Member {
    key: (usize, usize),
    text: (usize, usize),
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            out: Vec::with_capacity(640),
            keys: String::with_capacity(192),
            members: Vec::with_capacity(24),
            scratch: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn enter(&mut self) -> Result<(), LogError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(LogError::value("nested too deep"))
        } else {
            Ok(())
        }
    }

    fn integer(&mut self, value: i64) -> Result<(), LogError> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(LogError::value("an integer beyond 2^53 - 1"));
        }
        write!(self.out, "{value}").map_err(|_| LogError::value("memory refused"))
    }

    /// RFC 8785, 3.2.2.2: the short escapes where JSON has them, lower-case \u00xx for other controls, all else as is.
    fn string(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut from = 0;
        self.out.push(b'"');
        for (at, &byte) in bytes.iter().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.out.extend_from_slice(&bytes[from..at]);
            from = at + 1;
            let short = match byte {
                0x08 => b'b',
                b'\t' => b't',
                b'\n' => b'n',
                0x0c => b'f',
                b'\r' => b'r',
                b'"' | b'\\' => byte,
                _ => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    self.out.extend_from_slice(b"\\u00");
                    self.out.push(HEX[usize::from(byte >> 4)]);
                    self.out.push(HEX[usize::from(byte & 15)]);
                    continue;
                }
            };
            self.out.extend_from_slice(&[b'\\', short]);
        }
        self.out.extend_from_slice(&bytes[from..]);
        self.out.push(b'"');
    }

    /// `{"Variant":`, to be closed by one more brace.
    fn variant(&mut self, name: &str) -> Result<(), LogError> {
        self.enter()?;
        self.out.push(b'{');
        self.string(name);
        self.out.push(b':');
        Ok(())
    }

    fn list(&mut self, in_variant: bool) -> Result<List<'_>, LogError> {
        self.enter()?;
        self.out.push(b'[');
        Ok(List::new(self, in_variant))
    }

    fn object(&mut self, in_variant: bool) -> Result<Object<'_>, LogError> {
        self.enter()?;
        self.out.push(b'{');
        Ok(Object::new(self, in_variant))
    }

    fn close(&mut self, bracket: u8, in_variant: bool) {
        self.out.push(bracket);
        self.depth -= 1;
        if in_variant {
            self.out.push(b'}');
            self.depth -= 1;
        }
    }
}

const FLOAT: &str = "a float";
const NULL: &str = "null";
const BYTES: &str = "a byte string without a text form";

impl<'w> ser::Serializer for &'w mut Writer {
    type Ok = ();
    type Error = LogError;
    type SerializeSeq = List<'w>;
    type SerializeTuple = List<'w>;
    type SerializeTupleStruct = List<'w>;
    type SerializeTupleVariant = List<'w>;
    type SerializeMap = Object<'w>;
    type SerializeStruct = Object<'w>;
    type SerializeStructVariant = Object<'w>;

    fn serialize_bool(self, value: bool) -> Result<(), LogError> {
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Result<(), LogError> {
        self.integer(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), LogError> {
        self.integer(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), LogError> {
        self.integer(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), LogError> {
        self.integer(value)
    }
    fn serialize_i128(self, value: i128) -> Result<(), LogError> {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
    fn serialize_u8(self, value: u8) -> Result<(), LogError> {
        self.integer(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), LogError> {
        self.integer(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), LogError> {
        self.integer(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<(), LogError> {
        // What does not fit is beyond 2^53 - 1 as well, so that the extreme stands for it.
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
    fn serialize_u128(self, value: u128) -> Result<(), LogError> {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
    fn serialize_f32(self, _: f32) -> Result<(), LogError> {
        Err(LogError::value(FLOAT))
    }
    fn serialize_f64(self, _: f64) -> Result<(), LogError> {
        Err(LogError::value(FLOAT))
    }
    fn serialize_char(self, value: char) -> Result<(), LogError> {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_str(self, value: &str) -> Result<(), LogError> {
        self.string(value);
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), LogError> {
        Err(LogError::value(BYTES))
    }
    fn serialize_none(self) -> Result<(), LogError> {
        Err(LogError::value(NULL))
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), LogError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), LogError> {
        Err(LogError::value(NULL))
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), LogError> {
        Err(LogError::value(NULL))
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), LogError> {
        self.string(variant);
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), LogError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), LogError> {
        self.variant(variant)?;
        value
            .serialize(&mut *self)
            .map_err(|error| error.under(variant))?;
        self.out.push(b'}');
        self.depth -= 1;
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<List<'w>, LogError> {
        self.list(false)
    }
    fn serialize_tuple(self, _: usize) -> Result<List<'w>, LogError> {
        self.list(false)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'w>, LogError> {
        self.list(false)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'w>, LogError> {
        self.variant(variant)?;
        self.list(true)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'w>, LogError> {
        self.object(false)
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Object<'w>, LogError> {
        if name.starts_with(SMUGGLED) {
            return Err(LogError::value("raw JSON, whose bytes nobody has checked"));
        }
        self.object(false)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'w>, LogError> {
        self.variant(variant)?;
        self.object(true)
    }
}
