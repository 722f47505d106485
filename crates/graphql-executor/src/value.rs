//! The types of fields, and how their values are written as JSON.

use async_graphql::registry::Registry;
use async_graphql::{ID, InputType as _};
use futures_util::future::BoxFuture;

use crate::batch::Batch;
use crate::context::ExecutionContext;
use crate::field::FieldContext;
use crate::json::write_string;
use crate::selection::{CollectedField, Document, InvalidSelection, SelectionPlan};

/// A type that fields may have.
pub trait OutputType<C> {
    /// Whether a value may be null.
    const NULLABLE: bool = false;

    /// Adds the type to the registry, with the types that it refers to, and returns a reference to it, such as `[Name!]!`.
    fn describe(registry: &mut Registry) -> String;
}

/// A type whose values exist in Rust: every output type except interfaces and unions.
pub trait Value<C>: OutputType<C> {
    /// Whether a value can be written where its parent is written: objects cannot if a field of theirs needs a batch.
    const IS_PLAIN: bool = true;

    /// Plans the selection of a field of this type, if the type is an object.
    ///
    /// # Errors
    /// What is invalid in the selection.
    fn plan<'a>(_: Document<'a>, _: &CollectedField<'a>) -> Result<Option<SelectionPlan<'a>>, InvalidSelection> {
        Ok(None)
    }

    /// Writes the value as JSON.
    fn write(&self, context: &C, plan: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>);

    /// Resolves values of this type, one for each row, with everything selected of them.
    fn resolve<'a>(rows: &'a [&'a Self], field: &'a FieldContext<'_, C>) -> BoxFuture<'a, Result<Batch<Self>, C::Error>>
    where
        Self: Sized + Sync,
        C: ExecutionContext,
    {
        let mut batch = Batch::with_capacity(rows.len());
        for row in rows {
            batch.push(field.request, *row);
        }
        Box::pin(std::future::ready(Ok(batch)))
    }
}

impl<C, T: OutputType<C>> OutputType<C> for Option<T> {
    const NULLABLE: bool = true;

    fn describe(registry: &mut Registry) -> String {
        let name = T::describe(registry);
        name.strip_suffix('!').map(str::to_owned).unwrap_or(name)
    }
}

impl<C, T: Value<C> + Sync> Value<C> for Option<T> {
    const IS_PLAIN: bool = T::IS_PLAIN;

    fn plan<'a>(
        document: Document<'a>,
        field: &CollectedField<'a>,
    ) -> Result<Option<SelectionPlan<'a>>, InvalidSelection> {
        T::plan(document, field)
    }

    fn write(&self, context: &C, plan: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(context, plan, out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn resolve<'a>(rows: &'a [&'a Self], field: &'a FieldContext<'_, C>) -> BoxFuture<'a, Result<Batch<Self>, C::Error>>
    where
        C: ExecutionContext,
    {
        Box::pin(async move {
            let present: Vec<&T> = rows.iter().copied().flatten().collect();
            let found = match T::resolve(&present, field).await {
                Ok(found) => found,
                Err(error) => {
                    // The nearest nullable position is here.
                    field.report(error);
                    return Ok(Batch::all_null(rows.len()));
                }
            };
            if present.len() == rows.len() {
                return Ok(found.nullable());
            }
            let mut next = 0;
            let positions = rows.iter().map(|row| {
                row.as_ref().map(|_| {
                    next += 1;
                    next - 1
                })
            });
            Ok(found.nullable().select(positions))
        })
    }
}

impl<C, T: OutputType<C>> OutputType<C> for Vec<T> {
    fn describe(registry: &mut Registry) -> String {
        format!("[{}]!", T::describe(registry))
    }
}

impl<C, T: Value<C> + Sync> Value<C> for Vec<T> {
    const IS_PLAIN: bool = T::IS_PLAIN;

    fn plan<'a>(
        document: Document<'a>,
        field: &CollectedField<'a>,
    ) -> Result<Option<SelectionPlan<'a>>, InvalidSelection> {
        T::plan(document, field)
    }

    fn write(&self, context: &C, plan: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, value) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            value.write(context, plan, out);
        }
        out.push(b']');
    }

    fn resolve<'a>(rows: &'a [&'a Self], field: &'a FieldContext<'_, C>) -> BoxFuture<'a, Result<Batch<Self>, C::Error>>
    where
        C: ExecutionContext,
    {
        Box::pin(async move {
            let inner = field.in_list();
            let items: Vec<&T> = rows.iter().flat_map(|list| list.iter()).collect();
            let found = T::resolve(&items, &inner).await?;
            let mut lists = Batch::with_bytes(rows.len(), found.bytes() + items.len() + 2 * rows.len());
            let mut first = 0;
            for list in rows {
                lists.push_json(|out| found.write_list(first, list.len(), out));
                first += list.len();
            }
            Ok(lists)
        })
    }
}

/// Implements the traits for scalars that async-graphql knows.
macro_rules! scalars {
    ($($type:ty as $known:ty: |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl<C> OutputType<C> for $type {
            fn describe(registry: &mut Registry) -> String {
                <$known as async_graphql::OutputType>::create_type_info(registry)
            }
        }

        impl<C> Value<C> for $type {
            fn write(&self, _: &C, _: Option<&SelectionPlan<'_>>, $out: &mut Vec<u8>) {
                let $value = self;
                $write;
            }
        }
    )*};
}

scalars! {
    &str as String: |value, out| write_string(value, out);
    String as String: |value, out| write_string(value, out);
    bool as bool: |value, out| out.extend_from_slice(if *value { b"true" } else { b"false" });
    i32 as i32: |value, out| { let _ = serde_json::to_writer(out, value); };
    f64 as f64: |value, out| { let _ = serde_json::to_writer(out, value); };
}

impl<C> OutputType<C> for ID {
    fn describe(registry: &mut Registry) -> String {
        Self::create_type_info(registry)
    }
}

impl<C> Value<C> for ID {
    fn write(&self, _: &C, _: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        write_string(self, out);
    }
}
