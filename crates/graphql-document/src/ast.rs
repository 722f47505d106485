//! A document as it is written. Unlike async-graphql's, this tree keeps the order of definitions, repeated names and the text of
//! numbers, which validation needs. It borrows from the text.

use std::borrow::Cow;
use std::collections::HashMap;

use async_graphql::Pos;
use async_graphql::parser::types::OperationType;

/// A document.
#[derive(Debug, Default)]
pub(crate) struct Document<'a> {
    pub operations: Vec<Operation<'a>>,
    pub fragments: Vec<Fragment<'a>>,
}

impl<'a> Document<'a> {
    /// Returns the indexes of the fragments by their names; of several with one name, the first.
    pub fn fragments_by_name(&self) -> HashMap<&'a str, usize> {
        let mut names = HashMap::with_capacity(self.fragments.len());
        for (number, fragment) in self.fragments.iter().enumerate() {
            names.entry(fragment.name.text).or_insert(number);
        }
        names
    }
}

/// A name and where it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ident<'a> {
    pub text: &'a str,
    pub position: Pos,
}

#[derive(Debug)]
pub(crate) struct Operation<'a> {
    pub position: Pos,
    pub kind: OperationType,
    pub name: Option<Ident<'a>>,
    pub variables: Vec<Variable<'a>>,
    pub directives: Vec<Directive<'a>>,
    pub selections: SelectionSet<'a>,
}

#[derive(Debug)]
pub(crate) struct Fragment<'a> {
    pub position: Pos,
    pub name: Ident<'a>,
    pub on: Ident<'a>,
    pub directives: Vec<Directive<'a>>,
    pub selections: SelectionSet<'a>,
}

/// The definition of a variable.
#[derive(Debug)]
pub(crate) struct Variable<'a> {
    pub position: Pos,
    pub name: Ident<'a>,
    pub ty: WrittenType<'a>,
    pub default: Option<Value<'a>>,
    pub directives: Vec<Directive<'a>>,
}

/// The type of a variable.
#[derive(Debug)]
pub(crate) enum WrittenType<'a> {
    Named(Ident<'a>),
    List(Box<Self>),
    NonNull(Box<Self>),
}

/// The selections in a pair of braces. Empty only for a field without braces.
#[derive(Debug, Default)]
pub(crate) struct SelectionSet<'a> {
    pub position: Pos,
    pub items: Vec<Selection<'a>>,
}

#[derive(Debug)]
pub(crate) enum Selection<'a> {
    Field(Field<'a>),
    Spread(Spread<'a>),
    Inline(Inline<'a>),
}

#[derive(Debug)]
pub(crate) struct Field<'a> {
    pub alias: Option<Ident<'a>>,
    pub name: Ident<'a>,
    pub arguments: Vec<(Ident<'a>, Value<'a>)>,
    pub directives: Vec<Directive<'a>>,
    pub selections: SelectionSet<'a>,
}

#[derive(Debug)]
pub(crate) struct Spread<'a> {
    pub position: Pos,
    pub name: Ident<'a>,
    pub directives: Vec<Directive<'a>>,
}

#[derive(Debug)]
pub(crate) struct Inline<'a> {
    pub position: Pos,
    pub on: Option<Ident<'a>>,
    pub directives: Vec<Directive<'a>>,
    pub selections: SelectionSet<'a>,
}

#[derive(Debug)]
pub(crate) struct Directive<'a> {
    pub position: Pos,
    pub name: Ident<'a>,
    pub arguments: Vec<(Ident<'a>, Value<'a>)>,
}

#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub position: Pos,
    pub literal: Literal<'a>,
}

#[derive(Debug)]
pub(crate) enum Literal<'a> {
    Variable(&'a str),
    Null,
    Boolean(bool),
    Int(&'a str),
    Float(&'a str),
    String { text: Cow<'a, str>, is_block: bool },
    Enum(&'a str),
    List(Vec<Value<'a>>),
    Object(Vec<(Ident<'a>, Value<'a>)>),
}

impl<'a> Field<'a> {
    /// Returns the name under which the field appears in the response.
    pub fn key(&self) -> &'a str {
        self.alias.as_ref().unwrap_or(&self.name).text
    }

    /// Returns where the field begins.
    pub fn position(&self) -> Pos {
        self.alias.as_ref().unwrap_or(&self.name).position
    }
}

impl<'a> Selection<'a> {
    pub fn directives(&self) -> &[Directive<'a>] {
        match self {
            Self::Field(field) => &field.directives,
            Self::Spread(spread) => &spread.directives,
            Self::Inline(inline) => &inline.directives,
        }
    }
}

impl<'a> WrittenType<'a> {
    /// Returns the name of the type without lists and non-null marks.
    pub fn named(&self) -> Ident<'a> {
        match self {
            Self::Named(name) => *name,
            Self::List(inner) | Self::NonNull(inner) => inner.named(),
        }
    }
}
