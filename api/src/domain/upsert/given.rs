//! The rows of an upsert as they are given: each is read by itself, so that a malformed one does not affect the others.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueResult, Value};
use graphql_http::variables::{ValueFault, value_faults};

use super::UpsertPayload;
use crate::error::{UserError, UserErrorCode};
use crate::graphql::scalars;

/// The input of a row of an upsert. Its default names nothing, so that it fails.
pub trait RowInput: InputType + Default {
    /// Returns the registry of the types that the row consists of.
    fn types() -> &'static Registry;
}

/// Makes input objects rows of upserts.
macro_rules! row_inputs {
    ($($row:ident),*) => {$(
        impl $crate::domain::upsert::RowInput for $row {
            fn types() -> &'static ::async_graphql::registry::Registry {
                static TYPES: ::std::sync::LazyLock<::async_graphql::registry::Registry> =
                    ::std::sync::LazyLock::new(|| {
                        let mut registry = ::async_graphql::registry::Registry::default();
                        <$row as ::async_graphql::InputType>::create_type_info(&mut registry);
                        registry
                    });
                &TYPES
            }
        }
    )*};
}
pub(crate) use row_inputs;

/// A row of an upsert as it was given. It is read by itself, so that a malformed row does not affect the others.
#[derive(Clone, Debug)]
pub enum GivenRow<T> {
    /// A well-formed row.
    Read(Box<T>),
    /// A row with values of other types than the schema declares, and what is wrong with each, by its path within the row.
    Malformed(Vec<UserError>),
}

impl<T: RowInput> InputType for GivenRow<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let mut faults = value_faults(T::types(), &T::qualified_type_name(), &value, scalars::instead);
        if faults.is_empty() {
            match T::parse(Some(value)) {
                Ok(row) => return Ok(Self::Read(Box::new(row))),
                Err(_) => faults.push(ValueFault {
                    path: Vec::new(),
                    is_missing: false,
                    what: "the row does not have the types that the schema declares".to_owned(),
                }),
            }
        }
        Ok(Self::Malformed(faults.into_iter().map(malformed).collect()))
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Read(row) => row.to_value(),
            Self::Malformed(_) => Value::Null,
        }
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// Returns the error of a malformed value.
fn malformed(fault: ValueFault) -> UserError {
    let ValueFault { path, is_missing, what } = fault;
    let mut letters = what.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let message = first.chain(letters).chain(['.']).collect();
    let code = if is_missing { UserErrorCode::Required } else { UserErrorCode::Invalid };
    UserError { code, message, field: path }
}

/// The malformed rows of a call.
#[derive(Debug, Default)]
pub struct MalformedRows(Vec<(usize, Vec<UserError>)>);

impl MalformedRows {
    /// Separates the malformed rows of a call. In each one's place is an empty row, which fails, so that the others keep
    /// their positions.
    pub fn separate<T: RowInput>(rows: Vec<GivenRow<T>>) -> (Vec<T>, Self) {
        let mut malformed = Self::default();
        let read = rows.into_iter().enumerate().map(|(index, row)| match row {
            GivenRow::Read(row) => *row,
            GivenRow::Malformed(mut errors) => {
                for error in &mut errors {
                    error.field.splice(..0, ["input".to_owned(), "rows".to_owned(), index.to_string()]);
                }
                malformed.0.push((index, errors));
                T::default()
            }
        });
        (read.collect(), malformed)
    }

    /// Gives the rows their errors, and returns the outcome.
    #[must_use]
    pub fn report(self, mut payload: UpsertPayload) -> UpsertPayload {
        for (index, errors) in self.0 {
            if let Some(result) = payload.results.get_mut(index) {
                result.errors = errors;
            }
        }
        payload
    }
}
