//! Which columns a page needs: those of the fields that are asked for. A field tells them by its own text, as it stands in
//! `object!`: `|account| account.0.city.as_deref()` reads `city`. Where the text says less than that, and for all that is
//! answered in batches, the whole row is read.

use async_graphql::parser::types::SelectionSet;
use entity::{Columns, Row};
use sea_orm::{EntityTrait, QuerySelect, QueryTrait, Select};

use super::answer::Asked;
use super::object::{Answer, Object};
use super::selection::Chosen;
use crate::context::only;
use crate::error::Result;

impl Asked<'_> {
    /// The fields that are asked of a type that this field answers.
    pub fn chosen<T: Object>(&self) -> Result<Vec<Chosen<'_>>> {
        self.chosen_in::<T>(self.sets)
    }

    /// The fields that selections ask of a type.
    pub fn chosen_in<'b, T: Object>(&'b self, sets: &[&'b SelectionSet]) -> Result<Vec<Chosen<'b>>> {
        self.document.collect(T::NAME, sets)
    }

    /// The first row of a selection, with the columns that are asked for.
    pub async fn one<E, T>(&self, select: Select<E>) -> Result<Option<T>>
    where
        E: EntityTrait<Model: Row>,
        T: Object + From<E::Model>,
    {
        let columns = self.columns::<T, E::Model>(self.sets)?;
        let select = only(select, columns).limit(1).into_query();
        Ok(self.cx.rows(&select, columns).await?.pop().map(T::from))
    }

    /// The columns of a row that answer what is selected of an object over it.
    pub fn columns<T: Object, M: Row>(&self, sets: &[&SelectionSet]) -> Result<Columns> {
        let mut columns = Columns::NONE;
        for chosen in self.chosen_in::<T>(sets)? {
            let name = chosen.name();
            if name == "__typename" {
                continue;
            }
            let field = T::FIELDS.iter().find(|field| field.name == name);
            let read = match field.map(|field| &field.answer) {
                Some(Answer::Plain { reads: (row, text), .. }) => columns_in(row, text, M::FIELDS),
                _ => None,
            };
            let Some(read) = read else { return Ok(Columns::ALL) };
            columns = read.into_iter().fold(columns, Columns::with);
        }
        Ok(columns)
    }
}

/// What is selected of the fields of this name.
pub fn sets_of<'a>(chosen: &[Chosen<'a>], name: &str) -> Vec<&'a SelectionSet> {
    chosen.iter().filter(|chosen| chosen.name() == name).flat_map(|chosen| chosen.sets.iter().copied()).collect()
}

/// The places of the columns that an expression reads of a row, if every mention of the row is a mention of one.
fn columns_in(row: &str, text: &str, fields: &[&str]) -> Option<Vec<usize>> {
    let word = |char: char| char.is_alphanumeric() || char == '_';
    if row.is_empty() || !row.chars().all(word) {
        return None;
    }
    let mut found = Vec::new();
    for (at, _) in text.match_indices(row) {
        let rest = &text[at + row.len()..];
        if text[..at].ends_with(word) || rest.starts_with(word) {
            continue;
        }
        let column = rest.strip_prefix(".0.")?;
        let (column, rest) = column.split_at(column.find(|char| !word(char)).unwrap_or(column.len()));
        if rest.starts_with('(') {
            return None;
        }
        found.push(fields.iter().position(|field| *field == column)?);
    }
    Some(found)
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
            assert_eq!(columns_in("row", text, FIELDS), Some(places), "{text}");
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
        let city = crate::account::Account::FIELDS.iter().find(|field| field.name == "city").unwrap();
        let Answer::Plain { reads: (row, text), .. } = city.answer else { panic!("city is plain") };
        let places = columns_in(row, text, entity::account::Model::FIELDS).unwrap();
        assert_eq!(places.iter().map(|place| entity::account::Model::FIELDS[*place]).collect::<Vec<_>>(), ["city"]);
    }
}
