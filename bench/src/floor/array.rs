//! Arrays as PostgreSQL sends them in its binary format, read where they lie.

/// The elements of an array of one dimension: each its bytes, or none for null.
pub struct Elements<'r> {
    rest: &'r [u8],
}

impl<'r> Elements<'r> {
    /// Of an array's bytes; of none where there is no array.
    pub fn of(bytes: Option<&'r [u8]>) -> Self {
        // Dimensions, flags, type; then for the one dimension its length and where it begins to count.
        Self { rest: bytes.and_then(|bytes| bytes.get(20..)).unwrap_or_default() }
    }
}

impl<'r> Iterator for Elements<'r> {
    type Item = Option<&'r [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.rest = rest;
            return Some(None);
        };
        let (element, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Some(element))
    }
}

#[cfg(test)]
mod tests {
    use super::Elements;

    #[test]
    fn elements_are_found_with_nulls_between() {
        let mut bytes = vec![0; 20];
        for element in [Some("ab"), None, Some("")] {
            let length = element.map_or(-1, |element| i32::try_from(element.len()).unwrap());
            bytes.extend(length.to_be_bytes());
            bytes.extend(element.unwrap_or_default().as_bytes());
        }
        let found: Vec<_> = Elements::of(Some(&bytes)).collect();
        assert_eq!(found, [Some(b"ab".as_slice()), None, Some(b"".as_slice())]);
        // Empty arrays have no dimension.
        assert_eq!(Elements::of(Some(&[0; 12])).count(), 0);
        assert_eq!(Elements::of(None).count(), 0);
    }
}
