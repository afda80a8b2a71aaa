//! Lists and objects while they are being written. The invariant: an object's text lies between its braces in `out`
//! as valid JSON at every moment, and on its end the members are in order, each key once.

use std::cmp::Ordering;

use serde::ser::{self, Serialize};

use super::super::key::MapKey;
use super::{Member, Writer};
use crate::LogError;

/// RFC 8785, 3.2.3: keys are ordered by their UTF-16 code units, which is byte order unless surrogates come in.
fn key_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        a.cmp(b)
    } else {
        a.encode_utf16().cmp(b.encode_utf16())
    }
}

pub(in crate::bytes) struct List<'w> {
    writer: &'w mut Writer,
    count: usize,
    in_variant: bool,
}

impl<'w> List<'w> {
    pub(super) fn new(writer: &'w mut Writer, in_variant: bool) -> Self {
        Self {
            writer,
            count: 0,
            in_variant,
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LogError> {
        if self.count > 0 {
            self.writer.out.push(b',');
        }
        let at = self.count;
        self.count += 1;
        value
            .serialize(&mut *self.writer)
            .map_err(|error| error.under(&at.to_string()))
    }

    fn finish(self) {
        self.writer.close(b']', self.in_variant);
    }
}

pub(in crate::bytes) struct Object<'w> {
    writer: &'w mut Writer,
    /// Where the text of the members starts in `out`.
    start: usize,
    first_member: usize,
    first_key: usize,
    /// The member whose value comes next: start of its key in `keys`, start of its text in `out`.
    open: (usize, usize),
    sorted: bool,
    in_variant: bool,
}

impl<'w> Object<'w> {
    pub(super) fn new(writer: &'w mut Writer, in_variant: bool) -> Self {
        Self {
            start: writer.out.len(),
            first_member: writer.members.len(),
            first_key: writer.keys.len(),
            open: (0, 0),
            sorted: true,
            in_variant,
            writer,
        }
    }

    fn begin(&mut self) {
        if self.writer.members.len() > self.first_member {
            self.writer.out.push(b',');
        }
        self.open = (self.writer.keys.len(), self.writer.out.len());
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LogError> {
        let (key_start, text_start) = self.open;
        let key = (key_start, self.writer.keys.len());
        // The key is moved out for a moment because `string` borrows the whole writer.
        let keys = std::mem::take(&mut self.writer.keys);
        self.writer.string(&keys[key.0..key.1]);
        if let Some(last) = self.writer.members[self.first_member..].last() {
            let order = key_order(&keys[last.key.0..last.key.1], &keys[key.0..key.1]);
            self.sorted &= order == Ordering::Less;
        }
        self.writer.keys = keys;
        self.writer.out.push(b':');
        value
            .serialize(&mut *self.writer)
            .map_err(|error| error.under(&self.writer.keys[key.0..key.1]))?;
        self.writer.members.push(Member {
            key,
            text: (text_start, self.writer.out.len()),
        });
        Ok(())
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), LogError> {
        self.begin();
        self.writer.keys.push_str(key);
        self.value(value)
    }

    fn finish(self) -> Result<(), LogError> {
        if !self.sorted {
            put_in_order(self.writer, self.start, self.first_member)?;
        }
        self.writer.members.truncate(self.first_member);
        self.writer.keys.truncate(self.first_key);
        self.writer.close(b'}', self.in_variant);
        Ok(())
    }
}

/// Rewrites the text of the innermost open object, which starts at `start`, with its members in key order.
fn put_in_order(writer: &mut Writer, start: usize, first_member: usize) -> Result<(), LogError> {
    let Writer {
        out,
        keys,
        members,
        scratch,
        ..
    } = writer;
    let key = |member: &Member| &keys[member.key.0..member.key.1];
    let members = &mut members[first_member..];
    members.sort_unstable_by(|a, b| key_order(key(a), key(b)));
    if let Some(pair) = members
        .windows(2)
        .find(|pair| key(&pair[0]) == key(&pair[1]))
    {
        return Err(LogError::value("a key twice").under(key(&pair[0])));
    }
    scratch.clear();
    scratch.extend_from_slice(&out[start..]);
    out.truncate(start);
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&scratch[member.text.0 - start..member.text.1 - start]);
    }
    Ok(())
}

impl ser::SerializeSeq for List<'_> {
    type Ok = ();
    type Error = LogError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LogError> {
        self.element(value)
    }
    fn end(self) -> Result<(), LogError> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeTuple for List<'_> {
    type Ok = ();
    type Error = LogError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LogError> {
        self.element(value)
    }
    fn end(self) -> Result<(), LogError> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for List<'_> {
    type Ok = ();
    type Error = LogError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LogError> {
        self.element(value)
    }
    fn end(self) -> Result<(), LogError> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeTupleVariant for List<'_> {
    type Ok = ();
    type Error = LogError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LogError> {
        self.element(value)
    }
    fn end(self) -> Result<(), LogError> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = LogError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), LogError> {
        self.begin();
        key.serialize(MapKey(&mut self.writer.keys))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LogError> {
        self.value(value)
    }
    fn end(self) -> Result<(), LogError> {
        self.finish()
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = LogError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), LogError> {
        self.member(key, value)
    }
    fn end(self) -> Result<(), LogError> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = LogError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), LogError> {
        self.member(key, value)
    }
    fn end(self) -> Result<(), LogError> {
        self.finish()
    }
}
