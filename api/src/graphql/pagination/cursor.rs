//! Cursors: places in an ordering, as clients carry them about.
//!
//! In Base64, one after the other: the values of the keys, a number in eight bytes, an id in sixteen, a text behind its
//! length in four; then a checksum of them all and of the ordering's name. So neither a mangled cursor nor one of another
//! ordering is mistaken for a place. Somebody may still make one up: what is read from it is checked like any input.

use crc::{CRC_32_ISCSI, Crc};
use data_encoding::BASE64URL_NOPAD;
use sea_orm::ColumnType;
use uuid::Uuid;

use super::order::Key;

static CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Bytes that most cursors fit into: a number, an id, and the checksum.
const USUAL: usize = 32;

/// The checksum of a name, which is given in parts.
pub fn checksum<'p>(parts: impl IntoIterator<Item = &'p str>) -> u32 {
    let mut digest = CHECKSUM.digest();
    for part in parts {
        digest.update(part.as_bytes());
    }
    digest.finalize()
}

/// The cursor of a place in the ordering whose name has this checksum.
pub fn written(keys: impl IntoIterator<Item = Key>, ordering: u32) -> String {
    let mut bytes = Vec::with_capacity(USUAL);
    for key in keys {
        match key {
            Key::Number(number) => bytes.extend_from_slice(&number.to_be_bytes()),
            Key::Id(id) => bytes.extend_from_slice(id.as_bytes()),
            Key::Text(text) => {
                // No row is that long.
                bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
    }
    let check = CHECKSUM.checksum(&bytes) ^ ordering;
    bytes.extend_from_slice(&check.to_be_bytes());
    BASE64URL_NOPAD.encode(&bytes)
}

/// The place that a cursor names in the ordering whose name has this checksum, and whose keys are of these types. None
/// where it is none of that ordering.
pub fn read(cursor: &str, ordering: u32, types: impl IntoIterator<Item = ColumnType>) -> Option<Vec<Key>> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let (mut rest, check) = bytes.split_last_chunk()?;
    if CHECKSUM.checksum(rest) ^ ordering != u32::from_be_bytes(*check) {
        return None;
    }
    let keys = types.into_iter().map(|of| key(&mut rest, &of)).collect::<Option<Vec<Key>>>()?;
    rest.is_empty().then_some(keys)
}

/// The value of a key of this type that comes next.
fn key(rest: &mut &[u8], of: &ColumnType) -> Option<Key> {
    match of {
        ColumnType::Integer | ColumnType::BigInteger => next(rest).map(|bytes| Key::Number(i64::from_be_bytes(bytes))),
        ColumnType::Uuid => next(rest).map(|bytes| Key::Id(Uuid::from_bytes(bytes))),
        ColumnType::String(_) | ColumnType::Text => {
            let length = usize::try_from(u32::from_be_bytes(next(rest)?)).ok()?;
            let text = std::str::from_utf8(rest.split_off(..length)?).ok()?;
            (!text.contains('\0')).then(|| Key::Text(text.to_owned()))
        }
        _ => None,
    }
}

fn next<const LENGTH: usize>(rest: &mut &[u8]) -> Option<[u8; LENGTH]> {
    rest.split_off(..LENGTH)?.try_into().ok()
}
