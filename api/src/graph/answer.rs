//! The walk: every field of a level is answered for all rows of the level, then the rows are written.

use std::future::Future;

use async_graphql::parser::types::{Field as AstField, SelectionSet};
use async_graphql::{PathSegment, Positioned, Response, ServerError, Value as ConstValue};
use futures_util::future::BoxFuture;

use super::object::{ObjectType, Resolver};
use super::selection::{Document, Operation, SelectionPlan};
use crate::context::RequestContext;
use crate::error::{Error, Result, UserError};

/// After so many rows somebody else has a turn on the thread: some hundred microseconds' work.
pub const ROWS_AT_A_STRETCH: usize = 256;

/// One finished JSON value for each row of a batch.
#[derive(Default)]
pub struct Batch {
    json: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// Room for so many.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        Self::with_room(rows, rows * 64)
    }

    /// Room for so many, of so many bytes in all.
    fn with_room(rows: usize, bytes: usize) -> Self {
        Self { json: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows) }
    }

    /// Adds the next row's value.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.json);
        self.ends.push(self.json.len());
    }

    /// Adds null as the next row's value.
    pub fn push_null(&mut self) {
        self.push(|out| out.extend_from_slice(b"null"));
    }

    /// The value of a row; null beyond the last.
    #[must_use]
    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends.get(row - 1).copied().unwrap_or_default() };
        self.ends.get(row).map_or(b"null", |end| &self.json[start..*end])
    }
}

/// A field that is being answered for a batch of rows.
pub struct FieldContext<'a> {
    /// Who asks, and what answers.
    pub ctx: &'a RequestContext,
    pub(super) document: Document<'a>,
    pub(super) field: &'a Positioned<AstField>,
    pub(super) sets: &'a [&'a SelectionSet],
    pub(super) path: Vec<PathSegment>,
}

impl<'a> FieldContext<'a> {
    /// Is a field of this name asked of a type that this field answers?
    pub fn selects<T: ObjectType>(&self, name: &str) -> Result<bool> {
        Ok(self.chosen::<T>()?.iter().any(|chosen| chosen.name() == name))
    }

    /// The same question, asked by someone else: by who has just signed in.
    #[must_use]
    pub fn asked_by(&self, ctx: &'a RequestContext) -> Self {
        FieldContext { ctx, document: self.document, field: self.field, sets: self.sets, path: self.path.clone() }
    }

    /// Answers with one object a row.
    pub async fn each<T: ObjectType>(&self, rows: &[&T]) -> Result<Batch> {
        let plan = self.document.plan::<T>(self.sets)?;
        answer_rows(self, &plan, rows).await
    }

    /// Answers with one object a row, or null.
    pub async fn maybe<T: ObjectType>(&self, rows: &[Option<&T>]) -> Result<Batch> {
        let there: Vec<&T> = rows.iter().copied().flatten().collect();
        let found = self.each(&there).await?;
        if there.len() == rows.len() {
            return Ok(found);
        }
        let mut answers = Batch::with_room(rows.len(), found.json.len() + 4 * (rows.len() - there.len()));
        let mut next = 0;
        for row in rows {
            if row.is_some() {
                answers.push(|out| out.extend_from_slice(found.get(next)));
                next += 1;
            } else {
                answers.push_null();
            }
        }
        Ok(answers)
    }

    /// Answers with one list a row.
    pub async fn lists<T: ObjectType>(&self, lists: &[&[T]]) -> Result<Batch> {
        let lists: Vec<Vec<&T>> = lists.iter().map(|list| list.iter().collect()).collect();
        self.lists_of(&lists).await
    }

    /// Answers with one list a row, of rows that are kept elsewhere.
    pub async fn lists_of<T: ObjectType>(&self, lists: &[Vec<&T>]) -> Result<Batch> {
        let mut inner = self.asked_by(self.ctx);
        // What fails, fails for all of them alike: it is told of the first.
        inner.path.push(PathSegment::Index(0));
        let all: Vec<&T> = lists.iter().flatten().copied().collect();
        let found = inner.each(&all).await?;
        let mut answers = Batch::with_room(lists.len(), found.json.len() + all.len() + 2 * lists.len());
        let mut next = 0;
        for list in lists {
            answers.push(|out| {
                out.push(b'[');
                for at in 0..list.len() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(found.get(next + at));
                }
                out.push(b']');
            });
            next += list.len();
        }
        Ok(answers)
    }

    /// Runs a change; what the caller can mend becomes the payload. A change that lost to another one in the database
    /// (a deadlock) left nothing behind and is tried again.
    pub async fn attempt<P: MutationPayload, F: Future<Output = Result<P>>>(change: impl Fn() -> F) -> Result<P> {
        for _ in 0..4 {
            match change().await {
                Err(Error::Refused(errors)) => return Ok(P::refused(errors)),
                Err(Error::TryAgain) => {}
                done => return done,
            }
        }
        change().await
    }
}

/// A payload that can say no.
pub trait MutationPayload: Sized {
    /// The payload of a change that was not made.
    fn refused(errors: Vec<UserError>) -> Self;
}

/// What a field with one parent may answer with.
pub trait SingleValue: Sync {
    /// Answers with it.
    fn answer<'a>(&'a self, asked: &'a FieldContext<'_>) -> BoxFuture<'a, Result<Batch>>;
}

impl<T: ObjectType> SingleValue for T {
    fn answer<'a>(&'a self, asked: &'a FieldContext<'_>) -> BoxFuture<'a, Result<Batch>> {
        Box::pin(async move { asked.each(&[self]).await })
    }
}

impl<T: ObjectType> SingleValue for Option<T> {
    fn answer<'a>(&'a self, asked: &'a FieldContext<'_>) -> BoxFuture<'a, Result<Batch>> {
        Box::pin(async move { asked.maybe(&[self.as_ref()]).await })
    }
}

impl<T: ObjectType> SingleValue for Vec<T> {
    fn answer<'a>(&'a self, asked: &'a FieldContext<'_>) -> BoxFuture<'a, Result<Batch>> {
        Box::pin(async move { asked.lists(&[self.as_slice()]).await })
    }
}

macro_rules! plain_single_values {
    ($($type:ty),*) => {$(
        impl SingleValue for $type {
            fn answer<'a>(&'a self, asked: &'a FieldContext<'_>) -> BoxFuture<'a, Result<Batch>> {
                let mut answers = Batch::default();
                answers.push(|out| super::Value::write(self, asked.ctx, None, out));
                Box::pin(std::future::ready(Ok(answers)))
            }
        }
    )*};
}
plain_single_values!(bool, i32, String, Option<bool>, Option<i32>, Option<String>);

/// Answers all fields that need more than the rows, then writes the rows.
async fn answer_rows<T: ObjectType>(asked: &FieldContext<'_>, plan: &SelectionPlan<'_>, rows: &[&T]) -> Result<Batch> {
    let batches = answer_fields(asked.ctx, asked.document, &asked.path, plan, rows).await?;
    let room = plan.room(rows.len(), &batches);
    let mut answers = Batch::with_room(rows.len(), room);
    for (at, row) in rows.iter().enumerate() {
        answers.push(|out| write_row(*row, asked.ctx, plan, &batches, at, out));
        if at % ROWS_AT_A_STRETCH == ROWS_AT_A_STRETCH - 1 {
            tokio::task::yield_now().await;
        }
    }
    Ok(answers)
}

/// Answers all fields that need more than the rows: one value a row for each of those, nothing for the others.
async fn answer_fields<T: ObjectType>(
    ctx: &RequestContext,
    document: Document<'_>,
    path: &[PathSegment],
    plan: &SelectionPlan<'_>,
    rows: &[&T],
) -> Result<Vec<Option<Batch>>> {
    let mut batches: Vec<Option<Batch>> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let Some(Resolver::Batch { nullable, run, .. }) = step.index.map(|index| &T::FIELDS[index].answer) else {
            batches.push(None);
            continue;
        };
        if rows.is_empty() {
            batches.push(Some(Batch::default()));
            continue;
        }
        let mut path = path.to_vec();
        path.push(PathSegment::Field(step.chosen.key.to_owned()));
        let asked =
            FieldContext { ctx, document, field: step.chosen.field, sets: &step.chosen.sets, path: path.clone() };
        match run(asked, rows).await {
            Ok(answers) => batches.push(Some(answers)),
            Err(fault) if *nullable => {
                document.note(place(ctx, fault, &path, step.chosen.field));
                batches.push(Some(Batch::default()));
            }
            Err(Error::Placed(error)) => return Err(Error::Placed(error)),
            Err(fault) => return Err(Error::Placed(Box::new(place(ctx, fault, &path, step.chosen.field)))),
        }
    }
    Ok(batches)
}

/// Bytes that a plain value takes, more often than not.
const USUAL_VALUE: usize = 24;

impl SelectionPlan<'_> {
    /// About how many bytes rows take, so that what they are written into need not grow.
    fn room(&self, rows: usize, batches: &[Option<Batch>]) -> usize {
        let answered: usize = batches.iter().flatten().map(|answers| answers.json.len()).sum();
        let labels: usize = self.steps.iter().map(|step| step.label.len() + 1 + USUAL_VALUE).sum();
        answered + rows * (labels + 2)
    }
}

/// Writes one row.
pub(super) fn write_row<T: ObjectType>(
    row: &T,
    ctx: &RequestContext,
    plan: &SelectionPlan<'_>,
    batches: &[Option<Batch>],
    at: usize,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (number, step) in plan.steps.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&step.label);
        match step.index.map(|index| &T::FIELDS[index].answer) {
            None => match batches.get(number) {
                Some(Some(introspected)) => out.extend_from_slice(introspected.get(at)),
                _ => super::write_text(T::NAME, out),
            },
            Some(Resolver::Plain { write, .. }) => write(row, ctx, step.inner.as_ref(), out),
            Some(Resolver::Batch { .. }) => match batches.get(number) {
                Some(Some(answers)) => out.extend_from_slice(answers.get(at)),
                _ => out.extend_from_slice(b"null"),
            },
        }
    }
    out.push(b'}');
}

fn place(ctx: &RequestContext, fault: Error, path: &[PathSegment], field: &Positioned<AstField>) -> ServerError {
    match fault {
        Error::Placed(error) => *error,
        fault => ServerError { path: path.to_vec(), locations: vec![field.pos], ..fault.into_server_error(ctx) },
    }
}

/// Answers an operation from its root. What of it asks the schema about itself comes answered already.
pub async fn answer<T: ObjectType>(
    root: &T,
    ctx: &RequestContext,
    operation: &Operation<'_>,
    schema: Option<&ConstValue>,
) -> Response {
    let document = Document(operation);
    let data = match answer_root(root, ctx, document, schema).await {
        Ok(json) => ConstValue::Binary(json.into()),
        Err(fault) => {
            document.note(fault.into_server_error(ctx));
            ConstValue::Null
        }
    };
    let mut response = Response::new(data);
    response.errors = operation.errors.lock().map(|mut errors| std::mem::take(&mut *errors)).unwrap_or_default();
    response
}

async fn answer_root<T: ObjectType>(
    root: &T,
    ctx: &RequestContext,
    document: Document<'_>,
    schema: Option<&ConstValue>,
) -> Result<Vec<u8>> {
    let plan = document.plan::<T>(&[document.root_set()])?;
    let mut batches = answer_fields(ctx, document, &[], &plan, &[root]).await?;
    if let Some(ConstValue::Object(known)) = schema {
        for (step, answers) in plan.steps.iter().zip(&mut batches) {
            if let Some(value) = known.get(step.chosen.key).filter(|_| step.index.is_none()) {
                let known = answers.insert(Batch::default());
                known.push(|out| crate::server::http::response::write_value(out, value));
            }
        }
    }
    let mut out = Vec::with_capacity(plan.room(1, &batches));
    write_row(root, ctx, &plan, &batches, 0, &mut out);
    Ok(out)
}
