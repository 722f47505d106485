//! Rules about the values of arguments and of variables' defaults.

use std::collections::HashMap;

use async_graphql::Pos;
use indexmap::IndexMap;

use super::{Expected, Usage, Uses, Validation};
use crate::ast::{Ident, Literal, Value};
use crate::convert;
use crate::error::cut;
use crate::schema::{InputDefinition, Scalar, TypeDefinition, TypeKind, TypeReference};
use crate::suggestion::did_you_mean;

/// What is wrong with a value.
enum Fault {
    /// It has another type.
    Type,
    /// It is an unknown value of an enum; the text suggests another.
    Unknown(String),
    /// A custom scalar accepts something else.
    Scalar(&'static str),
}

impl<'d> Validation<'d> {
    /// Checks the default of a variable.
    pub(super) fn default_value(&mut self, variable: &str, value: &Value<'_>, ty: &TypeReference) {
        // The type lives shorter than the document, and so does this validation. A default contains no variables or spreads.
        let mut validation =
            Validation { document: self.document, schema: self.schema, fragments: HashMap::new(), errors: Vec::new() };
        let expected = Expected { ty: Some(ty), ..Expected::UNKNOWN };
        validation.value(&format!("${variable}"), value, expected, &mut Uses::default());
        for error in validation.errors {
            self.error(error.message, error.positions);
        }
    }

    /// Checks a value given as `name`, and notes the variables in it.
    pub(super) fn value(&mut self, name: &str, value: &'d Value<'d>, expected: Expected<'d>, uses: &mut Uses<'d>) {
        if self.is_full() {
            return;
        }
        let position = value.position;
        match &value.literal {
            Literal::Variable(variable) => {
                if uses.noted.insert((variable, expected)) {
                    uses.variables.push(Usage { name: variable, position, expected });
                }
            }
            Literal::Null => {
                if let Some(ty) = expected.ty.filter(|ty| ty.is_non_null()) {
                    let message =
                        format!("`{}` must not be null: it is of type `{}`.", cut(name), self.schema.show(ty));
                    self.error(message, [position]);
                }
            }
            Literal::List(items) => self.list(name, value, items, expected, uses),
            Literal::Object(fields) => self.object(name, value, fields, expected, uses),
            _ => self.leaf(name, value, expected),
        }
    }

    fn list(
        &mut self,
        name: &str,
        value: &'d Value<'d>,
        items: &'d [Value<'d>],
        expected: Expected<'d>,
        uses: &mut Uses<'d>,
    ) {
        if let Some(TypeReference::List(inner)) = expected.ty.map(TypeReference::nullable) {
            for item in items {
                self.value(name, item, Expected { ty: Some(inner), ..Expected::UNKNOWN }, uses);
            }
        } else {
            self.leaf(name, value, expected);
            self.inside(value, expected.ty, uses);
        }
    }

    /// Notes the variables in a list or an object that is the value of a custom scalar, or misplaced.
    pub(super) fn inside(&mut self, value: &'d Value<'d>, ty: Option<&'d TypeReference>, uses: &mut Uses<'d>) {
        match &value.literal {
            // As graphql-js does, the items of such a list are expected to be of the scalar's type.
            Literal::List(items) => {
                for item in items {
                    self.inside(item, ty.map(TypeReference::nullable), uses);
                }
            }
            Literal::Object(fields) => {
                self.unique_fields(fields);
                for (_, field) in fields {
                    self.inside(field, None, uses);
                }
            }
            Literal::Variable(_) => self.value("", value, Expected { ty, ..Expected::UNKNOWN }, uses),
            _ => {}
        }
    }

    fn unique_fields(&mut self, fields: &[(Ident<'_>, Value<'_>)]) {
        self.unique(fields.iter().map(|(name, _)| *name), |name| format!("The field `{}` is given twice.", cut(name)));
    }

    fn object(
        &mut self,
        name: &str,
        value: &'d Value<'d>,
        fields: &'d [(Ident<'d>, Value<'d>)],
        expected: Expected<'d>,
        uses: &mut Uses<'d>,
    ) {
        let schema = self.schema;
        let of = expected.ty.map(|ty| schema.get(ty.named()));
        if let Some(TypeDefinition { name: of, kind: TypeKind::Input { fields: known, is_one_of } }) = of {
            self.unique_fields(fields);
            self.required(known, fields, value.position, || format!("`{of}` needs the field"));
            if *is_one_of {
                self.one_of(of, fields, value.position);
            }
            for (name, value) in fields {
                if self.is_full() {
                    return;
                }
                if let Some(definition) = known.get(name.text) {
                    let expected = Expected {
                        ty: Some(&definition.ty),
                        has_default: definition.has_default,
                        in_one_of: *is_one_of,
                    };
                    self.value(name.text, value, expected, uses);
                } else {
                    let hint = did_you_mean(name.text, known.keys().map(String::as_str));
                    self.error(format!("`{of}` has no field `{}`.{hint}", cut(name.text)), [name.position]);
                    self.inside(value, None, uses);
                }
            }
        } else {
            self.leaf(name, value, expected);
            self.inside(value, None, uses);
        }
    }

    /// Reports required arguments, or fields of an input object, that are not given. `needs` is the start of the message.
    pub(super) fn required(
        &mut self,
        known: &IndexMap<String, InputDefinition>,
        given: &[(Ident<'_>, Value<'_>)],
        position: Pos,
        needs: impl Fn() -> String,
    ) {
        for (name, definition) in known {
            if definition.is_required() && !given.iter().any(|(given, _)| given.text == name) {
                let ty = self.schema.show(&definition.ty);
                self.error(format!("{} `{name}`, a value of type `{ty}`.", needs()), [position]);
            }
        }
    }

    fn one_of(&mut self, of: &str, given: &[(Ident<'_>, Value<'_>)], position: Pos) {
        if !matches!(given, [(_, value)] if !matches!(value.literal, Literal::Null)) {
            self.error(format!("`{of}` must have exactly one field, which must not be null."), [position]);
        }
    }

    /// Checks a value in the place of a scalar or an enum.
    fn leaf(&mut self, name: &str, value: &Value<'_>, expected: Expected<'_>) {
        let Some(ty) = expected.ty else { return };
        let Some(fault) = self.fault(value, self.schema.get(ty.named())) else { return };
        let (name, shown, found) = (cut(name), self.schema.show(ty), describe(&value.literal));
        let message = match fault {
            Fault::Type => format!("`{name}` must be of type `{shown}`; found {found}."),
            Fault::Unknown(hint) => format!("`{name}` must be of type `{shown}`; it has no value {found}.{hint}"),
            Fault::Scalar(instead) => format!("`{name}` must be {instead}; found {found}."),
        };
        self.error(message, [value.position]);
    }

    fn fault(&self, value: &Value<'_>, of: &TypeDefinition) -> Option<Fault> {
        let fits = match (&of.kind, &value.literal) {
            (TypeKind::Scalar(Scalar::Custom), _) => {
                let value = convert::custom(value);
                return (self.schema.hint)(&of.name, &value).map(Fault::Scalar);
            }
            (TypeKind::Scalar(Scalar::Int), Literal::Int(text)) => text.parse::<i32>().is_ok(),
            (TypeKind::Scalar(Scalar::Float), Literal::Int(text) | Literal::Float(text)) => {
                text.parse::<f64>().is_ok_and(f64::is_finite)
            }
            (TypeKind::Scalar(Scalar::String | Scalar::Id), Literal::String { .. })
            | (TypeKind::Scalar(Scalar::Id), Literal::Int(_))
            | (TypeKind::Scalar(Scalar::Boolean), Literal::Boolean(_)) => true,
            (TypeKind::Enum(values), Literal::Enum(value)) => {
                if !values.contains(*value) {
                    return Some(Fault::Unknown(did_you_mean(value, values.iter().map(String::as_str))));
                }
                true
            }
            _ => false,
        };
        (!fits).then_some(Fault::Type)
    }
}

/// Returns a value as text for an error message. Long values are truncated.
fn describe(literal: &Literal<'_>) -> String {
    const LENGTH: usize = 60;
    let short = |text: &str| match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    match literal {
        Literal::List(_) => "a list".to_owned(),
        Literal::Object(_) => "an object".to_owned(),
        Literal::String { text, .. } => format!("the string {:?}", short(text)),
        Literal::Int(text) | Literal::Float(text) => format!("the number {}", short(text)),
        Literal::Boolean(flag) => format!("`{flag}`"),
        Literal::Enum(name) => format!("`{}`", short(name)),
        Literal::Variable(name) => format!("the variable `${}`", short(name)),
        Literal::Null => "null".to_owned(),
    }
}
