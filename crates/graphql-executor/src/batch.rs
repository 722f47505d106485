//! The values of one field for all rows of a level.

use std::marker::PhantomData;

use crate::abstract_type::MemberOf;
use crate::context::ExecutionContext;
use crate::value::Value;

/// The values of a field of type `T`, one for each row of a level, in the order of the rows.
///
/// The values are kept as finished JSON text, so that writing a row copies bytes.
pub struct Batch<T> {
    erased: ErasedBatch,
    values: PhantomData<fn() -> T>,
}

/// A [`Batch`] whose type has been checked against the field's.
#[derive(Debug, Default)]
pub struct ErasedBatch {
    json: Vec<u8>,
    ends: Vec<usize>,
}

impl<T> Batch<T> {
    /// Creates an empty batch with room for `rows` values.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        Self::with_bytes(rows, rows * 64)
    }

    pub(crate) fn with_bytes(rows: usize, bytes: usize) -> Self {
        Self::from_erased(ErasedBatch { json: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows) })
    }

    pub(crate) const fn from_erased(erased: ErasedBatch) -> Self {
        Self { erased, values: PhantomData }
    }

    /// Creates a batch of values.
    pub fn from_values<C>(context: &C, values: impl IntoIterator<Item = T>) -> Self
    where
        T: Value<C>,
    {
        let values = values.into_iter();
        let mut batch = Self::with_capacity(values.size_hint().0);
        for value in values {
            batch.push(context, &value);
        }
        batch
    }

    /// Appends the next row's value.
    pub fn push<C>(&mut self, context: &C, value: &T)
    where
        T: Value<C>,
    {
        self.push_json(|out| value.write(context, None, out));
    }

    /// Appends a copy of the value at `index` of another batch.
    ///
    /// # Panics
    /// Panics if there is no such value.
    pub fn push_from(&mut self, other: &Self, index: usize) {
        let json = other.erased.get(index);
        assert!(json.is_some(), "a batch of {} values has none at {index}", other.len());
        self.push_json(|out| out.extend_from_slice(json.unwrap_or_default()));
    }

    pub(crate) fn push_json(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.erased.json);
        self.erased.ends.push(self.erased.json.len());
    }

    /// Returns the number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.erased.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the same values as those of a nullable field.
    #[must_use]
    pub fn nullable(self) -> Batch<Option<T>> {
        Batch::from_erased(self.erased)
    }

    /// Returns the same values as those of a field whose type is an interface or union.
    #[must_use]
    pub fn upcast<A, C: ExecutionContext>(self) -> Batch<A>
    where
        T: MemberOf<A, C>,
    {
        Batch::from_erased(self.erased)
    }

    /// Returns a batch of one list with all these values.
    #[must_use]
    pub fn into_single_list(self) -> Batch<Vec<T>> {
        let mut list = Batch::with_bytes(1, self.bytes() + self.len() + 2);
        list.push_json(|out| self.write_list(0, self.len(), out));
        list
    }

    /// Writes `count` values from `first` on as a JSON array.
    pub(crate) fn write_list(&self, first: usize, count: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        for index in first..first + count {
            if index > first {
                out.push(b',');
            }
            out.extend_from_slice(self.erased.get_or_null(index));
        }
        out.push(b']');
    }

    /// Removes the type, for the executor.
    #[must_use]
    pub fn erase(self) -> ErasedBatch {
        self.erased
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.erased.bytes()
    }

    pub(crate) fn json(&self, index: usize) -> &[u8] {
        self.erased.get_or_null(index)
    }
}

impl<T> Batch<Option<T>> {
    /// Creates a batch of nulls.
    #[must_use]
    pub fn all_null(rows: usize) -> Self {
        let mut batch = Self::with_bytes(rows, rows * 4);
        for _ in 0..rows {
            batch.push_null();
        }
        batch
    }

    /// Appends null as the next row's value.
    pub fn push_null(&mut self) {
        self.push_json(|out| out.extend_from_slice(b"null"));
    }

    /// Returns the same values as those of a nullable field whose type is an interface or union.
    #[must_use]
    pub fn upcast_nullable<A, C: ExecutionContext>(self) -> Batch<Option<A>>
    where
        T: MemberOf<A, C>,
    {
        Batch::from_erased(self.erased)
    }

    /// Returns the values at these positions; null for None.
    #[must_use]
    pub fn select(&self, positions: impl IntoIterator<Item = Option<usize>>) -> Self {
        let positions = positions.into_iter();
        let mut selected = Self::with_capacity(positions.size_hint().0);
        for position in positions {
            selected.push_json(|out| out.extend_from_slice(position.map_or(&b"null"[..], |index| self.json(index))));
        }
        selected
    }

    /// Returns the index of the first null, if there is one.
    pub(crate) fn first_null(&self) -> Option<usize> {
        (0..self.len()).find(|index| self.json(*index) == b"null")
    }

    pub(crate) fn assume_no_nulls(self) -> Batch<T> {
        Batch::from_erased(self.erased)
    }
}

impl ErasedBatch {
    /// Returns the number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.json.len()
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.json[start..end])
    }

    /// Returns the value at `index`; null beyond the last.
    pub(crate) fn get_or_null(&self, index: usize) -> &[u8] {
        self.get(index).unwrap_or(b"null")
    }

    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.json);
        self.ends.push(self.json.len());
    }
}
