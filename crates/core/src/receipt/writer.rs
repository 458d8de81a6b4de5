//! A serialiser that writes canonical JSON (RFC 8785) straight into bytes.
//!
//! Owns the text of statements and checkpoints. It sorts nothing: a struct whose fields are not
//! declared in the order of their wire names is an error, so that nothing else is ever signed.
//! Must never write a float, a map or null, which no receipt holds. No IO.

use serde::ser::{Error as _, Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeTuple, Serializer};
use std::fmt::Display;
use std::io::Write as _;

/// What the writer refuses, in `serde_json`'s terms.
type Error = serde_json::Error;

/// The name by which `serde_json` marks text that is JSON itself.
const RAW: &str = "$serde_json::private::RawValue";

/// Appends the canonical JSON of the value.
///
/// # Errors
/// The value holds what no receipt may, or its fields are out of order.
pub(super) fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    value.serialize(&mut Writer { out, raw: false })
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// True where the next text is JSON itself.
    raw: bool,
}

/// True where a byte must be escaped. Without an early exit the compiler looks at many at once.
fn has_special(text: &[u8]) -> bool {
    let special = |b: u8| (b < 0x20) | (b == b'"') | (b == b'\\');
    text.iter().fold(false, |found, b| found | special(*b))
}

impl Writer<'_> {
    fn text(&mut self, text: &str) {
        self.out.push(b'"');
        if has_special(text.as_bytes()) {
            text.bytes().for_each(|b| self.byte(b));
        } else {
            self.out.extend_from_slice(text.as_bytes());
        }
        self.out.push(b'"');
    }

    fn byte(&mut self, byte: u8) {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x00..0x20 => {
                let high = b'0' + (byte >> 4);
                let low = char::from_digit(u32::from(byte & 15), 16).map_or(b'0', |c| c as u8);
                return self.out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => return self.out.push(byte),
        };
        self.out.extend_from_slice(&[b'\\', short]);
    }
}

macro_rules! integers {
    ($($method:ident: $ty:ty,)+) => {
        $(fn $method(self, v: $ty) -> Result<(), Error> {
            write!(self.out, "{v}").map_err(Error::io)
        })+
    };
}

macro_rules! refused {
    ($($method:ident($($ty:ty),*) $(-> $ok:ty)?;)+) => {
        $(fn $method(self, $(_: $ty),*) -> Result<refused!(@ $($ok)?), Error> {
            Err(Error::custom(concat!("a receipt needs no ", stringify!($method))))
        })+
    };
    (@) => { () };
    (@ $ok:ty) => { $ok };
}

impl<'w, 'o> Serializer for &'w mut Writer<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'w, 'o>;
    type SerializeTuple = Open<'w, 'o>;
    type SerializeStruct = Open<'w, 'o>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
    }

    refused! {
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_bool(self, v: bool) -> Result<(), Error> {
        self.out.extend_from_slice(if v { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_str(self, v: &str) -> Result<(), Error> {
        if std::mem::take(&mut self.raw) {
            self.out.extend_from_slice(v.as_bytes());
        } else {
            self.text(v);
        }
        Ok(())
    }

    /// Without this, `serde` would make a `String` first.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        let start = self.out.len();
        self.out.push(b'"');
        write!(self.out, "{value}").map_err(Error::io)?;
        if self.out.get(start + 1..).is_some_and(has_special) {
            self.out.truncate(start);
            return self.serialize_str(&value.to_string());
        }
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Error> {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(Error::custom("a receipt needs no variant with content"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'w, 'o>, Error> {
        self.out.push(b'[');
        Ok(Open { writer: self, last: "" })
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'w, 'o>, Error> {
        self.serialize_seq(None)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Open<'w, 'o>, Error> {
        self.raw = name == RAW;
        if !self.raw {
            self.out.push(b'{');
        }
        Ok(Open { writer: self, last: "" })
    }
}

/// A list or struct that is being written.
struct Open<'w, 'o> {
    writer: &'w mut Writer<'o>,
    /// The field written last; empty before the first.
    last: &'static str,
}

impl SerializeSeq for Open<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.writer.out.last() != Some(&b'[') {
            self.writer.out.push(b',');
        }
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.writer.out.push(b']');
        Ok(())
    }
}

impl SerializeTuple for Open<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeStruct for Open<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if name == RAW {
            self.last = RAW;
            return value.serialize(&mut *self.writer);
        }
        // Wire names are ASCII, where the order of bytes is the one RFC 8785 asks for. The first
        // byte mostly decides: a loop beats a call of memcmp.
        if name.bytes().le(self.last.bytes()) {
            return Err(Error::custom(format!("field {name} is declared after {}", self.last)));
        }
        let head: &[u8] = if self.last.is_empty() { b"\"" } else { b",\"" };
        self.writer.out.extend_from_slice(head);
        self.writer.out.extend_from_slice(name.as_bytes());
        self.writer.out.extend_from_slice(b"\":");
        self.last = name;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        if self.last != RAW {
            self.writer.out.push(b'}');
        }
        Ok(())
    }
}
