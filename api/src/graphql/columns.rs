//! Determines the columns of a row that a selection needs.
//!
//! A field names the columns it reads in its own source text: `|account| account.0.city.as_deref()` in `object!` reads `city`.
//! The text is analyzed at compile time. If it does not name its columns, or if a function takes whole rows, all columns are
//! read.

use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;

use async_graphql::parser::types::SelectionSet;
use database::columns::select_columns;
use entity::{Columns, Row, Scoped};
use graphql_executor::{Batch, Resolver, RowExpression};
use sea_orm::sea_query::{Value, ValueType};
use sea_orm::{QuerySelect, QueryTrait, Select};

use super::pagination::column_index;
use super::{FieldContext, ObjectType};
use crate::error::Result;

/// Reads the rows of a field with only the columns that its selection needs.
pub trait ReadColumns {
    /// Returns the columns that this field's selection on the type `T` needs of the table `E`, and the `additional` ones.
    fn columns_with<T, E>(&self, additional: &[E::Column]) -> Result<Columns>
    where
        E: Scoped<Model: Row>,
        T: ObjectType;

    /// Returns the columns of the row `M` that `selections` on the type `T` need.
    fn columns<T: ObjectType, M: Row>(&self, selections: &[&SelectionSet]) -> Result<Columns>;

    /// Returns the first row of a query, with the needed columns and the `additional` ones.
    fn one<E, T>(&self, select: Select<E>, additional: &[E::Column]) -> impl Future<Output = Result<Option<T>>> + Send
    where
        E: Scoped<Model: Row>,
        T: ObjectType + From<E::Model>;

    /// Resolves one object for each id, or null if the query does not find it. Runs one statement.
    fn fetch_by_ids<E, I, T>(
        &self,
        select: Select<E>,
        column: E::Column,
        ids: &[Option<I>],
        id_of: impl Fn(&E::Model) -> I + Send + Sync,
    ) -> impl Future<Output = Result<Batch<Option<T>>>> + Send
    where
        E: Scoped<Model: Row>,
        I: Copy + Ord + Hash + ValueType + Into<Value> + Send + Sync + 'static,
        T: ObjectType + From<E::Model>;

    /// Resolves one object for each id, or null if `found` has none.
    fn found<I: Eq + Hash + Sync + 'static, T: ObjectType>(
        &self,
        ids: &[Option<I>],
        found: &HashMap<I, T>,
    ) -> impl Future<Output = Result<Batch<Option<T>>>> + Send;
}

impl ReadColumns for FieldContext<'_> {
    fn columns_with<T, E>(&self, additional: &[E::Column]) -> Result<Columns>
    where
        E: Scoped<Model: Row>,
        T: ObjectType,
    {
        let columns = self.columns::<T, E::Model>(self.selections())?;
        Ok(additional.iter().map(|column| column_index::<E>(*column)).fold(columns, Columns::with))
    }

    fn columns<T: ObjectType, M: Row>(&self, selections: &[&SelectionSet]) -> Result<Columns> {
        let mut columns = Columns::NONE;
        for collected in self.collected_in::<T>(selections)? {
            let name = collected.name();
            if name == "__typename" {
                continue;
            }
            let field = T::FIELDS.iter().position(|field| field.name == name);
            let Some(read) = field.and_then(|field| FieldColumns::<T, M>::BY_FIELD[field]) else {
                return Ok(Columns::ALL);
            };
            columns = columns.and(read);
        }
        Ok(columns)
    }

    async fn one<E, T>(&self, select: Select<E>, additional: &[E::Column]) -> Result<Option<T>>
    where
        E: Scoped<Model: Row>,
        T: ObjectType + From<E::Model>,
    {
        let columns = self.columns_with::<T, E>(additional)?;
        let select = select_columns(select, columns).limit(1).into_query();
        Ok(self.request.rows(&select, columns).await?.pop().map(T::from))
    }

    async fn fetch_by_ids<E, I, T>(
        &self,
        select: Select<E>,
        column: E::Column,
        ids: &[Option<I>],
        id_of: impl Fn(&E::Model) -> I + Send + Sync,
    ) -> Result<Batch<Option<T>>>
    where
        E: Scoped<Model: Row>,
        I: Copy + Ord + Hash + ValueType + Into<Value> + Send + Sync + 'static,
        T: ObjectType + From<E::Model>,
    {
        let columns = self.columns_with::<T, E>(&[column])?;
        let wanted = ids.iter().copied().flatten();
        let found: HashMap<I, T> = self.request.fetch_by_ids(select, column, columns, wanted, id_of).await?;
        self.found(ids, &found).await
    }

    async fn found<I: Eq + Hash + Sync + 'static, T: ObjectType>(
        &self,
        ids: &[Option<I>],
        found: &HashMap<I, T>,
    ) -> Result<Batch<Option<T>>> {
        self.optional_objects(&ids.iter().map(|id| found.get(id.as_ref()?)).collect::<Vec<_>>()).await
    }
}

/// The largest number of fields of a type whose columns are analyzed.
const MAX_FIELDS: usize = 64;

/// The columns of the row `M` that each field of the type `T` reads; None if a field may read any. Computed at compile time.
pub(crate) struct FieldColumns<T, M>(PhantomData<(T, M)>);

impl<T: ObjectType, M: Row> FieldColumns<T, M> {
    pub(crate) const BY_FIELD: [Option<Columns>; MAX_FIELDS] = {
        let mut columns = [None; MAX_FIELDS];
        let mut index = 0;
        while index < T::FIELDS.len() {
            match &T::FIELDS[index].resolver {
                Resolver::Plain { source, .. } | Resolver::Batch { source: Some(source), .. } => {
                    columns[index] = columns_in(*source, M::FIELDS);
                }
                Resolver::Batch { source: None, .. } => {}
            }
            index += 1;
        }
        columns
    };
}

/// Returns the columns that an expression reads of a row, if it mentions the row only as `row.0.column`.
const fn columns_in(source: RowExpression, fields: &[&str]) -> Option<Columns> {
    let (row, text) = (source.row.as_bytes(), source.expression.as_bytes());
    if row.is_empty() || word_end(row, 0) != row.len() {
        return None;
    }
    let mut columns = Columns::NONE;
    let mut at = 0;
    while at < text.len() {
        let end = word_end(text, at);
        if end == at {
            at += 1;
            continue;
        }
        let is_row = has_at(text, at, row) && end == at + row.len();
        at = end;
        if is_row {
            if !has_at(text, at, b".0.") {
                return None;
            }
            at += 3;
            let end = word_end(text, at);
            if has_at(text, end, b"(") {
                return None;
            }
            let mut index = 0;
            while index < fields.len()
                && !(has_at(text, at, fields[index].as_bytes()) && end == at + fields[index].len())
            {
                index += 1;
            }
            if index == fields.len() {
                return None;
            }
            columns = columns.with(index);
            at = end;
        }
    }
    Some(columns)
}

/// Returns the end of the word that starts at `from`; `from` itself if no word starts there.
const fn word_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < text.len() && (text[at].is_ascii_alphanumeric() || text[at] == b'_' || !text[at].is_ascii()) {
        at += 1;
    }
    at
}

/// Whether `text` contains `part` at `from`.
const fn has_at(text: &[u8], from: usize, part: &[u8]) -> bool {
    let mut at = 0;
    while at < part.len() {
        if from + at >= text.len() || text[from + at] != part[at] {
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

    fn columns(row: &'static str, expression: &'static str) -> Option<Columns> {
        columns_in(RowExpression { row, expression }, FIELDS)
    }

    #[test]
    fn an_expression_names_its_columns() {
        for (expression, indices) in [
            ("&row.0.name", vec![1]),
            ("NodeId(row.0.id)", vec![0]),
            ("row.0.city.as_deref().or(Some(& row.0.name))", vec![2, 1]),
            ("arrow.0.name.len()", vec![]),
            ("rows", vec![]),
        ] {
            let expected = indices.into_iter().fold(Columns::NONE, Columns::with);
            assert_eq!(columns("row", expression), Some(expected), "{expression}");
        }
    }

    #[test]
    fn any_other_mention_of_the_row_reads_all_columns() {
        for expression in
            ["row.name", "row.0.size", "row.standing()", "row.0.name()", "row.0", "& row", "f(row)", "self.row"]
        {
            assert_eq!(columns("row", expression), None, "{expression}");
        }
        assert_eq!(columns("(one, two)", "one"), None);
    }
}
