//! Keys of maps. The invariant: a key is text before it is a key, so that only what has one obvious text form (text,
//! variants without data, integers) may be one; all else is refused.

use std::fmt::Write as _;

use serde::ser::{self, Impossible, Serialize};

use super::MAX_INTEGER;
use crate::LogError;

/// Appends a map's key, unescaped.
pub(super) struct MapKey<'k>(pub(super) &'k mut String);

fn refused<T>() -> Result<T, LogError> {
    Err(LogError::value("a key that is neither text nor an integer"))
}

impl MapKey<'_> {
    fn integer(self, value: i64) -> Result<(), LogError> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(LogError::value("an integer key beyond 2^53 - 1"));
        }
        write!(self.0, "{value}").map_err(|_| LogError::value("memory refused"))
    }
}

impl ser::Serializer for MapKey<'_> {
    type Ok = ();
    type Error = LogError;
    type SerializeSeq = Impossible<(), LogError>;
    type SerializeTuple = Impossible<(), LogError>;
    type SerializeTupleStruct = Impossible<(), LogError>;
    type SerializeTupleVariant = Impossible<(), LogError>;
    type SerializeMap = Impossible<(), LogError>;
    type SerializeStruct = Impossible<(), LogError>;
    type SerializeStructVariant = Impossible<(), LogError>;

    fn serialize_str(self, value: &str) -> Result<(), LogError> {
        self.0.push_str(value);
        Ok(())
    }
    fn serialize_char(self, value: char) -> Result<(), LogError> {
        self.0.push(value);
        Ok(())
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), LogError> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), LogError> {
        value.serialize(self)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), LogError> {
        value.serialize(self)
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
        self.integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
    fn serialize_bool(self, _: bool) -> Result<(), LogError> {
        refused()
    }
    fn serialize_f32(self, _: f32) -> Result<(), LogError> {
        refused()
    }
    fn serialize_f64(self, _: f64) -> Result<(), LogError> {
        refused()
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), LogError> {
        refused()
    }
    fn serialize_none(self) -> Result<(), LogError> {
        refused()
    }
    fn serialize_unit(self) -> Result<(), LogError> {
        refused()
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), LogError> {
        refused()
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), LogError> {
        refused()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, LogError> {
        refused()
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, LogError> {
        refused()
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, LogError> {
        refused()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, LogError> {
        refused()
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, LogError> {
        refused()
    }
    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, LogError> {
        refused()
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, LogError> {
        refused()
    }
}
