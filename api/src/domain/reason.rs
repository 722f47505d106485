//! Reasons: what a figure rests on, one line each, ready to be printed.

use entity::Id;
use uuid::Uuid;

use crate::error::Result;
use crate::graphql::{AnyNode, Batch, FieldContext, object};

/// One line of what a figure rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    label: String,
    text: String,
    value: Option<f64>,
    holds: Option<bool>,
    subject: Option<(&'static str, Uuid)>,
}

object! {
    /// One thing that a figure rests on: a label, what to print beside it, and the number behind it.
    Reason as "Reason" {
        /// The subject of this line, such as `Half-life`.
        label: &str = plain(|reason| &reason.label);
        /// The text to print beside the label, such as `30 days`.
        text: &str = plain(|reason| &reason.text);
        /// The number behind it; null where there is none.
        value: Option<f64> = plain(|reason| reason.value);
        /// Whether a condition holds; null where the line is none.
        holds: Option<bool> = plain(|reason| reason.holds);
        /// The touch, contact or booking that the line is about; null where it is about none.
        subject: Option<AnyNode> = batch(subjects);
    }
}

async fn subjects(field: &FieldContext<'_>, of: &[&Reason]) -> Result<Batch<Option<AnyNode>>> {
    let ids: Vec<(&str, Uuid)> = of.iter().map(|reason| reason.subject.unwrap_or(("", Uuid::nil()))).collect();
    crate::domain::node::nodes_of(field, &ids).await
}

impl Reason {
    /// Returns a line with a label and a text.
    #[must_use]
    pub fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into(), value: None, holds: None, subject: None }
    }

    /// Returns a line with a number, and the text that shows it.
    #[must_use]
    pub fn number(label: impl Into<String>, value: f64, text: impl Into<String>) -> Self {
        Self { value: Some(value), ..Self::new(label, text) }
    }

    /// Adds the number behind the line.
    #[must_use]
    pub fn with_value(self, value: f64) -> Self {
        Self { value: Some(value), ..self }
    }

    /// Adds whether the condition holds.
    #[must_use]
    pub fn holds(self, holds: bool) -> Self {
        Self { holds: Some(holds), ..self }
    }

    /// Adds what the line is about.
    #[must_use]
    pub fn about<I: Id>(self, id: I) -> Self {
        Self { subject: Some((I::PREFIX, id.uuid())), ..self }
    }
}

/// Answers with one list of reasons a row.
///
/// # Errors
/// Database errors.
pub async fn answer(field: &FieldContext<'_>, lists: &[Vec<Reason>]) -> Result<Batch<Vec<Reason>>> {
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}
