//! Cursors: positions in an ordering, encoded as opaque text.
//!
//! A cursor is Base64 of the sort keys' values (a number in eight bytes, an id in sixteen, a text preceded by its length in
//! four), followed by a checksum of them and of the ordering's name. The checksum detects damaged cursors and cursors of other
//! orderings. It is not a signature: a client can forge a cursor, so the values are checked like any other input.

use crc::{CRC_32_ISCSI, Crc};
use data_encoding::BASE64URL_NOPAD;
use sea_orm::ColumnType;
use uuid::Uuid;

use super::order::Key;

static CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The size of most cursors in bytes: a number, an id, and the checksum.
const USUAL: usize = 32;

/// Returns the checksum of a name that is given in parts.
pub fn checksum<'p>(parts: impl IntoIterator<Item = &'p str>) -> u32 {
    let mut digest = CHECKSUM.digest();
    for part in parts {
        digest.update(part.as_bytes());
    }
    digest.finalize()
}

/// Returns the cursor of a position. `ordering` is the checksum of the ordering's name.
pub fn written(keys: impl IntoIterator<Item = Key>, ordering: u32) -> String {
    let mut bytes = Vec::with_capacity(USUAL);
    for key in keys {
        match key {
            Key::Number(number) => bytes.extend_from_slice(&number.to_be_bytes()),
            Key::Id(id) => bytes.extend_from_slice(id.as_bytes()),
            Key::Text(text) => {
                // No stored text is longer.
                bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
    }
    let check = CHECKSUM.checksum(&bytes) ^ ordering;
    bytes.extend_from_slice(&check.to_be_bytes());
    BASE64URL_NOPAD.encode(&bytes)
}

/// Returns the position that a cursor denotes: the values of the keys, which have the given types. `ordering` is the checksum
/// of the ordering's name. None for a cursor of another ordering and for any other text.
pub fn read(cursor: &str, ordering: u32, types: impl IntoIterator<Item = ColumnType>) -> Option<Vec<Key>> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let (mut rest, check) = bytes.split_last_chunk()?;
    if CHECKSUM.checksum(rest) ^ ordering != u32::from_be_bytes(*check) {
        return None;
    }
    let keys = types.into_iter().map(|of| key(&mut rest, &of)).collect::<Option<Vec<Key>>>()?;
    rest.is_empty().then_some(keys)
}

/// Reads the next value, of a key of this type.
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
