//! Converts a valid document to async-graphql's. Numbers in custom scalars keep their text, as `Binary`, where a machine number
//! would have other digits.

use std::convert::Infallible;

use async_graphql::Value as ConstValue;
use async_graphql::parser::types::{
    BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, FragmentSpread,
    InlineFragment, OperationDefinition, Selection, SelectionSet, Type, TypeCondition, VariableDefinition,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;
use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::Number;

use crate::ast::{self, Ident, Literal, WrittenType};
use crate::schema::{DocumentSchema, InputDefinition, Scalar, TypeId, TypeKind, TypeReference};

/// Converts a document that is valid for the schema.
pub(crate) fn convert(document: &ast::Document<'_>, schema: &DocumentSchema) -> ExecutableDocument {
    let converter = Converter { schema };
    let operations = match &document.operations[..] {
        [single] if single.name.is_none() => DocumentOperations::Single(converter.operation(single)),
        all => {
            let named = all.iter().filter_map(|one| Some((Name::new(one.name?.text), converter.operation(one))));
            DocumentOperations::Multiple(named.collect())
        }
    };
    let fragments = document.fragments.iter();
    let fragments = fragments.map(|one| (Name::new(one.name.text), converter.fragment(one))).collect();
    ExecutableDocument { operations, fragments }
}

/// Converts a value in the place of a custom scalar. Null stands for variables.
pub(crate) fn custom(value: &ast::Value<'_>) -> ConstValue {
    let value = value_of(value, Expected::Custom).into_const_with(|_| Ok::<_, Infallible>(ConstValue::Null));
    value.unwrap_or_else(|never| match never {})
}

struct Converter<'s> {
    schema: &'s DocumentSchema,
}

impl<'s> Converter<'s> {
    fn operation(&self, operation: &ast::Operation<'_>) -> Positioned<OperationDefinition> {
        let definition = OperationDefinition {
            ty: operation.kind,
            variable_definitions: operation.variables.iter().map(|variable| self.variable(variable)).collect(),
            directives: self.directives(&operation.directives),
            selection_set: self.selection_set(&operation.selections, self.schema.root(operation.kind)),
        };
        Positioned::new(definition, operation.position)
    }

    fn variable(&self, variable: &ast::Variable<'_>) -> Positioned<VariableDefinition> {
        let expected = self.expected(self.schema.named(variable.ty.named().text));
        let default = variable.default.as_ref().map(|default| {
            let value = value_of(default, expected).into_const().unwrap_or_default();
            Positioned::new(value, default.position)
        });
        let definition = VariableDefinition {
            name: name(variable.name),
            var_type: Positioned::new(written_type(&variable.ty), variable.ty.named().position),
            directives: self.directives(&variable.directives),
            default_value: default,
        };
        Positioned::new(definition, variable.position)
    }

    fn fragment(&self, fragment: &ast::Fragment<'_>) -> Positioned<FragmentDefinition> {
        let definition = FragmentDefinition {
            type_condition: condition(fragment.on),
            directives: self.directives(&fragment.directives),
            selection_set: self.selection_set(&fragment.selections, self.schema.named(fragment.on.text)),
        };
        Positioned::new(definition, fragment.position)
    }

    fn selection_set(&self, set: &ast::SelectionSet<'_>, on: Option<TypeId>) -> Positioned<SelectionSet> {
        let items = set.items.iter().map(|selection| match selection {
            ast::Selection::Field(field) => Positioned::new(Selection::Field(self.field(field, on)), field.position()),
            ast::Selection::Spread(spread) => {
                let position = spread.position;
                let directives = self.directives(&spread.directives);
                let spread = FragmentSpread { fragment_name: name(spread.name), directives };
                Positioned::new(Selection::FragmentSpread(Positioned::new(spread, position)), position)
            }
            ast::Selection::Inline(inline) => {
                let narrowed = inline.on.map_or(on, |name| self.schema.named(name.text));
                let fragment = InlineFragment {
                    type_condition: inline.on.map(condition),
                    directives: self.directives(&inline.directives),
                    selection_set: self.selection_set(&inline.selections, narrowed),
                };
                let fragment = Positioned::new(fragment, inline.position);
                Positioned::new(Selection::InlineFragment(fragment), inline.position)
            }
        });
        Positioned::new(SelectionSet { items: items.collect() }, set.position)
    }

    fn field(&self, field: &ast::Field<'_>, on: Option<TypeId>) -> Positioned<Field> {
        let known = on.and_then(|on| self.schema.field(on, field.name.text));
        let converted = Field {
            alias: field.alias.map(name),
            name: name(field.name),
            arguments: self.arguments(&field.arguments, known.map(|known| &known.arguments)),
            directives: self.directives(&field.directives),
            selection_set: self.selection_set(&field.selections, known.map(|known| known.ty.named())),
        };
        Positioned::new(converted, field.position())
    }

    fn directives(&self, directives: &[ast::Directive<'_>]) -> Vec<Positioned<Directive>> {
        let convert = |directive: &ast::Directive<'_>| {
            let known = self.schema.directives.get(directive.name.text).map(|known| &known.arguments);
            let arguments = self.arguments(&directive.arguments, known);
            Positioned::new(Directive { name: name(directive.name), arguments }, directive.position)
        };
        directives.iter().map(convert).collect()
    }

    fn arguments(
        &self,
        arguments: &[(Ident<'_>, ast::Value<'_>)],
        known: Option<&'s IndexMap<String, InputDefinition>>,
    ) -> Vec<(Positioned<Name>, Positioned<Value>)> {
        let convert = |(given, value): &(Ident<'_>, ast::Value<'_>)| {
            let ty = known.and_then(|known| known.get(given.text)).map(|known| known.ty.named());
            (name(*given), Positioned::new(value_of(value, self.expected(ty)), value.position))
        };
        arguments.iter().map(convert).collect()
    }

    fn expected(&self, ty: Option<TypeId>) -> Expected<'s> {
        match ty.map(|ty| &self.schema.get(ty).kind) {
            Some(TypeKind::Scalar(Scalar::Custom)) => Expected::Custom,
            Some(TypeKind::Scalar(Scalar::Id)) => Expected::Id,
            Some(TypeKind::Input { fields, .. }) => Expected::Fields(self.schema, fields),
            _ => Expected::Other,
        }
    }
}

/// What the type of a place says about how to convert a value, whatever lists are around it.
#[derive(Clone, Copy)]
enum Expected<'s> {
    Custom,
    Id,
    Fields(&'s DocumentSchema, &'s IndexMap<String, InputDefinition>),
    Other,
}

impl Expected<'_> {
    fn of_field(self, name: &str) -> Self {
        match self {
            Expected::Fields(schema, fields) => {
                let ty = fields.get(name).map(|field| TypeReference::named(&field.ty));
                Converter { schema }.expected(ty)
            }
            other => other,
        }
    }
}

fn value_of(value: &ast::Value<'_>, expected: Expected<'_>) -> Value {
    match &value.literal {
        Literal::Variable(name) => Value::Variable(Name::new(name)),
        Literal::Null => Value::Null,
        Literal::Boolean(flag) => Value::Boolean(*flag),
        Literal::Int(text) if matches!(expected, Expected::Id) => Value::String((*text).to_owned()),
        Literal::Int(text) | Literal::Float(text) => number(text, matches!(expected, Expected::Custom)),
        Literal::String { text, .. } => Value::String(text.clone().into_owned()),
        Literal::Enum(name) => Value::Enum(Name::new(name)),
        Literal::List(items) => Value::List(items.iter().map(|item| value_of(item, expected)).collect()),
        Literal::Object(fields) => {
            let fields = fields.iter();
            let fields =
                fields.map(|(name, value)| (Name::new(name.text), value_of(value, expected.of_field(name.text))));
            Value::Object(fields.collect())
        }
    }
}

fn number(text: &str, is_exact: bool) -> Value {
    let number = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    let number = number.ok().or_else(|| Number::from_f64(text.parse().ok()?));
    match number {
        Some(number) if !is_exact || number.to_string() == text => Value::Number(number),
        _ => Value::Binary(Bytes::copy_from_slice(text.as_bytes())),
    }
}

fn name(name: Ident<'_>) -> Positioned<Name> {
    Positioned::new(Name::new(name.text), name.position)
}

fn condition(on: Ident<'_>) -> Positioned<TypeCondition> {
    Positioned::new(TypeCondition { on: name(on) }, on.position)
}

fn written_type(ty: &WrittenType<'_>) -> Type {
    match ty {
        WrittenType::Named(name) => Type { base: BaseType::Named(Name::new(name.text)), nullable: true },
        WrittenType::List(inner) => Type { base: BaseType::List(Box::new(written_type(inner))), nullable: true },
        WrittenType::NonNull(inner) => Type { nullable: false, ..written_type(inner) },
    }
}
