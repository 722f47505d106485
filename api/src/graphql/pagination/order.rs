//! Orderings: sort keys that are never null, and comparisons with a position.

use std::cmp::Ordering as Compared;

use async_graphql::Enum;
use sea_orm::sea_query::{Alias, Cond, Expr, ExprTrait, Order as SqlOrder, SimpleExpr};
use sea_orm::{ColumnTrait, ColumnType, EntityTrait, Iden, Iterable};
use uuid::Uuid;

use super::cursor;
use crate::error::{Error, Result};

/// The largest number of entries in `orderBy`.
pub const MAX_ORDERS: usize = 3;

/// A day above every day that is stored, which replaces null in sort keys.
pub const LAST_DAY: i64 = i32::MAX as i64;

/// The direction of an ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Direction {
    /// Ascending: the lowest value first, nulls last.
    Asc,
    /// Descending: the highest value first, nulls first.
    Desc,
}

impl Direction {
    pub(super) const fn flipped(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }

    pub(super) const fn sql(self) -> SqlOrder {
        match self {
            Self::Asc => SqlOrder::Asc,
            Self::Desc => SqlOrder::Desc,
        }
    }
}

/// Where nulls are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// The value of a sort key in a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A number, an instant, a day or an amount.
    Number(i64),
    /// An id.
    Id(Uuid),
    /// A folded text.
    Text(String),
}

impl Key {
    fn expression(&self) -> SimpleExpr {
        match self {
            Self::Number(number) => Expr::val(*number),
            Self::Id(id) => Expr::val(*id),
            Self::Text(text) => Expr::val(text.as_str()),
        }
    }
}

/// Returns the value of a sort key in a row of type `M`.
enum Read<M> {
    /// A value that is never null.
    Value(fn(&M) -> Key),
    /// A number that may be null.
    Nullable(fn(&M) -> Option<i64>),
}

/// A column to order by, or the first of several that is not null.
pub struct SortKey<E: EntityTrait> {
    name: &'static str,
    columns: Vec<E::Column>,
    /// The number that replaces null.
    null: Option<i64>,
    pub(super) expression: SimpleExpr,
    read: Read<E::Model>,
}

impl<E: EntityTrait> SortKey<E> {
    /// Creates a sort key of a column that is never null.
    pub fn column(name: &'static str, column: E::Column, read: fn(&E::Model) -> Key) -> Self {
        Self::new(name, vec![column], None, Read::Value(read))
    }

    /// Creates a sort key of a column that may be null. A null is replaced by `highest`, as in the index, or by its negative
    /// where nulls are to come before all values in ascending order.
    pub fn nullable(name: &'static str, column: E::Column, highest: i64, read: fn(&E::Model) -> Option<i64>) -> Self {
        Self::new(name, vec![column], Some(highest), Read::Nullable(read))
    }

    /// Creates a sort key of the first of several columns that is not null, which `read` returns; 0 if all of them are.
    pub fn first_of(name: &'static str, columns: Vec<E::Column>, read: fn(&E::Model) -> Key) -> Self {
        Self::new(name, columns, Some(0), Read::Value(read))
    }

    fn new(name: &'static str, columns: Vec<E::Column>, null: Option<i64>, read: Read<E::Model>) -> Self {
        let mut key = Self { name, columns, null, expression: Expr::cust("null"), read };
        key.expression = key.of(&Alias::new(E::default().to_string()));
        key
    }

    /// Returns the key with its nulls where they are to be sorted. Without `nulls`, they come last in ascending and first in
    /// descending order.
    #[must_use]
    pub fn with_nulls(mut self, direction: Direction, nulls: Option<Nulls>) -> Self {
        let lowest =
            matches!((direction, nulls), (Direction::Asc, Some(Nulls::First)) | (Direction::Desc, Some(Nulls::Last)));
        if lowest && matches!(self.read, Read::Nullable(_)) {
            self.null = self.null.map(|highest| -highest);
            self.expression = self.of(&Alias::new(E::default().to_string()));
        }
        self
    }

    /// Returns the indexes of the columns in their table.
    pub(super) fn column_indexes(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|column| column_index::<E>(*column))
    }

    /// Returns the value of the key in a row.
    pub(super) fn value(&self, row: &E::Model) -> Key {
        match self.read {
            Read::Value(read) => read(row),
            Read::Nullable(read) => Key::Number(read(row).or(self.null).unwrap_or_default()),
        }
    }

    /// Returns the expression of the key for a row with the alias `row`.
    pub(super) fn of(&self, row: &Alias) -> SimpleExpr {
        match (self.columns.as_slice(), self.null) {
            (&[column], None) => Expr::col((row.clone(), column)),
            // The number is a literal because the expression must match that of the index exactly.
            (columns, null) => {
                let columns =
                    columns.iter().map(|column| format!("\"{}\".\"{}\"", row.to_string(), column.to_string()));
                let columns = columns.collect::<Vec<_>>().join(", ");
                Expr::cust(format!("coalesce({columns}, {})", null.unwrap_or_default()))
            }
        }
    }
}

/// The message for a cursor of an ordering [by names](Order::by_names) that names none of its rows.
pub const fn foreign_cursor() -> &'static str {
    "This cursor belongs to another list, another ordering or another history of the feed, as there is one after a restore or \
     a failover: start over, without a cursor."
}

/// Returns the index of a column among the columns of its table.
pub fn column_index<E: EntityTrait>(column: E::Column) -> usize {
    E::Column::iter().take_while(|other| std::mem::discriminant(other) != std::mem::discriminant(&column)).count()
}

/// An ordering, with the id as its last key.
pub struct Order<E: EntityTrait> {
    pub(super) keys: Vec<(SortKey<E>, Direction)>,
    /// For cursors that name rows by the id alone: the history that they belong to.
    history: Option<String>,
    /// The places of cursors that name rows by the id alone, once they have been looked up.
    looked_up: Vec<(String, Vec<Key>)>,
}

impl<E: EntityTrait> Order<E> {
    /// Orders by the keys, then by the id in the direction of the first key.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for more than three keys and for a duplicate key.
    pub fn by(mut keys: Vec<(SortKey<E>, Direction)>, id: SortKey<E>) -> Result<Self> {
        if keys.len() > MAX_ORDERS {
            let message = format!("`orderBy` takes at most {MAX_ORDERS} entries; {} were given.", keys.len());
            return Err(Error::BadInput(message));
        }
        for (index, (key, _)) in keys.iter().enumerate() {
            if keys[..index].iter().any(|(other, _)| other.name == key.name) {
                return Err(Error::BadInput(format!("`orderBy` names {} twice; name each field once.", key.name)));
            }
        }
        let direction = keys.first().map_or(Direction::Asc, |(_, direction)| *direction);
        keys.push((id, direction));
        Ok(Self::of(keys))
    }

    fn of(keys: Vec<(SortKey<E>, Direction)>) -> Self {
        Self { keys, history: None, looked_up: Vec::new() }
    }

    /// Makes cursors that name a row by its id alone and hold no other key. They are good for one history of the rows. Each
    /// has to be looked up before it is used: see [`Self::named`].
    #[must_use]
    pub fn by_names(self, history: String) -> Self {
        Self { history: Some(history), ..self }
    }

    /// Returns the id that a cursor of an ordering [by names](Self::by_names) holds; None for any other cursor.
    pub fn named(&self, cursor: &str) -> Option<Uuid> {
        match cursor::read(cursor, self.checksum(), [ColumnType::Uuid])?.as_slice() {
            [Key::Id(id)] => Some(*id),
            _ => None,
        }
    }

    /// Sets the place of a cursor that has been looked up.
    pub fn look_up(&mut self, cursor: String, place: Vec<Key>) {
        self.looked_up.push((cursor, place));
    }

    /// Orders by the id alone.
    pub fn by_id(id: E::Column, read: fn(&E::Model) -> Key) -> Self {
        Self::of(vec![(SortKey::column("ID", id, read), Direction::Asc)])
    }

    /// Returns the checksum of the ordering's name, which is part of each cursor.
    fn checksum(&self) -> u32 {
        let sign = |direction| if direction == Direction::Asc { "+" } else { "-" };
        let nulls = |key: &SortKey<E>| if key.null.is_some_and(i64::is_negative) { "<" } else { "" };
        let names = self.keys.iter().flat_map(|(key, direction)| [key.name, sign(*direction), nulls(key)]);
        cursor::checksum(names.chain(self.history.as_deref()))
    }

    /// Returns a function that creates the cursor of a row.
    pub(super) fn cursors(&self) -> impl Fn(&E::Model) -> String {
        let checksum = self.checksum();
        let hidden = if self.history.is_some() { self.keys.len() - 1 } else { 0 };
        move |row| cursor::written(self.keys[hidden..].iter().map(|(key, _)| key.value(row)), checksum)
    }

    pub(super) fn place(&self, cursor: &str) -> Result<Vec<Key>> {
        if self.history.is_some() {
            let known = self.looked_up.iter().find(|(known, _)| known == cursor);
            return known.map(|(_, place)| place.clone()).ok_or_else(|| Error::BadInput(foreign_cursor().to_owned()));
        }
        let types = self.keys.iter().map(|(key, _)| key.columns[0].def().get_column_type().clone());
        cursor::read(cursor, self.checksum(), types).ok_or_else(|| {
            let message = "This cursor does not belong to this list in this ordering. Use a cursor from this list's `pageInfo` \
                           or `edges`, with the same `orderBy`.";
            Error::BadInput(message.to_owned())
        })
    }

    /// Returns the condition of the rows after a position; of those before it if `backwards`.
    pub(super) fn beyond(&self, position: &[Key], backwards: bool) -> Cond {
        self.from(position, backwards, false)
    }

    /// Returns the condition of the rows up to and including a position; of those from it on if `backwards`.
    pub(super) fn up_to(&self, position: &[Key], backwards: bool) -> Cond {
        self.from(position, !backwards, true)
    }

    fn from(&self, position: &[Key], backwards: bool, inclusive: bool) -> Cond {
        let (_, first) = &self.keys[0];
        let compared = |left: SimpleExpr, right: SimpleExpr, direction: Direction, inclusive: bool| match (
            if backwards { direction.flipped() } else { direction },
            inclusive,
        ) {
            (Direction::Asc, false) => left.gt(right),
            (Direction::Asc, true) => left.gte(right),
            (Direction::Desc, false) => left.lt(right),
            (Direction::Desc, true) => left.lte(right),
        };
        if self.keys.iter().all(|(_, direction)| direction == first) {
            let left = Expr::tuple(self.keys.iter().map(|(key, _)| key.expression.clone()));
            let right = Expr::tuple(position.iter().map(Key::expression));
            return Cond::all().add(compared(left, right, *first, inclusive));
        }
        let mut any = Cond::any();
        let mut equal = Cond::all();
        for ((key, direction), value) in self.keys.iter().zip(position) {
            let (left, right) = (key.expression.clone(), value.expression());
            any = any.add(equal.clone().add(compared(left.clone(), right.clone(), *direction, false)));
            equal = equal.add(left.eq(right));
        }
        if inclusive {
            any = any.add(equal);
        }
        // A condition on the first key alone bounds the range of the index that is read.
        let (left, right) = (self.keys[0].0.expression.clone(), position[0].expression());
        Cond::all().add(any).add(compared(left, right, *first, true))
    }

    pub(super) fn compare(&self, one: &E::Model, other: &E::Model) -> Compared {
        for (key, direction) in &self.keys {
            let compared = key.value(one).cmp(&key.value(other));
            if compared != Compared::Equal {
                return if *direction == Direction::Asc { compared } else { compared.reverse() };
            }
        }
        Compared::Equal
    }
}

/// Declares the input type of one entry of a list's `orderBy`, with the function that returns the sort key of each field.
macro_rules! ordering {
    ($(#[$doc:meta])* $order:ident by $field:ty, $sort_key:path => $entity:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, ::async_graphql::InputObject)]
        pub struct $order {
            /// The field to sort by.
            pub field: $field,
            /// The sort direction.
            #[graphql(default_with = "crate::graphql::pagination::Direction::Asc")]
            pub direction: $crate::graphql::pagination::Direction,
            /// Where nulls are sorted. By default, they come last in ascending and first in descending order.
            pub nulls: Option<$crate::graphql::pagination::Nulls>,
        }

        impl $order {
            /// Returns the sort keys of the entries, each with its direction.
            fn keys(
                entries: Option<&[Self]>,
            ) -> Vec<($crate::graphql::pagination::SortKey<$entity>, $crate::graphql::pagination::Direction)> {
                let key = |entry: &Self| {
                    ($sort_key(entry.field).with_nulls(entry.direction, entry.nulls), entry.direction)
                };
                entries.into_iter().flatten().map(key).collect()
            }
        }
    };
}
pub(crate) use ordering;

#[cfg(test)]
mod tests {
    use entity::contact;
    use proptest::prelude::*;

    use super::*;

    /// An ordering by name and by creation time, whose keys are a text, a number and an id.
    fn order() -> Order<contact::Entity> {
        use contact::{Column, Model};
        let name = SortKey::column("NAME", Column::NameKey, |row: &Model| Key::Text(row.name_key.clone()));
        let created = SortKey::column("CREATED_AT", Column::CreatedAt, |row: &Model| Key::Number(row.created_at.0));
        let id = SortKey::column("ID", Column::Id, |row: &Model| Key::Id(entity::Id::uuid(row.id)));
        Order::by(vec![(name, Direction::Asc), (created, Direction::Desc)], id).unwrap()
    }

    fn keys() -> impl Strategy<Value = Vec<Key>> {
        let key = prop_oneof![
            any::<String>().prop_map(Key::Text),
            any::<i64>().prop_map(Key::Number),
            any::<u128>().prop_map(|bits| Key::Id(Uuid::from_u128(bits))),
        ];
        prop::collection::vec(key, 0..5)
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(text: String, created: i64, bits: u128) {
            let keys = [Key::Text(text.replace('\0', "")), Key::Number(created), Key::Id(Uuid::from_u128(bits))];
            let cursor = cursor::written(keys.clone(), order().checksum());
            prop_assert_eq!(order().place(&cursor).unwrap(), keys);
        }

        #[test]
        fn arbitrary_text_is_not_a_cursor(text: String) {
            prop_assert!(order().place(&text).is_err());
        }

        #[test]
        fn a_forged_cursor_is_rejected_unless_its_keys_have_the_right_types(keys in keys()) {
            let fits = matches!(&keys[..], [Key::Text(text), Key::Number(_), Key::Id(_)] if !text.contains('\0'));
            match order().place(&cursor::written(keys.clone(), order().checksum())) {
                Ok(position) if fits => prop_assert_eq!(position, keys),
                Ok(position) => prop_assert!(
                    matches!(&position[..], [Key::Text(text), Key::Number(_), Key::Id(_)] if !text.contains('\0'))
                ),
                Err(_) => prop_assert!(!fits),
            }
        }

        #[test]
        fn a_cursor_belongs_to_one_ordering(text in "[a-z]*", created: i64, bits: u128) {
            let keys = [Key::Text(text), Key::Number(created), Key::Id(Uuid::from_u128(bits))];
            for other in ["", "NAME+", "NAME+CREATED_AT-ID-", "NAME+UPDATED_AT-ID+"] {
                prop_assert!(order().place(&cursor::written(keys.clone(), cursor::checksum([other]))).is_err());
            }
            prop_assert!(order().place(&cursor::written(keys, cursor::checksum(["NAME", "+CREATED_AT-", "ID+"]))).is_ok());
        }

        #[test]
        fn a_damaged_cursor_is_rejected(
            text in "[a-z]*", created: i64, bits: u128, at: prop::sample::Index, with in "[A-Za-z0-9_-]"
        ) {
            let keys = [Key::Text(text), Key::Number(created), Key::Id(Uuid::from_u128(bits))];
            let cursor = cursor::written(keys, order().checksum());
            let at = at.index(cursor.len());
            let damaged = format!("{}{with}{}", &cursor[..at], &cursor[at + 1..]);
            prop_assert_eq!(order().place(&damaged).is_ok(), damaged == cursor);
            prop_assert!(order().place(&cursor[..at]).is_err());
        }
    }
}
