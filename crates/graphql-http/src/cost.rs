//! The largest cost of a request, computed before it runs from the document, the variables and the schema.
//!
//! The unit is the point, which is about one object of the response. An object with an id costs 1 and the cost of its selection.
//! A connection costs its page size times the cost of an item. A list without pages, whose length is not known yet, counts as a
//! short one. Scalars cost nothing. Fields that read more than they return cost extra: see the constants. Fields excluded by
//! `@skip` and `@include` cost nothing; fields selected twice cost twice. Unknown fields cost nothing, because validation rejects
//! them.
//!
//! The prices are computed from the schema once. A document is priced in one traversal, and a fragment once however often it is
//! spread. All sums saturate. See docs/adr/0007.

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
    /// The price in points, at least 1.
    pub points: u64,
    /// Whether the request may read all data of its organization, however little it returns.
    pub reads_all: bool,
    /// The part of the points that is for objects of the response. The points for objects that are not found are given back.
    pub objects: u64,
}

impl Price {
    /// Returns the points for a request of this size.
    #[must_use]
    pub const fn of_bytes(bytes: usize) -> u64 {
        bytes as u64 / BYTES
    }

    /// Returns the price plus the points for a request of this size.
    #[must_use]
    pub fn with_bytes(self, bytes: usize) -> Self {
        Self { points: self.points.saturating_add(Self::of_bytes(bytes)), ..self }
    }

    /// Returns the points to give back if `found` objects were found.
    #[must_use]
    pub fn unused(self, found: u64) -> u64 {
        self.objects.saturating_sub(found).min(self.points.saturating_sub(LEAST))
    }
}

/// The number of bytes of a request that cost one point, for reading, checking and converting them.
pub const BYTES: u64 = 4_096;

/// The minimum price of a request.
pub const LEAST: u64 = 1;
/// The assumed number of items of a list without pages.
pub const PLAIN_LIST: u64 = 5;
/// The assumed number of groups of an analytics field.
pub const GROUPS: u64 = 50;
/// The extra price of an analytics field, in points. It reads every row that the caller sees and may take hundreds of
/// milliseconds in the database, as much as a thousand objects.
pub const ANALYTICS: u64 = 1_000;
/// The price of counting a list of the whole organization, which reads all of it.
pub const COUNT_ALL: u64 = 100;
/// The price of counting a list of one parent, which an index does for all parents together.
pub const COUNT_OF_ONE: u64 = 2;
/// The extra price of a filter on a list of the whole organization, which may read all of it to find a page.
pub const FILTER_ALL: u64 = 100;
/// The smallest extra price of a field that reads a whole list, of one seller or of the organization.
pub const WHOLE: u64 = 20;
/// The price of a mutation, which checks, locks, writes a row with its event, and syncs to disk.
pub const CHANGE: u64 = 10;
/// The price of a row of an upsert, which is written with its event.
pub const ROW: u64 = 2;
/// The price of a mutation that hashes a password, which takes about 30 ms of one core.
pub const PASSWORD: u64 = 500;
/// The number of values of an introspection that cost one point.
pub const VALUES: u64 = 100;

/// The names in a schema that determine its prices.
#[derive(Clone, Copy, Debug)]
pub struct PriceTable {
    /// The name of the root type of queries.
    pub query: &'static str,
    /// The name of the root type of mutations.
    pub mutation: &'static str,
    /// Fields that are computed from many rows of an object: type, field, and points for each object.
    pub computed: &'static [(&'static str, &'static str, u64)],
    /// The type whose fields read every row that the caller sees.
    pub aggregates: &'static str,
    /// The arguments that filter a list.
    pub filters: &'static [&'static str],
    /// The fields of filters that select few rows by an index when compared by `eq`.
    pub selective: &'static [&'static str],
    /// The fields of filters for which a figure of every row is computed, however few rows match.
    pub computed_operands: &'static [&'static str],
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
    /// Whether the type has an id and is read from a row of its own.
    node: bool,
    /// Whether the type is an interface or a union.
    is_abstract: bool,
    fields: HashMap<String, PricedField>,
}

/// The properties of a field that determine its price.
#[derive(Clone, Copy, Debug)]
struct PricedField {
    shape: Shape,
    /// The object type of the field; None for scalars and enums.
    of: Option<usize>,
    /// The extra points for each parent.
    extra: u64,
    /// Whether the field reads all of a long list, however little it returns.
    reads_all: bool,
}

/// The shape of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A scalar or a list of scalars.
    Scalar,
    /// One object.
    One,
    /// A list with about this number of items.
    List(u64),
    /// A list as long as the argument with this name.
    AsMany(&'static str),
    /// An object without a price of its own: page info, and the object with the analytics fields.
    Nothing,
    /// A page of a list.
    Page,
    /// The items of a page.
    Items,
    /// The number of items in a list.
    Count,
}

impl Prices {
    /// Computes the prices of a schema.
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
                let is_abstract = !matches!(registry.types.get(name.as_str()), Some(MetaType::Object { .. }));
                Type { root: name.as_str() == query || changes, node, is_abstract, fields: fields.collect() }
            })
            .collect();
        let [query, mutation] = [query, mutation].map(|name| names.get(name).copied());
        Self { table, types, names, query, mutation }
    }

    /// Returns the largest cost of an operation of a document with these variables. If the number of the organization's users is
    /// known, a page of users counts at most that many items.
    #[must_use]
    pub fn price(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        users: Option<u64>,
    ) -> Price {
        let root = match operation.ty {
            OperationType::Query => self.query,
            OperationType::Mutation => self.mutation,
            OperationType::Subscription => return Price { points: LEAST, reads_all: false, objects: 0 },
        };
        let walk = |objects_alone| {
            let mut walk = Walk {
                prices: self,
                document,
                operation,
                variables,
                users,
                objects_alone,
                fragments: HashMap::new(),
                operands_given: HashMap::new(),
                reads_all: false,
            };
            let whole = walk.set(&operation.selection_set, root, false);
            (whole.besides.saturating_add(whole.items), walk.reads_all)
        };
        let ((points, reads_all), (objects, _)) = (walk(false), walk(true));
        Price { points: points.max(LEAST), reads_all, objects }
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
        let extra = if parent == table.aggregates {
            ANALYTICS
        } else if changes && table.passwords.contains(&name) {
            PASSWORD
        } else if changes {
            CHANGE
        } else {
            let expensive = table.computed.iter().find(|(of, field, _)| *of == parent && *field == name);
            expensive.map_or(0, |(_, _, points)| *points)
        };
        let reads_all = !changes && extra >= WHOLE;
        Self { shape, of, extra, reads_all }
    }
}

/// The cost of a selection.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// The cost of each item, for a selection on a page.
    items: u64,
    /// The cost that does not depend on the number of items.
    besides: u64,
}

impl Sum {
    fn besides(points: u64) -> Self {
        Self { items: 0, besides: points }
    }

    fn max(self, other: Self) -> Self {
        Self { items: self.items.max(other.items), besides: self.besides.max(other.besides) }
    }

    fn plus(self, other: Self) -> Self {
        Self { items: self.items.saturating_add(other.items), besides: self.besides.saturating_add(other.besides) }
    }
}

/// A traversal of an operation.
struct Walk<'a> {
    prices: &'a Prices,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    /// The number of the organization's users, where it is known.
    users: Option<u64>,
    /// Whether only the objects of the response are counted.
    objects_alone: bool,
    /// Fragments already priced, by name and by whether they are used in a list of the whole organization.
    fragments: HashMap<(&'a str, bool), Sum>,
    /// The number of operands in each variable.
    operands_given: HashMap<&'a Name, u64>,
    /// Whether a field so far may read all data of the organization.
    reads_all: bool,
}

impl<'a> Walk<'a> {
    /// Returns the cost of a selection on a type. `all` is whether it is on a page of the whole organization.
    fn set(&mut self, set: &'a Positioned<SelectionSet>, on: Option<usize>, all: bool) -> Sum {
        let mut whole = Sum::default();
        // An object matches the fragments on one object type only, so the most expensive type counts.
        let mut of_types: HashMap<usize, Sum> = HashMap::new();
        for selection in &set.node.items {
            if !self.included(selection.node.directives()) {
                continue;
            }
            let (narrowed, sum) = match &selection.node {
                Selection::Field(field) => (on, self.field(&field.node, on, all)),
                Selection::InlineFragment(inline) => {
                    let narrowed = match &inline.node.type_condition {
                        Some(condition) => self.prices.names.get(condition.node.on.node.as_str()).copied(),
                        None => on,
                    };
                    (narrowed, self.set(&inline.node.selection_set, narrowed, all))
                }
                Selection::FragmentSpread(spread) => self.spread(&spread.node.fragment_name.node, all),
            };
            match narrowed.filter(|narrowed| self.excludes_others(on, *narrowed)) {
                Some(of_type) => {
                    let before = of_types.entry(of_type).or_default();
                    *before = before.plus(sum);
                }
                None => whole = whole.plus(sum),
            }
        }
        whole.plus(of_types.into_values().fold(Sum::default(), Sum::max))
    }

    /// Whether a fragment applies to one object type only, in a place where objects of several types may occur.
    fn excludes_others(&self, on: Option<usize>, narrowed: usize) -> bool {
        let is_abstract = |of: usize| self.prices.types.get(of).is_some_and(|of| of.is_abstract);
        on.is_some_and(is_abstract) && !is_abstract(narrowed)
    }

    /// Returns the type of a fragment, and what it costs.
    fn spread(&mut self, name: &Name, all: bool) -> (Option<usize>, Sum) {
        let document = self.document;
        let Some((name, fragment)) = document.fragments.get_key_value(name) else { return (None, Sum::default()) };
        let on = self.prices.names.get(fragment.node.type_condition.node.on.node.as_str()).copied();
        if let Some(known) = self.fragments.get(&(name.as_str(), all)) {
            return (on, *known);
        }
        let sum = self.set(&fragment.node.selection_set, on, all);
        self.fragments.insert((name.as_str(), all), sum);
        (on, sum)
    }

    fn field(&mut self, field: &'a Field, on: Option<usize>, all: bool) -> Sum {
        let name = field.name.node.as_str();
        if matches!(name, "__schema" | "__type") {
            let values = if self.objects_alone { 0 } else { document::values(self.document, field) / VALUES + 1 };
            return Sum::besides(values);
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
        let node = asked.of.is_some_and(|of| prices.types[of].node);
        let each = if self.objects_alone && !node { one } else { one.saturating_add(1) };
        let extra = if self.objects_alone { 0 } else { asked.extra };
        let price = match asked.shape {
            Shape::Scalar => 0,
            Shape::Nothing => one,
            // A part of another object, such as an amount, is read together with it.
            Shape::One if !node => one,
            Shape::One => each,
            // The same applies to a list of parts, such as external ids.
            Shape::List(PLAIN_LIST) if !node => one.saturating_mul(PLAIN_LIST),
            Shape::List(length) => each.saturating_mul(length),
            Shape::AsMany(argument) => each.saturating_mul(self.length(field, argument)),
            Shape::Count if self.objects_alone => 0,
            Shape::Count if all => {
                self.reads_all = true;
                COUNT_ALL
            }
            Shape::Count => COUNT_OF_ONE,
            // The node of an edge is the item itself.
            Shape::Items if name == "edges" && self.objects_alone => return Sum { items: one, besides: 0 },
            Shape::Items if name == "edges" => return Sum { items: one.max(1), besides: extra },
            Shape::Items => return Sum { items: each, besides: extra },
            // The items are read even if none of their fields is selected.
            Shape::Page => {
                let operands = filters(prices, field).map(|filter| self.operands(filter)).fold(0, u64::saturating_add);
                let least = u64::from(!self.objects_alone);
                let mut size = self.page_size(field);
                if name == "users" && parent.root {
                    size = size.min(self.users.unwrap_or(size));
                }
                let items = size.saturating_mul(inner.items.max(least)).saturating_add(inner.besides);
                if self.objects_alone {
                    return Sum::besides(items);
                }
                let computes = filters(prices, field).any(|filter| self.computes(Operand::Written(filter)));
                let filters_all = operands > 0 && page_of_all || computes;
                self.reads_all |= filters_all;
                items.saturating_add(operands).saturating_add(if filters_all { FILTER_ALL } else { 0 })
            }
        };
        self.reads_all |= asked.reads_all;
        let rows = if extra == CHANGE { self.rows(field).saturating_mul(ROW) } else { 0 };
        Sum::besides(price.saturating_add(extra).saturating_add(rows))
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
                    // The execution reports the error.
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

    /// Returns the page size: the larger of `first` and `last`, or the default. Values above the largest page are an error later,
    /// so they count as the largest page.
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

    /// Returns the length of a list argument.
    fn length(&self, field: &Field, argument: &str) -> u64 {
        let argument = field.get_argument(argument);
        argument.map_or(0, |value| self.looked_up(Operand::Written(&value.node)).length())
    }

    /// Returns the number of rows that a mutation is given: the length of the list `rows` of its input.
    fn rows(&self, field: &Field) -> u64 {
        let input = field.get_argument("input").map(|value| self.looked_up(Operand::Written(&value.node)));
        input.and_then(|input| self.inside(input, "rows")).map_or(0, Operand::length)
    }

    /// Returns the number of operands in a filter. Each is compared with each row.
    fn operands(&mut self, value: &'a AstValue) -> u64 {
        match value {
            AstValue::Null => 0,
            AstValue::Variable(name) => self.operands_given(name),
            AstValue::List(items) => items.iter().map(|item| self.operands(item)).fold(0, u64::saturating_add),
            AstValue::Object(fields) => fields.values().map(|item| self.operands(item)).fold(0, u64::saturating_add),
            _ => 1,
        }
    }

    /// Returns the number of operands in a variable, counting each variable once however often it is used.
    fn operands_given(&mut self, name: &'a Name) -> u64 {
        if let Some(known) = self.operands_given.get(name) {
            return *known;
        }
        let operands = self.variable(name).map_or(0, given_operands);
        self.operands_given.insert(name, operands);
        operands
    }

    /// Whether a filter is selective: it compares an indexed field for equality.
    fn is_narrow(&self, filter: &AstValue) -> bool {
        let filter = self.looked_up(Operand::Written(filter));
        let has_scalar = |field: &str, operand: &str| {
            let field = self.inside(filter, field);
            field.and_then(|field| self.inside(field, operand)).is_some_and(Operand::is_scalar)
        };
        let is_scalar = |field: &str| self.inside(filter, field).is_some_and(Operand::is_scalar);
        let selective = self.prices.table.selective;
        has_scalar("externalId", "id") || selective.iter().any(|name| is_scalar(name) || has_scalar(name, "eq"))
    }

    /// Whether a figure of every row is computed for a filter.
    fn computes(&self, filter: Operand<'_>) -> bool {
        let computed = |name: &Name| self.prices.table.computed_operands.contains(&name.as_str());
        match self.looked_up(filter) {
            Operand::Written(AstValue::List(items)) => items.iter().any(|item| self.computes(Operand::Written(item))),
            Operand::Written(AstValue::Object(fields)) => {
                fields.iter().any(|(name, value)| computed(name) || self.computes(Operand::Written(value)))
            }
            Operand::Given(value) => given_names(value, &computed),
            Operand::Written(_) => false,
        }
    }

    /// Returns a field of an object, with a variable replaced by its value.
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

/// The value of an argument.
#[derive(Clone, Copy)]
enum Operand<'v> {
    /// A value in the document.
    Written(&'v AstValue),
    /// The value of a variable.
    Given(&'v Value),
}

impl Operand<'_> {
    /// Returns the length of a list; null has none, and a single value is coerced to a list of one.
    fn length(self) -> u64 {
        match self {
            Self::Written(AstValue::Null) | Self::Given(Value::Null) => 0,
            Self::Written(AstValue::List(items)) => items.len() as u64,
            Self::Given(Value::List(items)) => items.len() as u64,
            _ => 1,
        }
    }

    /// Whether the value is a number or a text.
    fn is_scalar(self) -> bool {
        matches!(
            self,
            Self::Written(AstValue::String(_) | AstValue::Number(_)) | Self::Given(Value::String(_) | Value::Number(_))
        )
    }
}

/// Returns the values of the filter arguments of a list.
fn filters<'f>(prices: &Prices, field: &'f Field) -> impl Iterator<Item = &'f AstValue> {
    prices.table.filters.iter().filter_map(|name| Some(&field.get_argument(name)?.node))
}

/// Whether a field of the objects in a value has one of these names.
fn given_names(value: &Value, wanted: &impl Fn(&Name) -> bool) -> bool {
    match value {
        Value::List(items) => items.iter().any(|item| given_names(item, wanted)),
        Value::Object(fields) => fields.iter().any(|(name, value)| wanted(name) || given_names(value, wanted)),
        _ => false,
    }
}

fn given_operands(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::List(items) => items.iter().map(given_operands).fold(0, u64::saturating_add),
        Value::Object(fields) => fields.values().map(given_operands).fold(0, u64::saturating_add),
        _ => 1,
    }
}
