//! Reading arrays in PostgreSQL's binary format without copying them.

/// An iterator over the elements of a one-dimensional array: the bytes of each element, or `None` for null.
pub struct Elements<'r> {
    rest: &'r [u8],
}

impl<'r> Elements<'r> {
    /// Creates an iterator over the elements of an encoded array; it is empty if there is no array.
    pub fn of(bytes: Option<&'r [u8]>) -> Self {
        // The header: number of dimensions, flags and element type; then the length and lower bound of the dimension.
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
    fn elements_are_read_including_nulls() {
        let mut bytes = vec![0; 20];
        for element in [Some("ab"), None, Some("")] {
            let length = element.map_or(-1, |element| i32::try_from(element.len()).unwrap());
            bytes.extend(length.to_be_bytes());
            bytes.extend(element.unwrap_or_default().as_bytes());
        }
        let elements: Vec<_> = Elements::of(Some(&bytes)).collect();
        assert_eq!(elements, [Some(b"ab".as_slice()), None, Some(b"".as_slice())]);
        // An empty array has no dimensions.
        assert_eq!(Elements::of(Some(&[0; 12])).count(), 0);
        assert_eq!(Elements::of(None).count(), 0);
    }
}
