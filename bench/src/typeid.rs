//! TypeIDs, serialized without an allocation.

use serde::{Serialize, Serializer};
use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The length of the longest TypeID, whose prefix is `organization`.
const MAX_LENGTH: usize = 12 + 1 + 26;

/// An id: the prefix of its type and a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeId(pub &'static str, pub Uuid);

impl TypeId {
    /// Writes the TypeID into a buffer and returns the part that was written.
    fn write(self, buffer: &mut [u8; MAX_LENGTH]) -> &str {
        let Self(prefix, id) = self;
        let start = prefix.len() + 1;
        buffer[..prefix.len()].copy_from_slice(prefix.as_bytes());
        buffer[prefix.len()] = b'_';
        let bits = id.as_u128();
        for (index, digit) in buffer[start..start + 26].iter_mut().enumerate() {
            *digit = DIGITS[(bits >> ((25 - index) * 5)) as usize & 31];
        }
        std::str::from_utf8(&buffer[..start + 26]).unwrap_or_default()
    }

    /// Formats the id as a TypeID.
    #[must_use]
    pub fn show(self) -> String {
        self.write(&mut [0; MAX_LENGTH]).to_owned()
    }
}

impl Serialize for TypeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write(&mut [0; MAX_LENGTH]))
    }
}

/// Parses the UUID of a TypeID with any prefix; `None` if the text is not a TypeID.
#[must_use]
pub fn parse(text: &str) -> Option<Uuid> {
    let (_, digits) = text.rsplit_once('_')?;
    if digits.len() != 26 {
        return None;
    }
    let mut bits = 0_u128;
    for digit in digits.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = (bits << 5) | value as u128;
    }
    Some(Uuid::from_u128(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_parse_and_format() {
        for (prefix, text, uuid) in [
            ("prefix", "prefix_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
            ("organization", "organization_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ] {
            let uuid: Uuid = uuid.parse().unwrap();
            assert_eq!(TypeId(prefix, uuid).show(), text);
            assert_eq!(serde_json::to_string(&TypeId(prefix, uuid)).unwrap(), format!("\"{text}\""));
            assert_eq!(parse(text), Some(uuid));
        }
        assert_eq!(parse("prefix"), None);
        assert_eq!(parse("prefix_u1h455vb4pex5vsknk084sn02q"), None);
    }
}
