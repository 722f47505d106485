//! The algorithm: every field of a level is resolved for all rows of the level, then the rows are written. The arguments of
//! all root fields are checked before the first of them runs.

use async_graphql::parser::types::Field as AstField;
use async_graphql::{PathSegment, Positioned, Response, ServerError, Value as ConstValue};

use crate::batch::{Batch, ErasedBatch};
use crate::context::{ExecutionContext, ExecutionError as _};
use crate::field::FieldContext;
use crate::json::{write_const_value, write_string};
use crate::object::{ObjectType, Resolver};
use crate::selection::{Document, Operation, SelectionPlan};

/// After this many rows a task yields to others, which takes some hundred microseconds to reach.
pub const ROWS_BETWEEN_YIELDS: usize = 256;

/// Bytes that a plain value takes, more often than not.
const USUAL_VALUE: usize = 24;

/// Executes an operation. `introspection` holds what async-graphql answered of `__schema` and `__type`, if they are selected.
pub async fn execute<C: ExecutionContext, T: ObjectType<C>>(
    root: &T,
    request: &C,
    operation: &Operation<'_>,
    introspection: Option<&ConstValue>,
) -> Response {
    let document = Document(operation);
    let data = match resolve_root(root, request, document, introspection).await {
        Ok(json) => ConstValue::Binary(json.into()),
        Err(error) => {
            document.report(error.into_server_error(request));
            ConstValue::Null
        }
    };
    let mut response = Response::new(data);
    response.errors = operation.errors.lock().map(|mut errors| std::mem::take(&mut *errors)).unwrap_or_default();
    response
}

async fn resolve_root<C: ExecutionContext, T: ObjectType<C>>(
    root: &T,
    request: &C,
    document: Document<'_>,
    introspection: Option<&ConstValue>,
) -> Result<Vec<u8>, C::Error> {
    let plan = document.plan::<C, T>(&[document.root_selection()])?;
    check_arguments::<C, T>(request, document, &plan)?;
    let mut batches = resolve_fields(request, document, &[], &plan, &[root]).await?;
    if let Some(ConstValue::Object(known)) = introspection {
        for (field, batch) in plan.fields.iter().zip(&mut batches) {
            if let Some(value) = known.get(field.collected.key).filter(|_| field.index.is_none()) {
                batch.insert(ErasedBatch::default()).push(|out| write_const_value(out, value));
            }
        }
    }
    let mut out = Vec::with_capacity(plan.estimated_bytes(1, &batches));
    write_row(root, request, &plan, &batches, 0, &mut out);
    Ok(out)
}

/// Checks the arguments of all root fields before any of them runs.
fn check_arguments<C: ExecutionContext, T: ObjectType<C>>(
    request: &C,
    document: Document<'_>,
    plan: &SelectionPlan<'_>,
) -> Result<(), C::Error> {
    let mut faults = Vec::new();
    for planned in &plan.fields {
        let Some(index) = planned.index else { continue };
        let collected = &planned.collected;
        let field = FieldContext {
            request,
            document,
            field: collected.field,
            selections: &collected.selections,
            path: Vec::new(),
        };
        if !field.has_variables_only()
            && let Err(error) = (T::FIELDS[index].check_arguments)(&field)
        {
            faults.push(locate(request, error, &[], collected.field));
        }
    }
    let Some(last) = faults.pop() else { return Ok(()) };
    for fault in faults {
        document.report(fault);
    }
    Err(C::Error::located(Box::new(last)))
}

/// Resolves all fields that need more than the rows, then writes the rows.
pub(crate) async fn resolve_objects<C: ExecutionContext, T: ObjectType<C>>(
    field: &FieldContext<'_, C>,
    plan: &SelectionPlan<'_>,
    rows: &[&T],
) -> Result<Batch<T>, C::Error> {
    let batches = resolve_fields(field.request, field.document, &field.path, plan, rows).await?;
    let mut batch = Batch::with_bytes(rows.len(), plan.estimated_bytes(rows.len(), &batches));
    for (index, row) in rows.iter().enumerate() {
        batch.push_json(|out| write_row(*row, field.request, plan, &batches, index, out));
        if index % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
            tokio::task::yield_now().await;
        }
    }
    Ok(batch)
}

/// Resolves the fields that need more than the rows: a batch for each of those, None for the others.
async fn resolve_fields<C: ExecutionContext, T: ObjectType<C>>(
    request: &C,
    document: Document<'_>,
    path: &[PathSegment],
    plan: &SelectionPlan<'_>,
    rows: &[&T],
) -> Result<Vec<Option<ErasedBatch>>, C::Error> {
    let mut batches: Vec<Option<ErasedBatch>> = Vec::with_capacity(plan.fields.len());
    for planned in &plan.fields {
        let Some(Resolver::Batch { nullable, run, .. }) = planned.index.map(|index| &T::FIELDS[index].resolver) else {
            batches.push(None);
            continue;
        };
        if rows.is_empty() {
            batches.push(Some(ErasedBatch::default()));
            continue;
        }
        let mut path = path.to_vec();
        path.push(PathSegment::Field(planned.collected.key.to_owned()));
        let collected = &planned.collected;
        let field = FieldContext {
            request,
            document,
            field: collected.field,
            selections: &collected.selections,
            path: path.clone(),
        };
        let resolved = run(field, rows).await.and_then(|batch| {
            if batch.len() == rows.len() {
                return Ok(batch);
            }
            let (name, values) = (collected.name(), batch.len());
            let cause = format!("{}.{name} has {values} values for {} rows", T::NAME, rows.len());
            Err(C::Error::defect(&cause))
        });
        match resolved {
            Ok(batch) => batches.push(Some(batch)),
            Err(error) => {
                let error = locate(request, error, &path, collected.field);
                if !(*nullable || T::NULLABLE_FIELDS) {
                    return Err(C::Error::located(Box::new(error)));
                }
                document.report(error);
                // An empty batch reads as null for every row.
                batches.push(Some(ErasedBatch::default()));
            }
        }
    }
    Ok(batches)
}

impl SelectionPlan<'_> {
    /// Returns about how many bytes rows take, so that what they are written into need not grow.
    fn estimated_bytes(&self, rows: usize, batches: &[Option<ErasedBatch>]) -> usize {
        let resolved: usize = batches.iter().flatten().map(ErasedBatch::bytes).sum();
        let labels: usize = self.fields.iter().map(|field| field.label.len() + 1 + USUAL_VALUE).sum();
        resolved + rows * (labels + 2)
    }
}

/// Writes one row.
pub(crate) fn write_row<C, T: ObjectType<C>>(
    row: &T,
    request: &C,
    plan: &SelectionPlan<'_>,
    batches: &[Option<ErasedBatch>],
    index: usize,
    out: &mut Vec<u8>,
) where
    C: ExecutionContext,
{
    out.push(b'{');
    for (number, field) in plan.fields.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&field.label);
        match field.index.map(|index| &T::FIELDS[index].resolver) {
            None => match batches.get(number) {
                Some(Some(introspected)) => out.extend_from_slice(introspected.get_or_null(index)),
                _ => write_string(T::NAME, out),
            },
            Some(Resolver::Plain { write, .. }) => write(row, request, field.inner.as_ref(), out),
            Some(Resolver::Batch { .. }) => match batches.get(number) {
                Some(Some(batch)) => out.extend_from_slice(batch.get_or_null(index)),
                _ => out.extend_from_slice(b"null"),
            },
        }
    }
    out.push(b'}');
}

pub(crate) fn locate<C: ExecutionContext>(
    request: &C,
    error: C::Error,
    path: &[PathSegment],
    field: &Positioned<AstField>,
) -> ServerError {
    match error.into_located() {
        Ok(located) => *located,
        Err(error) => {
            ServerError { path: path.to_vec(), locations: vec![field.pos], ..error.into_server_error(request) }
        }
    }
}
