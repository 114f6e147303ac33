//! `MessagePack`, as far as the streams need it: JSON values both ways, and moments as timestamps.

use atlas_core::time::Timestamp;
use serde_json::{Map, Number, Value};

/// Encodes a value. With `stamps`, texts under the name `t` that are moments become timestamps of
/// the format's own kind, as clients of the market-data stream expect.
pub(super) fn encode(value: &Value, stamps: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, stamps, &mut bytes);
    bytes
}

fn write(value: &Value, stamps: bool, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(0xc0),
        Value::Bool(false) => to.push(0xc2),
        Value::Bool(true) => to.push(0xc3),
        Value::Number(number) => write_number(number, to),
        Value::String(text) => write_text(text, to),
        Value::Array(items) => {
            write_length(items.len(), [0x90, 0xdc, 0xdd], to);
            for item in items {
                write(item, stamps, to);
            }
        }
        Value::Object(fields) => {
            write_length(fields.len(), [0x80, 0xde, 0xdf], to);
            for (name, value) in kind_first(fields) {
                write_text(name, to);
                match value.as_str().filter(|_| stamps && name == "t").map(str::parse) {
                    Some(Ok(moment)) => write_stamp(moment, to),
                    Some(Err(_)) | None => write(value, stamps, to),
                }
            }
        }
    }
}

/// The members of a message, the one that names its kind first: there are clients that choose by it
/// how to read all others, and refuse a message that begins with another.
pub(super) fn kind_first(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let is_kind = |name: &str| name == "T";
    let kind = fields.iter().filter(move |(name, _)| is_kind(name));
    kind.chain(fields.iter().filter(move |(name, _)| !is_kind(name)))
}

fn write_number(number: &Number, to: &mut Vec<u8>) {
    if let Some(whole) = number.as_u64() {
        match u8::try_from(whole) {
            Ok(small) if small < 0x80 => to.push(small),
            Ok(_) | Err(_) => {
                to.push(0xcf);
                to.extend(whole.to_be_bytes());
            }
        }
    } else if let Some(whole) = number.as_i64() {
        to.push(0xd3);
        to.extend(whole.to_be_bytes());
    } else {
        to.push(0xcb);
        to.extend(number.as_f64().unwrap_or(f64::NAN).to_be_bytes());
    }
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    match text.len() {
        length @ 0..32 => to.push(0xa0 | low_byte(length)),
        length @ 32..256 => to.extend([0xd9, low_byte(length)]),
        length => write_long(length, [0xda, 0xdb], to),
    }
    to.extend(text.as_bytes());
}

/// Writes the head of a list or map: short, two bytes of length, four bytes of length.
fn write_length(length: usize, [short, two, four]: [u8; 3], to: &mut Vec<u8>) {
    if length < 16 {
        to.push(short | low_byte(length));
    } else {
        write_long(length, [two, four], to);
    }
}

fn write_long(length: usize, [two, four]: [u8; 2], to: &mut Vec<u8>) {
    if let Ok(length) = u16::try_from(length) {
        to.push(two);
        to.extend(length.to_be_bytes());
    } else {
        to.push(four);
        // Messages stay far below four gigabytes.
        to.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}

/// A timestamp of 96 bits: extension type -1, nanoseconds, seconds.
fn write_stamp(moment: Timestamp, to: &mut Vec<u8>) {
    to.extend([0xc7, 12, 0xff]);
    to.extend(moment.timestamp_subsec_nanos().to_be_bytes());
    to.extend(moment.timestamp().to_be_bytes());
}

const fn low_byte(length: usize) -> u8 {
    length.to_le_bytes()[0]
}

/// Decodes one value that fills all of `bytes`; `None` if they hold something else, or more depth
/// than any command has.
pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader { bytes, depth: 0 };
    let value = reader.value()?;
    reader.bytes.is_empty().then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    depth: u8,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    /// An unsigned number of one, two, four or eight bytes.
    fn number(&mut self, width: usize) -> Option<u64> {
        let bytes = self.take(width)?;
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Option<usize> {
        usize::try_from(self.number(width)?).ok()
    }

    fn value(&mut self) -> Option<Value> {
        let head = *self.take(1)?.first()?;
        Some(match head {
            0x00..=0x7f => head.into(),
            0x80..=0x8f => self.map(usize::from(head & 0x0f))?,
            0x90..=0x9f => self.list(usize::from(head & 0x0f))?,
            0xa0..=0xbf => self.text(usize::from(head & 0x1f))?,
            0xc0 => Value::Null,
            0xc2 => false.into(),
            0xc3 => true.into(),
            0xca => f64::from(f32::from_bits(u32::try_from(self.number(4)?).ok()?)).into(),
            0xcb => f64::from_bits(self.number(8)?).into(),
            0xcc..=0xcf => self.number(1 << (head - 0xcc))?.into(),
            0xd0..=0xd3 => {
                let width = 1 << (head - 0xd0);
                let unused = 64 - 8 * u32::try_from(width).ok()?;
                (self.number(width)?.cast_signed() << unused >> unused).into()
            }
            0xd9..=0xdb => {
                let length = self.length(1 << (head - 0xd9))?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let length = self.length(2 << (head - 0xdc))?;
                self.list(length)?
            }
            0xde | 0xdf => {
                let length = self.length(2 << (head - 0xde))?;
                self.map(length)?
            }
            0xe0..=0xff => i64::from(head.cast_signed()).into(),
            // Bytes and extensions: no command has them.
            0xc1 | 0xc4..=0xc9 | 0xd4..=0xd8 => return None,
        })
    }

    fn text(&mut self, length: usize) -> Option<Value> {
        Some(std::str::from_utf8(self.take(length)?).ok()?.into())
    }

    fn list(&mut self, length: usize) -> Option<Value> {
        self.deeper(|reader| {
            let mut items = Vec::new();
            for _ in 0..length {
                items.push(reader.value()?);
            }
            Some(Value::Array(items))
        })
    }

    fn map(&mut self, length: usize) -> Option<Value> {
        self.deeper(|reader| {
            let mut fields = Map::new();
            for _ in 0..length {
                let Value::String(name) = reader.value()? else { return None };
                fields.insert(name, reader.value()?);
            }
            Some(Value::Object(fields))
        })
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        let value = if self.depth > DEPTH { None } else { read(self) };
        self.depth -= 1;
        value
    }
}

/// Deepest nesting that is read.
const DEPTH: u8 = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let long = "x".repeat(70_000);
        let many: Vec<u32> = (0..70_000).collect();
        for value in [
            json!(null),
            json!({ "T": "q", "bp": 1.5, "bs": 100, "c": ["R"], "z": true, "n": -3 }),
            json!([0, 127, 128, u64::MAX, i64::MIN, 1e300, "", "y".repeat(31), "y".repeat(200)]),
            json!({ "long": long, "many": many }),
        ] {
            assert_eq!(decode(&encode(&value, false)).unwrap(), value);
        }
    }

    #[test]
    fn moments_become_timestamps() {
        let bytes = encode(&json!({ "t": "2019-01-02T15:00:00.5Z" }), true);
        assert_eq!(bytes[..3], [0x81, 0xa1, b't']);
        assert_eq!(bytes[3..6], [0xc7, 12, 0xff]);
        assert_eq!(bytes[6..10], 500_000_000_u32.to_be_bytes());
        assert_eq!(bytes[10..], 1_546_441_200_i64.to_be_bytes());
        // What is no moment stays a text.
        assert_eq!(encode(&json!({ "t": "x" }), true), [0x81, 0xa1, b't', 0xa1, b'x']);
    }

    #[test]
    fn the_kind_of_a_message_comes_first() {
        let bytes = encode(&json!([{ "S": "A", "T": "q", "a": 1 }]), true);
        assert_eq!(bytes, *b"\x91\x83\xa1T\xa1q\xa1S\xa1A\xa1a\x01");
    }

    #[test]
    fn depth_is_limited_and_rests_are_refused() {
        assert!(decode(&[0x91; 200]).is_none());
        assert!(decode(&[0x01, 0x02]).is_none());
        assert!(decode(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _read = decode(&bytes);
        }
    }
}
