//! A field that is being resolved for a batch of rows.

use std::future::Future;

use async_graphql::parser::types::{Field as AstField, SelectionSet};
use async_graphql::{InputType, Name, PathSegment, Positioned, Value as ConstValue};
use async_graphql_value::Value as AstValue;
use indexmap::IndexMap;

use crate::batch::Batch;
use crate::context::{ExecutionContext, ExecutionError as _, MutationPayload};
use crate::execute::{locate, resolve_objects};
use crate::object::ObjectType;
use crate::selection::{CollectedField, Document, Operation};

/// How often a mutation runs again after an error that left nothing behind.
const RETRIES: usize = 4;

/// A field that is being resolved for a batch of rows: its arguments, its selection and the request.
pub struct FieldContext<'a, C> {
    /// The request.
    pub request: &'a C,
    pub(crate) document: Document<'a>,
    pub(crate) field: &'a Positioned<AstField>,
    pub(crate) selections: &'a [&'a SelectionSet],
    pub(crate) path: Vec<PathSegment>,
}

impl<'a, C: ExecutionContext> FieldContext<'a, C> {
    /// Returns the field's arguments, with defaults filled in and checked for their types.
    ///
    /// # Errors
    /// An invalid argument.
    pub fn arguments<A: InputType>(&self) -> Result<A, C::Error> {
        self.read(|given| A::parse(Some(ConstValue::Object(given))).ok())
    }

    /// Returns the value of the field's only argument, `name`.
    ///
    /// # Errors
    /// An invalid argument.
    pub fn argument<A: InputType>(&self, name: &str) -> Result<A, C::Error> {
        self.read(|mut given| A::parse(given.swap_remove(name)).ok())
    }

    /// Returns what `parse` makes of the given arguments.
    ///
    /// Documents and variables are checked before, so that arguments are invalid only because of a variable that is null in the
    /// place of a value that has a default and must not be null. The error names this variable.
    fn read<A>(&self, parse: impl Fn(IndexMap<Name, ConstValue>) -> Option<A>) -> Result<A, C::Error> {
        let Operation { document, definition, variables, registry, .. } = self.document.0;
        if let Some(parsed) = parse(self.given_arguments(self.document)) {
            return Ok(parsed);
        }
        let name = &self.field.node.name.node;
        let mut nulls = Vec::new();
        for (_, value) in &self.field.node.arguments {
            self.add_null_variables(&value.node, &mut nulls);
        }
        // A variable is at fault if the arguments stay invalid when all others that are null are left out.
        let at_fault = nulls.iter().find(|null| {
            let mut others = (**variables).clone();
            others.retain(|variable, _| variable == **null || !nulls.contains(&variable));
            let operation = Operation::new(document, definition, &others, registry);
            parse(self.given_arguments(Document(&operation))).is_none()
        });
        Err(C::Error::invalid_argument(match at_fault {
            Some(variable) => {
                format!("`{name}` needs a value for `${variable}`, which is null: give one, or leave it out.")
            }
            None => format!("The arguments of `{name}` do not have the types that the schema declares."),
        }))
    }

    fn given_arguments(&self, document: Document<'_>) -> IndexMap<Name, ConstValue> {
        let mut given = IndexMap::with_capacity(self.field.node.arguments.len());
        for (name, value) in &self.field.node.arguments {
            if let Some(value) = document.value(&value.node) {
                given.insert(name.node.clone(), value);
            }
        }
        given
    }

    /// Whether every argument is a variable with a value other than null. The values of variables are checked before.
    pub(crate) fn has_variables_only(&self) -> bool {
        self.field.node.arguments.iter().all(|(_, value)| match &value.node {
            AstValue::Variable(name) => self.document.variable(name).is_some_and(|value| *value != ConstValue::Null),
            _ => false,
        })
    }

    /// Adds the variables in a value that are null.
    fn add_null_variables<'v>(&self, value: &'v AstValue, nulls: &mut Vec<&'v Name>) {
        match value {
            AstValue::Variable(name) if self.document.value(value) == Some(ConstValue::Null) => nulls.push(name),
            AstValue::List(items) => items.iter().for_each(|item| self.add_null_variables(item, nulls)),
            AstValue::Object(fields) => fields.values().for_each(|field| self.add_null_variables(field, nulls)),
            _ => {}
        }
    }

    /// Whether a field named `name` is selected of the object type `T` that this field returns.
    ///
    /// # Errors
    /// What is invalid in the selection.
    pub fn selects<T: ObjectType<C>>(&self, name: &str) -> Result<bool, C::Error> {
        Ok(self.collected::<T>()?.iter().any(|field| field.name() == name))
    }

    /// Returns the fields that are selected of the object type `T` that this field returns.
    ///
    /// # Errors
    /// What is invalid in the selection.
    pub fn collected<T: ObjectType<C>>(&self) -> Result<Vec<CollectedField<'a>>, C::Error> {
        Ok(self.document.collect(T::NAME, self.selections)?)
    }

    /// Returns the fields of the object type `T` that are selected by `selections`.
    ///
    /// # Errors
    /// What is invalid in the selection.
    pub fn collected_in<'b, T: ObjectType<C>>(
        &self,
        selections: &[&'b SelectionSet],
    ) -> Result<Vec<CollectedField<'b>>, C::Error>
    where
        'a: 'b,
    {
        Ok(self.document.collect(T::NAME, selections)?)
    }

    /// Returns the selection sets of this field.
    #[must_use]
    pub const fn selections(&self) -> &'a [&'a SelectionSet] {
        self.selections
    }

    /// Returns the same field in another request context, such as that of a user who has just signed in.
    #[must_use]
    pub fn with_request<'b>(&'b self, request: &'b C) -> FieldContext<'b, C> {
        FieldContext {
            request,
            document: self.document,
            field: self.field,
            selections: self.selections,
            path: self.path.clone(),
        }
    }

    /// Returns the same field one list further down. An error below concerns all items alike; its path names the first.
    pub(crate) fn in_list(&self) -> FieldContext<'_, C> {
        let mut inner = self.with_request(self.request);
        inner.path.push(PathSegment::Index(0));
        inner
    }

    /// Reports an error whose position becomes null.
    pub(crate) fn report(&self, error: C::Error) {
        self.document.report(locate(self.request, error, &self.path, self.field));
    }

    /// Resolves one object for each row.
    ///
    /// # Errors
    /// The error of a non-null field below, with its path.
    pub async fn objects<T: ObjectType<C>>(&self, rows: &[&T]) -> Result<Batch<T>, C::Error> {
        let plan = self.document.plan::<C, T>(self.selections)?;
        if T::NODE {
            self.request.count_nodes(rows.len());
        }
        resolve_objects(self, &plan, rows).await
    }

    /// Resolves one object or null for each row.
    ///
    /// # Errors
    /// As [`Self::objects`].
    pub async fn optional_objects<T: ObjectType<C>>(&self, rows: &[Option<&T>]) -> Result<Batch<Option<T>>, C::Error> {
        let present: Vec<&T> = rows.iter().copied().flatten().collect();
        let found = self.objects(&present).await?;
        if present.len() == rows.len() {
            return Ok(found.nullable());
        }
        let mut batch = Batch::with_bytes(rows.len(), found.bytes() + 4 * (rows.len() - present.len()));
        let mut next = 0;
        for row in rows {
            if row.is_some() {
                batch.push_json(|out| out.extend_from_slice(found.json(next)));
                next += 1;
            } else {
                batch.push_null();
            }
        }
        Ok(batch)
    }

    /// Resolves one list of objects for each row.
    ///
    /// # Errors
    /// As [`Self::objects`].
    pub async fn object_lists<T: ObjectType<C>>(&self, lists: &[&[T]]) -> Result<Batch<Vec<T>>, C::Error> {
        let lists: Vec<Vec<&T>> = lists.iter().map(|list| list.iter().collect()).collect();
        self.lists_of_references(&lists).await
    }

    /// Resolves one list of objects for each row; the objects are kept elsewhere.
    ///
    /// # Errors
    /// As [`Self::objects`].
    pub async fn lists_of_references<T: ObjectType<C>>(&self, lists: &[Vec<&T>]) -> Result<Batch<Vec<T>>, C::Error> {
        let inner = self.in_list();
        let all: Vec<&T> = lists.iter().flatten().copied().collect();
        let found = inner.objects(&all).await?;
        let mut batch = Batch::with_bytes(lists.len(), found.bytes() + all.len() + 2 * lists.len());
        let mut first = 0;
        for list in lists {
            batch.push_json(|out| found.write_list(first, list.len(), out));
            first += list.len();
        }
        Ok(batch)
    }

    /// Returns a batch whose values are known to be there, as those of a non-null field.
    ///
    /// # Errors
    /// A defect, if a value is null.
    pub fn required<T>(&self, batch: Batch<Option<T>>) -> Result<Batch<T>, C::Error> {
        if let Some(index) = batch.first_null() {
            let name = &self.field.node.name.node;
            return Err(C::Error::defect(&format!("the non-null field {name} has no value for row {index}")));
        }
        Ok(batch.assume_no_nulls())
    }

    /// Runs a mutation. An error that the caller can fix becomes the payload; after an error that left nothing behind, such
    /// as a deadlock, the mutation runs again.
    ///
    /// # Errors
    /// An error that the caller cannot fix.
    pub async fn attempt<P, F>(mutation: impl Fn() -> F) -> Result<P, C::Error>
    where
        P: MutationPayload<C::Error>,
        F: Future<Output = Result<P, C::Error>>,
    {
        for _ in 0..RETRIES {
            match mutation().await {
                Err(error) if error.is_retryable() => {}
                Err(error) => return P::from_error(error),
                done => return done,
            }
        }
        mutation().await.or_else(P::from_error)
    }
}
