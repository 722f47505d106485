//! Which columns a page needs: those of the fields that are asked for. A field tells them by its own text, as it stands in
//! `object!`: `|account| account.0.city.as_deref()` reads `city`. Where the text says less than that, and for what is answered
//! by the row as a whole, the whole row is read.

use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;

use async_graphql::parser::types::SelectionSet;
use entity::{Columns, Row, Scoped};
use sea_orm::sea_query::{Value, ValueType};
use sea_orm::{QuerySelect, QueryTrait, Select};

use super::answer::{Batch, FieldContext};
use super::object::{ObjectType, Resolver};
use super::selection::CollectedField;
use crate::context::select_columns;
use crate::error::Result;
use crate::graphql::pagination::column_index;

impl FieldContext<'_> {
    /// The fields that are asked of a type that this field answers.
    pub fn chosen<T: ObjectType>(&self) -> Result<Vec<CollectedField<'_>>> {
        self.chosen_in::<T>(self.sets)
    }

    /// The fields that selections ask of a type.
    pub fn chosen_in<'b, T: ObjectType>(&'b self, sets: &[&'b SelectionSet]) -> Result<Vec<CollectedField<'b>>> {
        self.document.collect(T::NAME, sets)
    }

    /// The first row of a selection, with the columns that are asked for, and these besides.
    pub async fn one<E, T>(&self, select: Select<E>, besides: &[E::Column]) -> Result<Option<T>>
    where
        E: Scoped<Model: Row>,
        T: ObjectType + From<E::Model>,
    {
        let columns = self.columns_with::<T, E>(besides)?;
        let select = select_columns(select, columns).limit(1).into_query();
        Ok(self.ctx.rows(&select, columns).await?.pop().map(T::from))
    }

    /// Answers with one object a row, by their ids, as far as a selection finds them: one statement.
    pub async fn fetch_by_ids<E, I, T>(
        &self,
        select: Select<E>,
        column: E::Column,
        ids: &[Option<I>],
        id_of: impl Fn(&E::Model) -> I,
    ) -> Result<Batch>
    where
        E: Scoped<Model: Row>,
        I: Copy + Ord + Hash + ValueType + Into<Value>,
        T: ObjectType + From<E::Model>,
    {
        let columns = self.columns_with::<T, E>(&[column])?;
        let found = self.ctx.fetch_by_ids(select, column, columns, ids.iter().copied().flatten(), id_of).await?;
        self.found::<I, T>(ids, &found).await
    }

    /// Answers with one object a row, by their ids, as far as they were found.
    pub async fn found<I: Eq + Hash, T: ObjectType>(&self, ids: &[Option<I>], found: &HashMap<I, T>) -> Result<Batch> {
        self.maybe(&ids.iter().map(|id| found.get(id.as_ref()?)).collect::<Vec<_>>()).await
    }

    /// The columns of a table's rows that answer what this field is asked of an object over them, and these besides.
    pub fn columns_with<T, E>(&self, besides: &[E::Column]) -> Result<Columns>
    where
        E: Scoped<Model: Row>,
        T: ObjectType,
    {
        let columns = self.columns::<T, E::Model>(self.sets)?;
        Ok(besides.iter().map(|column| column_index::<E>(*column)).fold(columns, Columns::with))
    }

    /// The columns of a row that answer what is selected of an object over it.
    pub fn columns<T: ObjectType, M: Row>(&self, sets: &[&SelectionSet]) -> Result<Columns> {
        let mut columns = Columns::NONE;
        for chosen in self.chosen_in::<T>(sets)? {
            let name = chosen.name();
            if name == "__typename" {
                continue;
            }
            let field = T::FIELDS.iter().position(|field| field.name == name);
            let Some(read) = field.and_then(|field| FieldColumns::<T, M>::BY_FIELDS[field]) else {
                return Ok(Columns::ALL);
            };
            columns = columns.and(read);
        }
        Ok(columns)
    }
}

/// Fields of a type at most.
const MOST_FIELDS: usize = 64;

/// What the fields of a type tell of the columns that they read of a row, found out when the program is built.
struct FieldColumns<T, M>(PhantomData<(T, M)>);

impl<T: ObjectType, M: Row> FieldColumns<T, M> {
    const BY_FIELDS: [Option<Columns>; MOST_FIELDS] = {
        let mut told = [None; MOST_FIELDS];
        let mut at = 0;
        while at < T::FIELDS.len() {
            match &T::FIELDS[at].answer {
                Resolver::Plain { columns: (row, text), .. } | Resolver::Batch { columns: Some((row, text)), .. } => {
                    told[at] = columns_in(row, text, M::FIELDS);
                }
                Resolver::Batch { columns: None, .. } => {}
            }
            at += 1;
        }
        told
    };
}

/// What is selected of the fields of this name.
pub fn selections_of<'a>(chosen: &[CollectedField<'a>], name: &str) -> Vec<&'a SelectionSet> {
    chosen.iter().filter(|chosen| chosen.name() == name).flat_map(|chosen| chosen.sets.iter().copied()).collect()
}

/// The columns that an expression reads of a row, if every mention of the row is a mention of one.
const fn columns_in(row: &str, text: &str, fields: &[&str]) -> Option<Columns> {
    let (row, text) = (row.as_bytes(), text.as_bytes());
    if row.is_empty() || word_at(row, 0) != row.len() {
        return None;
    }
    let mut found = Columns::NONE;
    let mut at = 0;
    while at < text.len() {
        let end = word_at(text, at);
        if end == at {
            at += 1;
            continue;
        }
        let is_row = is_at(text, at, row) && end == at + row.len();
        at = end;
        if is_row {
            if !is_at(text, at, b".0.") {
                return None;
            }
            at += 3;
            let end = word_at(text, at);
            if is_at(text, end, b"(") {
                return None;
            }
            let mut place = 0;
            while place < fields.len()
                && !(is_at(text, at, fields[place].as_bytes()) && end == at + fields[place].len())
            {
                place += 1;
            }
            if place == fields.len() {
                return None;
            }
            found = found.with(place);
            at = end;
        }
    }
    Some(found)
}

/// Where the word ends that stands here; here, where there is none.
const fn word_at(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < text.len() && (text[at].is_ascii_alphanumeric() || text[at] == b'_' || !text[at].is_ascii()) {
        at += 1;
    }
    at
}

/// Does this stand here?
const fn is_at(text: &[u8], from: usize, what: &[u8]) -> bool {
    let mut at = 0;
    while at < what.len() {
        if from + at >= text.len() || text[from + at] != what[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[&str] = &["id", "name", "city"];

    #[test]
    fn a_text_tells_its_columns() {
        for (text, places) in [
            ("&row.0.name", vec![1]),
            ("Shown(row.0.id)", vec![0]),
            ("row.0.city.as_deref().or(Some(& row.0.name))", vec![2, 1]),
            ("arrow.0.name.len()", vec![]),
            ("rows", vec![]),
        ] {
            let columns = places.into_iter().fold(Columns::NONE, Columns::with);
            assert_eq!(columns_in("row", text, FIELDS), Some(columns), "{text}");
        }
    }

    #[test]
    fn what_does_not_tell_reads_all() {
        for text in ["row.name", "row.0.size", "row.standing()", "row.0.name()", "row.0", "& row", "f(row)", "self.row"]
        {
            assert_eq!(columns_in("row", text, FIELDS), None, "{text}");
        }
        assert_eq!(columns_in("(one, two)", "one", FIELDS), None);
    }

    #[test]
    fn the_fields_of_the_nouns_tell() {
        let city = crate::domain::account::Account::FIELDS.iter().position(|field| field.name == "city").unwrap();
        let place = entity::account::Model::FIELDS.iter().position(|field| *field == "city").unwrap();
        let told = FieldColumns::<crate::domain::account::Account, entity::account::Model>::BY_FIELDS[city];
        assert_eq!(told, Some(Columns::NONE.with(place)));
    }
}
