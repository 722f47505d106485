//! What a plain field may be, and how it is written as JSON.

use async_graphql::registry::Registry;
use async_graphql::{ID, InputType, OutputType};
use entity::{Day, Id, Instant};

use super::object::{ObjectType, describe_object};
use super::selection::{CollectedField, Document, SelectionPlan};
use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::scalars::{Date, DateTime, Json};

/// A type that the schema knows.
pub trait Described {
    /// May it be null?
    const NULLABLE: bool = false;

    /// Its name as a type reference, `[Name!]!`, with whatever it needs put into the registry.
    fn describe(registry: &mut Registry) -> String;
}

/// A value that a plain field may have.
pub trait Value: Described {
    /// Plans what is asked of it, where it is an object.
    fn plan<'a>(_: Document<'a>, _: &CollectedField<'a>) -> Result<Option<SelectionPlan<'a>>> {
        Ok(None)
    }

    /// Writes it as JSON.
    fn write(&self, ctx: &RequestContext, plan: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>);
}

/// Writes a text as a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing into memory does not fail, and a string is always JSON.
    let _ = serde_json::to_writer(out, text);
}

impl<T: ObjectType> Described for T {
    fn describe(registry: &mut Registry) -> String {
        describe_object::<T>(registry)
    }
}

impl<T: ObjectType> Value for T {
    fn plan<'a>(document: Document<'a>, chosen: &CollectedField<'a>) -> Result<Option<SelectionPlan<'a>>> {
        document.plan::<T>(&chosen.sets).map(Some)
    }

    fn write(&self, ctx: &RequestContext, plan: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        const {
            let mut at = 0;
            while at < T::FIELDS.len() {
                assert!(T::FIELDS[at].answer.is_plain(), "an object in a plain field has plain fields alone");
                at += 1;
            }
        }
        match plan {
            Some(plan) => super::answer::write_row(self, ctx, plan, &[], 0, out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl<T: Described> Described for Option<T> {
    const NULLABLE: bool = true;

    fn describe(registry: &mut Registry) -> String {
        let name = T::describe(registry);
        name.strip_suffix('!').map(str::to_owned).unwrap_or(name)
    }
}

impl<T: Value> Value for Option<T> {
    fn plan<'a>(document: Document<'a>, chosen: &CollectedField<'a>) -> Result<Option<SelectionPlan<'a>>> {
        T::plan(document, chosen)
    }

    fn write(&self, ctx: &RequestContext, plan: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(ctx, plan, out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl<T: Described> Described for Vec<T> {
    fn describe(registry: &mut Registry) -> String {
        format!("[{}]!", T::describe(registry))
    }
}

impl<T: Value> Value for Vec<T> {
    fn plan<'a>(document: Document<'a>, chosen: &CollectedField<'a>) -> Result<Option<SelectionPlan<'a>>> {
        T::plan(document, chosen)
    }

    fn write(&self, ctx: &RequestContext, plan: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, value) in self.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            value.write(ctx, plan, out);
        }
        out.push(b']');
    }
}

/// Scalars: the type that async-graphql knows them by, and how they are written.
macro_rules! scalars {
    ($($type:ty as $known:ty: |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl Described for $type {
            fn describe(registry: &mut Registry) -> String {
                <$known as OutputType>::create_type_info(registry)
            }
        }

        impl Value for $type {
            fn write(&self, _: &RequestContext, _: Option<&SelectionPlan<'_>>, $out: &mut Vec<u8>) {
                let $value = self;
                $write;
            }
        }
    )*};
}

scalars! {
    &str as String: |value, out| write_text(value, out);
    String as String: |value, out| write_text(value, out);
    bool as bool: |value, out| out.extend_from_slice(if *value { b"true" } else { b"false" });
    i32 as i32: |value, out| { let _ = serde_json::to_writer(out, value); };
    f64 as f64: |value, out| { let _ = serde_json::to_writer(out, value); };
    Instant as DateTime: |value, out| { let _ = std::io::Write::write_fmt(out, format_args!("\"{value}\"")); };
    Day as Date: |value, out| { let _ = std::io::Write::write_fmt(out, format_args!("\"{value}\"")); };
    Json<&str> as Json<String>: |value, out| out.extend_from_slice(value.0.as_bytes());
    Json<String> as Json<String>: |value, out| out.extend_from_slice(value.0.as_bytes());
    crate::graphql::scalars::Decimal as crate::graphql::scalars::Decimal: |value, out| { let _ = std::io::Write::write_fmt(out, format_args!("\"{}\"", value.0)); };
}

/// A typed id, as ID.
#[derive(Clone, Copy)]
pub struct NodeId<T>(pub T);

impl<T: Id> Described for NodeId<T> {
    fn describe(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }
}

impl<T: Id> Value for NodeId<T> {
    fn write(&self, _: &RequestContext, _: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(T::PREFIX.as_bytes());
        out.push(b'_');
        out.extend_from_slice(&entity::suffix(self.0.uuid()));
        out.push(b'"');
    }
}

/// An id of any type, as ID.
#[derive(Clone, Debug)]
pub struct AnyId(pub String);

impl Described for AnyId {
    fn describe(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }
}

impl Value for AnyId {
    fn write(&self, _: &RequestContext, _: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        write_text(&self.0, out);
    }
}
