//! A walk through the schema: a client sends references to hidden rows to every input that accepts one.

use std::collections::BTreeSet;

use sea_orm::DatabaseConnection;
use serde_json::{Map, Value, json};
use tests::walk::redact;
use tests::walk::reference::{Reference, ReferenceKind, put, references};
use tests::walk::schema::{Field, Schema};
use tests::walk::selection::Selections;
use tests::walk::tables::{self, Tables};
use tests::{Answer, Client};

use super::fixture::{Fixture, nowhere};

/// The mutations that need no token.
pub const PUBLIC: [&str; 4] = ["signUp", "signIn", "refreshSession", "acceptInvitation"];

/// The state of a walk.
pub struct Walk<'a> {
    pub schema: &'a Schema,
    /// The client under test.
    pub client: &'a Client,
    /// A client that sees the hidden rows, which provides cursors to them.
    pub insider: &'a Client,
    /// The rows that the client under test sees.
    pub own: &'a Fixture,
    /// The rows that are hidden from it.
    pub hidden: &'a Fixture,
    /// The types whose rows every member sees.
    pub seen_by_all: &'a [&'a str],
    /// A connection for reading the tables.
    pub connection: &'a DatabaseConnection,
    /// The inputs tested so far.
    pub tried: BTreeSet<String>,
    pub selections: Selections,
}

/// The text of a document around a field.
struct Wrapper {
    before: String,
    after: &'static str,
}

/// The most letters of a selection that is sent in one document.
const PART: usize = 20_000;

/// Joins fields to selections of which each fits into a document.
fn parts(fields: Vec<String>) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for field in fields {
        match parts.last_mut() {
            Some(part) if part.len() + field.len() <= PART => {
                part.push(' ');
                part.push_str(&field);
            }
            _ => parts.push(field),
        }
    }
    parts.into_iter().map(|part| format!("{{ {part} }}")).collect()
}

impl Walk<'_> {
    /// Tests every field and every mutation.
    pub async fn everywhere(&mut self) {
        let before = self.tables().await;
        self.everything_reached().await;
        self.everything_deep().await;
        for of in self.schema.objects().filter(|of| !matches!(of.name.as_str(), "Query" | "Mutation")) {
            for field in of.fields.iter().filter(|field| !field.arguments.is_empty()) {
                self.field(&of.name, field).await;
            }
        }
        for field in self.schema.queries() {
            self.field("Query", field).await;
        }
        self.nothing_changed("a query", &before).await;
        for mutation in self.schema.mutations() {
            self.mutation(mutation).await;
        }
        self.everything_was_asked();
    }

    /// Reads every field of the client's own nodes, and of the nodes they refer to.
    async fn everything_reached(&mut self) {
        for noun in self.schema.nodes() {
            let parts = parts(self.selections.fields(self.schema, self.schema.named(noun), 2));
            // Nodes that every member sees must not reveal hidden rows either.
            let mut ids = vec![self.own.id(noun)];
            if self.seen_by_all.contains(&noun.as_str()) {
                ids.push(self.hidden.id(noun));
            }
            if noun == "User" && ids.len() > 1 {
                ids.extend(self.hidden.people());
            }
            for id in ids {
                for selection in &parts {
                    let document = format!("{{ node(id: \"{id}\") {{ ... on {noun} {selection} }} }}");
                    let answer = self.client.query(&document).await;
                    self.leaks_nothing(&format!("{noun} {id} with the nodes it refers to"), &answer, &[]);
                    assert!(answer.body["data"]["node"].is_object(), "{noun}: {answer}");
                }
            }
        }
    }

    /// Reads objects at a greater depth than the generated selections have.
    async fn everything_deep(&mut self) {
        let assessment = self.selections.all(self.schema, self.schema.named("Assessment"), 1);
        let id = self.own.id("Account");
        let document =
            format!("{{ node(id: \"{id}\") {{ ... on Account {{ score {{ assessments {assessment} }} }} }} }}");
        let answer = self.client.query(&document).await;
        self.leaks_nothing("The assessments of an account", &answer, &[]);
        assert!(answer.body["data"]["node"]["score"]["assessments"][0]["assessedBy"].is_object(), "{answer}");
        let part = self.selections.all(self.schema, self.schema.named("CalendarPart"), 1);
        let document = format!("{{ me {{ week {{ days {{ parts {part} }} }} }} }}");
        let answer = self.client.query(&document).await;
        self.leaks_nothing("The parts of a day", &answer, &[]);
        assert!(answer.body["data"]["me"]["week"]["days"][0]["parts"][0].is_object(), "{answer}");
    }

    /// Tests a query field with every argument that can refer to a row.
    async fn field(&mut self, of: &str, field: &Field) {
        self.selections.seen.insert(format!("{of}.{}", field.name));
        let selection = self.selection(field, 2);
        let answer = self.read(of, field, &selection, &Map::new(), self.client, self.own).await;
        self.leaks_nothing(&field.name, &answer, &[]);
        // The following requests are many, so they select only the objects themselves.
        let selection = self.selection(field, 0);
        for place in references(self.schema, &field.arguments) {
            let name = format!("{of}.{}({place})", field.name);
            match place.kind {
                ReferenceKind::EnumValue => self.words(of, field, &selection, &place, &name).await,
                ReferenceKind::Cursor => self.cursors(of, field, &selection, &place, &name).await,
                _ => self.names(of, field, &selection, &place, &name).await,
            }
        }
    }

    async fn names(&mut self, of: &str, field: &Field, selection: &str, place: &Reference, name: &str) {
        self.what_all_see(of, field, selection, place, name).await;
        for noun in self.nouns(place, &field.name, name) {
            let hidden = self.hidden.named(place, &noun);
            let nowhere = nowhere(&hidden, &self.hidden.tag);
            let mut values = vec![hidden];
            // A malformed id, and the id of a row of another type.
            // Some take the ids of all types.
            let of_any =
                matches!(field.name.as_str(), "node" | "nodes") || place.path.ends_with(&["subjectId".to_owned()]);
            if place.kind == ReferenceKind::Id && !of_any {
                values.push(json!("nonsense"));
                values.push(json!(self.own.id(if noun == "Touch" { "Booking" } else { "Touch" })));
            }
            let expected = self.read_at(of, field, selection, place, &nowhere).await;
            for value in values {
                let answer = self.read_at(of, field, selection, place, &value).await;
                same(&format!("{name} of {value}"), &answer, &expected);
            }
            self.tried.insert(format!("{name} {noun}"));
        }
    }

    /// Tests references to visible rows that hidden rows refer to, such as the owner of a hidden account. The response must be
    /// the same as for a row that does not exist, unless the field returns that visible row itself.
    async fn what_all_see(&mut self, of: &str, field: &Field, selection: &str, place: &Reference, name: &str) {
        if place.kind != ReferenceKind::Id {
            return;
        }
        let nouns = place.nouns(self.schema, &field.name);
        let itself = self.schema.named_type(&field.of).name.clone();
        for noun in nouns.iter().filter(|noun| self.seen_by_all.contains(&noun.as_str())) {
            let ids = if noun == "User" { self.hidden.people().to_vec() } else { vec![self.hidden.id(noun)] };
            for id in ids {
                let id = json!(id);
                let missing = nowhere(&id, &self.hidden.tag);
                let answer = self.read_at(of, field, selection, place, &id).await;
                let expected = self.read_at(of, field, selection, place, &missing).await;
                // The events of a row that all see are seen by all.
                let of_events = place.path.ends_with(&["subjectId".to_owned()]);
                if itself != "Node" && !of_events && !itself.starts_with(noun.as_str()) {
                    same(&format!("{name} of {id}, whom all see,"), &answer, &expected);
                }
            }
            self.tried.insert(format!("{name} {noun} (seen by all)"));
        }
    }

    async fn read_at(&self, of: &str, field: &Field, selection: &str, place: &Reference, value: &Value) -> String {
        let arguments = self.arguments_at(field, Map::new(), place, value);
        let answer = self.read(of, field, selection, &arguments, self.client, self.own).await;
        let sent = texts(value);
        self.leaks_nothing(&format!("{of}.{}({place})", field.name), &answer, &sent);
        redact::answer(&answer, &blanked(value))
    }

    /// Tests each value of an enum: a list must not contain hidden rows whatever it is ordered or grouped by.
    async fn words(&mut self, of: &str, field: &Field, selection: &str, place: &Reference, name: &str) {
        let of_place = self.type_at(field, place);
        for word in &self.schema.named(&of_place).values {
            let arguments = self.arguments_at(field, Map::new(), place, &json!(word));
            let answer = self.read(of, field, selection, &arguments, self.client, self.own).await;
            assert!(answer.body.get("errors").is_none(), "{name} of {word}: {answer}");
            self.leaks_nothing(name, &answer, &[]);
        }
        self.tried.insert(name.to_owned());
    }

    /// Tests cursors to hidden rows, taken from a client that sees them.
    async fn cursors(&mut self, of: &str, field: &Field, selection: &str, place: &Reference, name: &str) {
        let edges = "{ edges { cursor node { __typename } } }";
        let all = self.read(of, field, edges, &Map::new(), self.insider, self.hidden).await;
        let own = self.read(of, field, edges, &Map::new(), self.client, self.hidden).await;
        let own = cursors_in(&own.body);
        let mut cursors = cursors_in(&all.body);
        cursors.retain(|cursor| !own.contains(cursor));
        let listed = self.schema.named_type(&field.of).name.replace("Connection", "");
        let hides = !cursors.is_empty() || self.seen_by_all.contains(&listed.as_str());
        assert!(hides, "not covered: nothing hidden in {of}.{}: {all}", field.name);
        // The cursor of an event names it. Within an organization it stays valid when its event is no longer visible, so that a
        // client that follows the feed can continue; a cursor without an event is refused. So a colleague learns whether an
        // event exists, but only of an event whose random id they know.
        let names_event = listed == "Event" && self.own.id("Organization") == self.hidden.id("Organization");
        for cursor in cursors {
            let expected = self.read_at(of, field, selection, place, &json!(beside(&cursor))).await;
            let answer = self.read_at(of, field, selection, place, &json!(cursor)).await;
            if names_event {
                assert!(expected.contains("BAD_USER_INPUT"), "{name} beside {cursor}: {expected}");
                assert!(!answer.contains("\"errors\""), "{name} of {cursor}: {answer}");
            } else {
                same(&format!("{name} of {cursor}"), &answer, &expected);
            }
        }
        self.tried.insert(name.to_owned());
    }

    /// Tests a mutation with every argument that can refer to a row.
    async fn mutation(&mut self, mutation: &Field) {
        self.selections.seen.insert(format!("Mutation.{}", mutation.name));
        let selection = self.selection(mutation, 2);
        for place in references(self.schema, &mutation.arguments) {
            let name = format!("{}({place})", mutation.name);
            if matches!(place.kind, ReferenceKind::EnumValue) {
                continue;
            }
            let before = self.tables().await;
            for noun in self.nouns(&place, &mutation.name, &name) {
                let hidden = self.hidden.named(&place, &noun);
                let nowhere = nowhere(&hidden, &self.hidden.tag);
                let base = || self.own.arguments(self.schema, &mutation.name, &mutation.arguments);
                let of_hidden = self.write_at(mutation, &selection, base(), &place, &hidden).await;
                if place.is_key() && self.own.id("Organization") == self.hidden.id("Organization") {
                    // A colleague does learn that a unique key is taken.
                    let codes: Vec<String> = refusals(&of_hidden).into_iter().map(|(code, _)| code).collect();
                    assert!(
                        codes.iter().all(|code| code == "TAKEN" || code == "FORBIDDEN") && !codes.is_empty(),
                        "{name}: {of_hidden}"
                    );
                    self.leaks_nothing(&name, &of_hidden, &texts(&hidden));
                    self.tried.insert(format!("{name} {noun} (taken)"));
                    continue;
                }
                self.leaks_nothing(&name, &of_hidden, &texts(&hidden));
                let mut others = vec![nowhere];
                if place.kind == ReferenceKind::Id {
                    others.push(json!("nonsense"));
                    others.push(json!(self.own.id(if noun == "Touch" { "Booking" } else { "Touch" })));
                    is_refused(&name, mutation, &place, &of_hidden);
                }
                for other in others {
                    let answer = self.write_at(mutation, &selection, base(), &place, &other).await;
                    let one = redact::answer(&of_hidden, &blanked(&hidden));
                    let two = redact::answer(&answer, &blanked(&other));
                    same(&format!("{name} of {hidden} and of {other}"), &one, &two);
                }
                self.tried.insert(format!("{name} {noun}"));
            }
            self.nothing_changed(&name, &before).await;
        }
    }

    fn nouns(&self, place: &Reference, operation: &str, name: &str) -> Vec<String> {
        let nouns = match place.kind {
            ReferenceKind::Id => {
                let nouns = place.nouns(self.schema, operation);
                assert!(!nouns.is_empty(), "not covered: what do the ids of {name} name? See `Reference::nouns`");
                nouns
            }
            ReferenceKind::Email if place.role().starts_with("contact") => vec!["Contact".to_owned()],
            ReferenceKind::Email => vec!["User".to_owned()],
            ReferenceKind::Text if place.owner == "UserFilter" => vec!["User".to_owned()],
            _ => vec!["text".to_owned()],
        };
        nouns.into_iter().filter(|noun| !self.seen_by_all.contains(&noun.as_str())).collect()
    }

    fn selection(&mut self, field: &Field, depth: usize) -> String {
        let of = self.schema.named_type(&field.of);
        if of.is_composite() { self.selections.all(self.schema, of, depth) } else { String::new() }
    }

    fn arguments_at(
        &self,
        field: &Field,
        mut arguments: Map<String, Value>,
        place: &Reference,
        value: &Value,
    ) -> Map<String, Value> {
        let make = |input: &_, owner: &str| self.own.make_up(self.schema, input, owner, &field.name);
        put(self.schema, &field.arguments, &mut arguments, &place.path, value, &make);
        arguments
    }

    fn type_at(&self, field: &Field, place: &Reference) -> String {
        let mut inputs = &field.arguments;
        let mut name = String::new();
        for step in &place.path {
            let input = inputs.iter().find(|input| input.name == *step).unwrap();
            name = input.of.name().to_owned();
            inputs = &self.schema.named_type(&input.of).inputs;
        }
        name
    }

    /// Returns the text around a field of a type, at a row of the fixture.
    fn wrapper_of(&self, of: &str, fixture: &Fixture) -> Wrapper {
        if of == "Query" {
            return Wrapper { before: "{ ".to_owned(), after: " }" };
        }
        if self.schema.nodes().iter().any(|node| node == of) {
            return Wrapper {
                before: format!("{{ node(id: \"{}\") {{ ... on {of} {{ ", fixture.id(of)),
                after: " } } }",
            };
        }
        if of == "TargetList" {
            return Wrapper { before: "{ me { targetList { ".to_owned(), after: " } } }" };
        }
        if of == "Presence" {
            let before = format!("{{ node(id: \"{}\") {{ ... on Account {{ presence {{ ", fixture.id("Account"));
            return Wrapper { before, after: " } } } }" };
        }
        if of == "GoalProgress" {
            let before = format!("{{ node(id: \"{}\") {{ ... on Goal {{ progress {{ ", fixture.id("Goal"));
            return Wrapper { before, after: " } } } }" };
        }
        if of == "CalendarWeek" {
            return Wrapper { before: "{ me { week { ".to_owned(), after: " } } }" };
        }
        if of == "PipelineSufficiency" {
            return Wrapper { before: "{ me { pipeline { ".to_owned(), after: " } } }" };
        }
        if of == "Focus" {
            let before = "{ me { focus(range: {from: \"2020-02-03\", to: \"2020-02-09\"}) { ".to_owned();
            return Wrapper { before, after: " } } }" };
        }
        let way = self.schema.queries().iter().find(|field| !field.needs_arguments() && field.of.name() == of);
        let way = way.unwrap_or_else(|| panic!("not covered: how does one get to {of}? See `Walk::wrapper_of`"));
        Wrapper { before: format!("{{ {} {{ ", way.name), after: " } }" }
    }

    async fn read(
        &self,
        of: &str,
        field: &Field,
        selection: &str,
        arguments: &Map<String, Value>,
        client: &Client,
        fixture: &Fixture,
    ) -> Answer {
        let mut arguments = arguments.clone();
        for missing in field.arguments.iter().filter(|argument| argument.is_required()) {
            if !arguments.contains_key(&missing.name) {
                arguments.insert(missing.name.clone(), fixture.make_up(self.schema, missing, "", &field.name));
            }
        }
        let wrapper = self.wrapper_of(of, fixture);
        let call = call(field, &arguments, selection);
        client
            .send(
                &format!("query{} {}{call}{}", declared(field, &arguments), wrapper.before, wrapper.after),
                Value::Object(arguments),
            )
            .await
    }

    async fn write_at(
        &self,
        mutation: &Field,
        selection: &str,
        base: Map<String, Value>,
        place: &Reference,
        value: &Value,
    ) -> Answer {
        let arguments = self.arguments_at(mutation, base, place, value);
        write(self.client, mutation, selection, arguments).await
    }

    /// Checks that a response contains no hidden value except those that the client sent.
    fn leaks_nothing(&self, name: &str, answer: &Answer, sent: &[&str]) {
        let mut text = answer.body.to_string();
        for sent in sent {
            text = text.replace(sent, "");
        }
        let people = self.seen_by_all.contains(&"User");
        let email = (!people).then_some(self.hidden.email.as_str());
        let ids = self.hidden.ids.iter().filter(|(noun, _)| !self.seen_by_all.contains(&noun.as_str()));
        let ids = ids.map(|(_, id)| id.as_str()).chain([
            self.hidden.scheduled.as_str(),
            &self.hidden.tag,
            &self.hidden.amount,
        ]);
        for secret in ids.chain(email) {
            assert!(!text.contains(secret), "{name} shows {secret}: {answer}");
        }
    }

    async fn tables(&self) -> Tables {
        tables::read(self.connection, self.hidden.organization()).await
    }

    async fn nothing_changed(&self, name: &str, before: &Tables) {
        let changed = tables::differing(before, &self.tables().await);
        assert!(changed.is_empty(), "{name} changed {changed:?}");
    }

    fn everything_was_asked(&self) {
        let fields = self
            .schema
            .objects()
            .flat_map(|of| of.fields.iter().map(move |field| format!("{}.{}", of.name, field.name)));
        let missing: Vec<String> = fields.filter(|field| !self.selections.seen.contains(field)).collect();
        assert!(missing.is_empty(), "not covered: no request selected {missing:?}");
    }
}

/// Sends a mutation.
pub async fn write(client: &Client, mutation: &Field, selection: &str, arguments: Map<String, Value>) -> Answer {
    let call = call(mutation, &arguments, selection);
    client.send(&format!("mutation{} {{ {call} }}", declared(mutation, &arguments)), Value::Object(arguments)).await
}

/// Sends a query with one root field.
pub async fn query(client: &Client, field: &Field, selection: &str, arguments: Map<String, Value>) -> Answer {
    let call = call(field, &arguments, selection);
    client.send(&format!("query{} {{ {call} }}", declared(field, &arguments)), Value::Object(arguments)).await
}

fn declared(field: &Field, arguments: &Map<String, Value>) -> String {
    let given = field.arguments.iter().filter(|argument| arguments.contains_key(&argument.name));
    let all: Vec<String> = given.map(|argument| format!("${}: {}", argument.name, argument.of)).collect();
    if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) }
}

fn call(field: &Field, arguments: &Map<String, Value>, selection: &str) -> String {
    let all: Vec<String> = arguments.keys().map(|name| format!("{name}: ${name}")).collect();
    let all = if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) };
    format!("{}{all} {selection}", field.name)
}

/// Returns the code and the path of every user error of the payload and its rows.
pub fn refusals(answer: &Answer) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let payloads = answer.body["data"].as_object().into_iter().flat_map(Map::values);
    for payload in payloads {
        let rows = payload["results"].as_array().into_iter().flatten();
        for errors in std::iter::once(payload).chain(rows).map(|part| &part["userErrors"]) {
            for error in errors.as_array().into_iter().flatten() {
                let path: Vec<&str> =
                    error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                found.push((error["code"].as_str().unwrap_or_default().to_owned(), path.join(".")));
            }
        }
    }
    found
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Object(fields) => fields.values().flat_map(texts).filter(|text| *text != "crm").collect(),
        _ => Vec::new(),
    }
}

/// Checks that an id of a row that the client does not see is refused at its path.
fn is_refused(name: &str, mutation: &Field, place: &Reference, answer: &Answer) {
    if PUBLIC.contains(&mutation.name.as_str()) {
        return;
    }
    let refusals = refusals(answer);
    let here = |path: &str| {
        let path: Vec<&str> = path.split('.').filter(|part| part.parse::<usize>().is_err()).collect();
        place.path.iter().map(String::as_str).collect::<Vec<_>>().starts_with(&path)
    };
    let refused = refusals.iter().any(|(code, path)| code == "NOT_FOUND" && here(path));
    let forbidden = refusals.iter().any(|(code, _)| code == "FORBIDDEN");
    assert!(refused || forbidden, "{name}: {answer}");
}

/// Returns the texts of a value to blank in the response. Ids are blanked everywhere.
fn blanked(value: &Value) -> Vec<&str> {
    texts(value).into_iter().filter(|text| entity::split_id(text).is_err()).collect()
}

/// Checks that two responses are the same, byte for byte.
fn same(name: &str, one: &str, two: &str) {
    let differs = one.char_indices().zip(two.chars()).find(|((_, one), two)| one != two);
    let at = differs.map_or(one.len().min(two.len()), |((at, _), _)| at);
    let around =
        |text: &str| text.chars().skip(text[..at].chars().count().saturating_sub(150)).take(300).collect::<String>();
    assert!(one == two, "{name} gets different responses:\n- {}\n+ {}", around(one), around(two));
}

fn cursors_in(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(cursors_in).collect(),
        Value::Object(fields) => {
            let own = fields.get("cursor").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(cursors_in)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns a valid cursor to a position without a row next to another cursor's: the last bit of the last key is flipped and the
/// checksum adjusted.
fn beside(cursor: &str) -> String {
    let mut bytes = data_encoding::BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap();
    let end = bytes.len() - 4;
    let sum = |bytes: &[u8]| crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&bytes[..end]);
    let before = sum(&bytes);
    bytes[end - 1] ^= 1;
    let changed = before ^ sum(&bytes);
    for (byte, change) in bytes[end..].iter_mut().zip(changed.to_be_bytes()) {
        *byte ^= change;
    }
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}
