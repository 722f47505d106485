//! What a request may cost, told before it runs: from the document, the variables and the schema alone.
//!
//! The unit is a point, and a point is about one object of the answer. An object with an id costs 1 and what is asked of it; a
//! connection its page size times what each item costs; a plain list, whose length nobody knows yet, is taken for a short
//! one; scalars cost nothing. What reads more than it answers has a price on top: see the constants. Fields that are left
//! out by `@skip` and `@include` cost nothing, fields that are asked twice cost twice. What the schema does not have costs
//! nothing: validation refuses it.
//!
//! The prices of a schema are read from it once. A document is priced in one walk, a fragment once however often it is
//! spread; all sums stop at the largest number. See docs/adr/0007.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{
        Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
    registry::{MetaField, MetaType, MetaTypeName, Registry},
};
use async_graphql_value::Value as AstValue;

use crate::document;

/// The price of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// In points: 1 at least.
    pub points: u64,
    /// May it read all that its organization has, however little it answers? How long that takes, nobody knows beforehand.
    pub reads_all: bool,
}

/// A request that asks for next to nothing.
pub const LEAST: u64 = 1;
/// How many items a plain list is taken for.
pub const PLAIN_LIST: u64 = 5;
/// How many groups analytics are taken to answer.
pub const GROUPS: u64 = 50;
/// Analytics read every row that the caller sees, up to hundreds of milliseconds of the database's work, however little
/// they answer: as much as a thousand objects.
pub const ANALYTICS: u64 = 1_000;
/// Counting a list of the whole organization reads all of it.
pub const COUNT_ALL: u64 = 100;
/// Counting what one parent has is done for all parents at once, by an index.
pub const COUNT_OF_ONE: u64 = 2;
/// A filter on a list of the whole organization may read all of it to find a page.
pub const FILTER_ALL: u64 = 100;
/// Questions that cost so much on top read a whole list for it, a seller's or everybody's.
pub const WHOLE: u64 = 20;
/// A change: checked, locked, written with its event, and forced to the disk.
pub const CHANGE: u64 = 10;
/// A row of an upsert: written with its event.
pub const ROW: u64 = 2;
/// A change that computes the hash of a password, for which a core works some 30 ms.
pub const PASSWORD: u64 = 500;
/// So many values of an introspection are as dear as one object.
pub const VALUES: u64 = 100;

/// What a schema's names mean for its prices.
#[derive(Clone, Copy, Debug)]
pub struct PriceTable {
    /// The name of the root type of queries.
    pub query: &'static str,
    /// The name of the root type of mutations.
    pub mutation: &'static str,
    /// Fields that are computed from all that an object has: type, field, points for each object.
    pub computed: &'static [(&'static str, &'static str, u64)],
    /// The type whose fields read every row that the caller sees.
    pub aggregates: &'static str,
    /// Arguments that leave out some of a list.
    pub filters: &'static [&'static str],
    /// Operands of filters that select few rows, found by an index, when given by `eq`.
    pub selective: &'static [&'static str],
    /// Mutations that hash a password.
    pub passwords: &'static [&'static str],
    /// The number of items of a page without `first` or `last`.
    pub default_page: u64,
    /// The largest number of items of a page.
    pub max_page: u64,
}

/// The prices of a schema.
#[derive(Debug)]
pub struct Prices {
    table: PriceTable,
    types: Vec<Type>,
    names: HashMap<String, usize>,
    query: Option<usize>,
    mutation: Option<usize>,
}

/// A type with fields.
#[derive(Debug)]
struct Type {
    root: bool,
    /// Has it an id: is it read from a row of its own?
    node: bool,
    fields: HashMap<String, PricedField>,
}

/// A field, as far as its price goes.
#[derive(Clone, Copy, Debug)]
struct PricedField {
    shape: Shape,
    /// The type that it answers with; None for scalars and enums.
    of: Option<usize>,
    /// On top, for each parent.
    extra: u64,
    /// Does it read all of a long list, whatever it answers?
    reads_all: bool,
}

/// How much a field answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Scalars, however many.
    Scalar,
    /// One object.
    One,
    /// A list of about so many.
    List(u64),
    /// A list as long as this argument.
    AsMany(&'static str),
    /// What is no object of its own: page info, and the field that leads to all analytics.
    Nothing,
    /// A page of a list.
    Page,
    /// The items of a page: as many as the page has.
    Items,
    /// How many items a list has.
    Count,
}

impl Prices {
    /// Reads a schema.
    #[must_use]
    pub fn of(registry: &Registry, table: PriceTable) -> Self {
        let PriceTable { query, mutation, .. } = table;
        let described = |name: &str| match registry.types.get(name)? {
            MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } => Some(fields.values().collect()),
            MetaType::Union { .. } => Some(Vec::new()),
            _ => None,
        };
        let objects: Vec<(&String, Vec<&MetaField>)> =
            registry.types.keys().filter_map(|name| Some((name, described(name)?))).collect();
        let names: HashMap<String, usize> =
            objects.iter().enumerate().map(|(number, (name, _))| ((*name).clone(), number)).collect();
        let types = objects
            .iter()
            .map(|(name, fields)| {
                let changes = name.as_str() == mutation;
                let fields = fields
                    .iter()
                    .map(|field| (field.name.clone(), PricedField::read(&table, &names, name, changes, field)));
                let node = !matches!(registry.types.get(name.as_str()), Some(MetaType::Object { .. }))
                    || registry.implements.get(name.as_str()).is_some_and(|all| all.contains("Node"));
                Type { root: name.as_str() == query || changes, node, fields: fields.collect() }
            })
            .collect();
        let [query, mutation] = [query, mutation].map(|name| names.get(name).copied());
        Self { table, types, names, query, mutation }
    }

    /// What running an operation of a document with these variables may cost.
    #[must_use]
    pub fn price(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
    ) -> Price {
        let root = match operation.ty {
            OperationType::Query => self.query,
            OperationType::Mutation => self.mutation,
            OperationType::Subscription => return Price { points: LEAST, reads_all: false },
        };
        let mut walk = Walk {
            prices: self,
            document,
            operation,
            variables,
            fragments: HashMap::new(),
            operands_given: HashMap::new(),
            reads_all: false,
        };
        let whole = walk.set(&operation.selection_set, root, false);
        Price { points: whole.besides.saturating_add(whole.items).max(LEAST), reads_all: walk.reads_all }
    }
}

impl PricedField {
    fn read(
        table: &PriceTable,
        names: &HashMap<String, usize>,
        parent: &str,
        changes: bool,
        field: &MetaField,
    ) -> Self {
        let target = MetaTypeName::concrete_typename(&field.ty);
        let of = names.get(target).copied();
        let list = matches!(MetaTypeName::create(field.ty.trim_end_matches('!')), MetaTypeName::List(_));
        let paged = parent.ends_with("Connection");
        let name = field.name.as_str();
        let shape = match of {
            None if paged && name == "totalCount" => Shape::Count,
            None => Shape::Scalar,
            Some(_) if target == "PageInfo" || target == table.aggregates => Shape::Nothing,
            Some(_) if target.ends_with("Connection") => Shape::Page,
            Some(_) if paged && matches!(name, "edges" | "nodes") => Shape::Items,
            Some(_) if list && parent == table.aggregates => Shape::List(GROUPS),
            Some(_) if list && field.args.contains_key("ids") => Shape::AsMany("ids"),
            Some(_) if list => Shape::List(PLAIN_LIST),
            Some(_) => Shape::One,
        };
        let extra = match () {
            _ if parent == table.aggregates => ANALYTICS,
            _ if changes && table.passwords.contains(&name) => PASSWORD,
            _ if changes => CHANGE,
            _ => {
                let expensive = table.computed.iter().find(|(of, field, _)| *of == parent && *field == name);
                expensive.map_or(0, |(_, _, points)| *points)
            }
        };
        let reads_all = !changes && extra >= WHOLE;
        Self { shape, of, extra, reads_all }
    }
}

/// What a selection costs.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// For each item, where it is of a page.
    items: u64,
    /// Once.
    besides: u64,
}

impl Sum {
    fn besides(points: u64) -> Self {
        Self { items: 0, besides: points }
    }

    fn plus(self, other: Self) -> Self {
        Self { items: self.items.saturating_add(other.items), besides: self.besides.saturating_add(other.besides) }
    }
}

/// One walk over an operation.
struct Walk<'a> {
    prices: &'a Prices,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    /// Fragments already priced, by name and by whether they stand in a list of the whole organization.
    fragments: HashMap<(&'a str, bool), Sum>,
    /// How many operands variables have.
    operands_given: HashMap<&'a Name, u64>,
    /// Whether something was met that may read all that the organization has.
    reads_all: bool,
}

impl<'a> Walk<'a> {
    /// What a selection on a type costs; `all`: on a page of the whole organization.
    fn set(&mut self, set: &'a Positioned<SelectionSet>, on: Option<usize>, all: bool) -> Sum {
        let mut whole = Sum::default();
        for selection in &set.node.items {
            if !self.included(selection.node.directives()) {
                continue;
            }
            whole = whole.plus(match &selection.node {
                Selection::Field(field) => self.field(&field.node, on, all),
                Selection::InlineFragment(inline) => {
                    let narrowed = match &inline.node.type_condition {
                        Some(condition) => self.prices.names.get(condition.node.on.node.as_str()).copied(),
                        None => on,
                    };
                    self.set(&inline.node.selection_set, narrowed, all)
                }
                Selection::FragmentSpread(spread) => self.spread(&spread.node.fragment_name.node, all),
            });
        }
        whole
    }

    fn spread(&mut self, name: &Name, all: bool) -> Sum {
        let document = self.document;
        let Some((name, fragment)) = document.fragments.get_key_value(name) else { return Sum::default() };
        if let Some(known) = self.fragments.get(&(name.as_str(), all)) {
            return *known;
        }
        let on = self.prices.names.get(fragment.node.type_condition.node.on.node.as_str()).copied();
        let sum = self.set(&fragment.node.selection_set, on, all);
        self.fragments.insert((name.as_str(), all), sum);
        sum
    }

    fn field(&mut self, field: &'a Field, on: Option<usize>, all: bool) -> Sum {
        let name = field.name.node.as_str();
        if matches!(name, "__schema" | "__type") {
            return Sum::besides(document::values(self.document, field) / VALUES + 1);
        }
        let prices = self.prices;
        let Some(parent) = on.map(|on| &prices.types[on]) else { return Sum::default() };
        let Some(asked) = parent.fields.get(name) else { return Sum::default() };
        let page_of_all =
            asked.shape == Shape::Page && parent.root && !filters(prices, field).any(|filter| self.is_narrow(filter));
        let inner = match asked.of {
            Some(_) => self.set(&field.selection_set, asked.of, page_of_all),
            None => Sum::default(),
        };
        let one = inner.besides.saturating_add(inner.items);
        let each = one.saturating_add(1);
        let price = match asked.shape {
            Shape::Scalar => 0,
            Shape::Nothing => one,
            // What is part of another object, as an amount is, comes along with it.
            Shape::One if asked.of.is_some_and(|of| !prices.types[of].node) => one,
            Shape::One => each,
            Shape::List(length) => each.saturating_mul(length),
            Shape::AsMany(argument) => each.saturating_mul(self.length(field, argument)),
            Shape::Count if all => {
                self.reads_all = true;
                COUNT_ALL
            }
            Shape::Count => COUNT_OF_ONE,
            // The node of an edge is the item itself.
            Shape::Items if name == "edges" => return Sum { items: one.max(1), besides: asked.extra },
            Shape::Items => return Sum { items: each, besides: asked.extra },
            // Its items are read even where none of them is asked for.
            Shape::Page => {
                let operands = filters(prices, field).map(|filter| self.operands(filter)).fold(0, u64::saturating_add);
                let items = self.page_size(field).saturating_mul(inner.items.max(1)).saturating_add(inner.besides);
                let filters_all = operands > 0 && page_of_all;
                self.reads_all |= filters_all;
                items.saturating_add(operands).saturating_add(if filters_all { FILTER_ALL } else { 0 })
            }
        };
        self.reads_all |= asked.reads_all;
        let rows = if asked.extra == CHANGE { self.length(field, "rows").saturating_mul(ROW) } else { 0 };
        Sum::besides(price.saturating_add(asked.extra).saturating_add(rows))
    }

    fn included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let left_out_by = match directive.node.name.node.as_str() {
                "skip" => true,
                "include" => false,
                _ => return true,
            };
            let given = match directive.node.get_argument("if").map(|value| &value.node) {
                Some(AstValue::Boolean(given)) => *given,
                Some(AstValue::Variable(name)) => match self.variable(name) {
                    Some(Value::Boolean(given)) => *given,
                    // The execution says what is wrong.
                    _ => return true,
                },
                _ => return true,
            };
            given != left_out_by
        })
    }

    fn variable(&self, name: &Name) -> Option<&Value> {
        self.variables.get(name).or_else(|| {
            let definitions = &self.operation.variable_definitions;
            let definition = definitions.iter().find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|default| &default.node)
        })
    }

    /// The larger of what `first` and `last` say; what they may not say is not read either.
    fn page_size(&self, field: &Field) -> u64 {
        let number = |argument: &str| match &field.get_argument(argument)?.node {
            AstValue::Number(number) => number.as_u64(),
            AstValue::Variable(name) => match self.variable(name)? {
                Value::Number(number) => number.as_u64(),
                _ => None,
            },
            _ => None,
        };
        let PriceTable { default_page, max_page, .. } = self.prices.table;
        number("first").max(number("last")).unwrap_or(default_page).min(max_page)
    }

    /// How long the list is that is given as an argument.
    fn length(&self, field: &Field, argument: &str) -> u64 {
        match field.get_argument(argument).map(|value| &value.node) {
            None | Some(AstValue::Null) => 0,
            Some(AstValue::List(items)) => items.len() as u64,
            Some(AstValue::Variable(name)) => match self.variable(name) {
                None | Some(Value::Null) => 0,
                Some(Value::List(items)) => items.len() as u64,
                // One value stands for a list of one.
                Some(_) => 1,
            },
            Some(_) => 1,
        }
    }

    /// How many operands a filter has: each is held against each row.
    fn operands(&mut self, value: &'a AstValue) -> u64 {
        match value {
            AstValue::Null => 0,
            AstValue::Variable(name) => self.operands_given(name),
            AstValue::List(items) => items.iter().map(|item| self.operands(item)).fold(0, u64::saturating_add),
            AstValue::Object(fields) => fields.values().map(|item| self.operands(item)).fold(0, u64::saturating_add),
            _ => 1,
        }
    }

    /// The same of a variable, which is looked through once, however often it stands there.
    fn operands_given(&mut self, name: &'a Name) -> u64 {
        if let Some(known) = self.operands_given.get(name) {
            return *known;
        }
        let operands = self.variable(name).map_or(0, given_operands);
        self.operands_given.insert(name, operands);
        operands
    }

    /// Does a filter name what it is about, so that an index finds it?
    fn is_narrow(&self, filter: &AstValue) -> bool {
        let filter = self.looked_up(Operand::Written(filter));
        let says = |operand: &str, what: &str| {
            let operand = self.inside(filter, operand);
            operand.and_then(|operand| self.inside(operand, what)).is_some_and(Operand::is_scalar)
        };
        says("externalId", "id") || self.prices.table.selective.iter().any(|name| says(name, "eq"))
    }

    /// A field of an object; of a variable, what it stands for.
    fn inside<'v>(&'v self, object: Operand<'v>, field: &str) -> Option<Operand<'v>> {
        let inside = match object {
            Operand::Written(AstValue::Object(fields)) => Operand::Written(fields.get(field)?),
            Operand::Given(Value::Object(fields)) => Operand::Given(fields.get(field)?),
            _ => return None,
        };
        Some(self.looked_up(inside))
    }

    fn looked_up<'v>(&'v self, value: Operand<'v>) -> Operand<'v> {
        match value {
            Operand::Written(AstValue::Variable(name)) => {
                self.variable(name).map_or(Operand::Given(&Value::Null), Operand::Given)
            }
            other => other,
        }
    }
}

/// A value of an argument: as the document has it, or as a variable does.
#[derive(Clone, Copy)]
enum Operand<'v> {
    Written(&'v AstValue),
    Given(&'v Value),
}

impl Operand<'_> {
    /// Is it a number or a text?
    fn is_scalar(self) -> bool {
        matches!(
            self,
            Self::Written(AstValue::String(_) | AstValue::Number(_)) | Self::Given(Value::String(_) | Value::Number(_))
        )
    }
}

/// What is given for the filters of a list.
fn filters<'f>(prices: &Prices, field: &'f Field) -> impl Iterator<Item = &'f AstValue> {
    prices.table.filters.iter().filter_map(|name| Some(&field.get_argument(name)?.node))
}

fn given_operands(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::List(items) => items.iter().map(given_operands).fold(0, u64::saturating_add),
        Value::Object(fields) => fields.values().map(given_operands).fold(0, u64::saturating_add),
        _ => 1,
    }
}
