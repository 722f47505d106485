//! Ids as the API shows them, without an allocation.

use serde::{Serialize, Serializer};
use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The longest prefix is `organization`.
const LONGEST: usize = 12 + 1 + 26;

/// An id with the prefix of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeId(pub &'static str, pub Uuid);

impl TypeId {
    /// Writes it into a buffer of the longest id, and hands back what was written.
    fn write(self, buffer: &mut [u8; LONGEST]) -> &str {
        let Self(prefix, id) = self;
        let start = prefix.len() + 1;
        buffer[..prefix.len()].copy_from_slice(prefix.as_bytes());
        buffer[prefix.len()] = b'_';
        let bits = id.as_u128();
        for (place, digit) in buffer[start..start + 26].iter_mut().enumerate() {
            *digit = DIGITS[(bits >> ((25 - place) * 5)) as usize & 31];
        }
        std::str::from_utf8(&buffer[..start + 26]).unwrap_or_default()
    }

    /// As text.
    #[must_use]
    pub fn show(self) -> String {
        self.write(&mut [0; LONGEST]).to_owned()
    }
}

impl Serialize for TypeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write(&mut [0; LONGEST]))
    }
}

/// The UUID of an id, whatever its prefix; None for what is no id.
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
    fn the_specification_s_examples_hold() {
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
