//! What somebody has who tries the walls, and what is behind them: one of everything.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::Member;
use tests::actors::PASSWORD;
use tests::walk::place::{Names, Place};
use tests::walk::schema::{Input, Schema};
use uuid::Uuid;

/// One of everything, of one member.
pub struct Household {
    /// All texts are this word, or begin with it.
    pub tag: String,
    /// All amounts are this one.
    pub amount: String,
    /// The ids by the types of nodes.
    pub ids: BTreeMap<String, String>,
    /// A touch that is still to be made.
    pub scheduled: String,
    /// The address of the member who helps at the account.
    pub email: String,
    /// Whose it is.
    member: Member,
}

impl Household {
    /// Makes one: an account of a member's with somebody else on the team, and something of each kind at it.
    pub async fn make(member: &Member, helper: &Member, tag: &str, amount: &str) -> Self {
        let (external, name) = (json!([{"source": "crm", "id": tag}]), tag);
        let account = member
            .account(json!({"name": name, "domain": format!("{tag}.example"), "externalIds": external, "city": tag, "potential": amount}))
            .await;
        let seat = json!({"accountId": account, "userId": helper.id(), "role": "TECHNICAL"});
        member.mutate("setTeamMember", "account { id }", seat).await.done();
        let fields =
            json!({"name": name, "email": format!("{tag}@{tag}.example"), "externalIds": external, "title": tag});
        let contact = member.contact(&account, fields).await;
        let fields = json!({"name": name, "amount": amount, "externalIds": external});
        let opportunity = member.opportunity(&account, fields).await;
        let touch = |at: &str| json!({"kind": "CALL", "contactIds": [contact], "subject": tag, "opportunityId": opportunity, "at": at, "notes": tag});
        let mut made = touch("2020-02-03T10:00:00Z");
        made["externalIds"] = external.clone();
        let made = member.touch(&account, made).await;
        let mut planned = touch("2999-02-03T10:00:00Z");
        planned["accountId"] = json!(account);
        let scheduled = member.make("scheduleTouch", "touch", planned).await;
        let fields = json!({"amount": amount, "bookedOn": "2020-02-04", "description": tag, "externalIds": external});
        // The helper has a book as well.
        helper.account(json!({ "name": name })).await;
        let booking = member.booking(&account, fields).await;
        let around =
            "query($id: ID!) { organization { id } account(by: {id: $id}) { history(first: 1) { nodes { id } } } }";
        let around = member.send(around, json!({ "id": account })).await;
        let ids = [
            ("Account", account.as_str()),
            ("Contact", &contact),
            ("Opportunity", &opportunity),
            ("Touch", &made),
            ("Booking", &booking),
            ("User", helper.id()),
            ("Organization", around.text("organization.id")),
            ("Event", around.text("account.history.nodes.0.id")),
        ];
        Self {
            tag: tag.to_owned(),
            amount: amount.to_owned(),
            ids: ids.into_iter().map(|(noun, id)| (noun.to_owned(), id.to_owned())).collect(),
            scheduled,
            email: helper.email().to_owned(),
            member: member.clone(),
        }
    }

    /// The id of the household's node of a type.
    pub fn id(&self, noun: &str) -> &str {
        self.ids.get(noun).unwrap_or_else(|| panic!("not covered: a household has no {noun}; make one in household.rs"))
    }

    /// The id of the organization as it is stored.
    pub fn organization(&self) -> Uuid {
        entity::split_id(self.id("Organization")).unwrap().1
    }

    /// What names something of this household at a place.
    pub fn named(&self, place: &Place, noun: &str) -> Value {
        match place.names {
            Names::Id => json!(self.id(noun)),
            Names::ExternalId => json!({"source": "crm", "id": self.tag}),
            Names::Domain => json!(format!("{}.example", self.tag)),
            Names::Email if place.role().starts_with("contact") => json!(format!("{0}@{0}.example", self.tag)),
            Names::Email => json!(self.email),
            Names::Text => match (place.role(), place.owner.as_str()) {
                ("email", "UserFilter") => json!(self.email),
                ("email", _) => json!(format!("{0}@{0}.example", self.tag)),
                ("domain", _) => json!(format!("{}.example", self.tag)),
                _ => json!(self.tag),
            },
            Names::Cursor | Names::Word => panic!("{place} names nothing of a household"),
        }
    }

    /// The arguments of a mutation that does something with this household. What the schema says is enough for most.
    pub fn arguments(&self, schema: &Schema, mutation: &str, arguments: &[Input]) -> serde_json::Map<String, Value> {
        let key = json!({"source": "crm", "id": new("row")});
        let account = json!({"id": self.id("Account")});
        let special = match mutation {
            "upsertAccounts" => json!({"rows": [{"externalId": key, "name": "Row"}]}),
            "upsertContacts" => json!({"rows": [{"externalId": key, "account": account, "name": "Row"}]}),
            "upsertTouches" => {
                json!({"rows": [{"externalId": key, "account": account, "kind": "CALL", "at": "2020-02-03T10:00:00Z"}]})
            }
            "upsertOpportunities" => {
                json!({"rows": [{"externalId": key, "account": account, "name": "Row", "openedOn": "2020-02-03"}]})
            }
            "upsertBookings" => {
                json!({"rows": [{"externalId": key, "account": account, "amount": "1", "bookedOn": "2020-02-03"}]})
            }
            "completeTouch" => json!({"input": {"id": self.scheduled, "at": "2020-02-05T10:00:00Z"}}),
            "cancelTouch" => json!({"id": self.scheduled}),
            "changePassword" => json!({"input": {"current": PASSWORD, "new": "another horse entirely"}}),
            "signIn" => json!({"input": {"email": self.member.email(), "password": PASSWORD}}),
            "deactivateUser" => json!({"input": {"id": self.id("User"), "successorId": self.member.id()}}),
            "winOpportunity" => json!({"input": {"id": self.id("Opportunity"), "amount": "1"}}),
            _ => json!({}),
        };
        let Value::Object(mut made) = special else { panic!("arguments are an object") };
        for argument in arguments.iter().filter(|argument| argument.is_required()) {
            if !made.contains_key(&argument.name) {
                made.insert(argument.name.clone(), self.make_up(schema, argument, "", mutation));
            }
        }
        made
    }

    /// A value for an input that must be given.
    pub fn make_up(&self, schema: &Schema, input: &Input, owner: &str, operation: &str) -> Value {
        let of = schema.below(&input.of);
        let value = match of.name.as_str() {
            "ID" => {
                let place = Place { path: vec![input.name.clone()], names: Names::Id, owner: owner.to_owned() };
                let nouns = place.nouns(schema, operation);
                let noun = nouns
                    .first()
                    .unwrap_or_else(|| panic!("not covered: whose ids does {owner}.{place} of {operation} take?"));
                json!(self.id(noun))
            }
            "ExternalIdInput" => json!({"source": "crm", "id": new("key")}),
            "String" => json!(match input.name.as_str() {
                "email" => format!("{}@new.example", new("new")),
                "timeZone" => "UTC".to_owned(),
                "from" => "09:00".to_owned(),
                "to" => "17:00".to_owned(),
                _ => "Some text".to_owned(),
            }),
            "Int" => json!(1),
            "Float" => json!(1.5),
            "Boolean" => json!(false),
            "Decimal" => json!("1"),
            "Date" => json!("2020-02-03"),
            "DateTime" => json!("2999-02-03T10:00:00Z"),
            "JSON" => json!({}),
            "AccountRef" => json!({"id": self.id("Account")}),
            _ if of.kind == "ENUM" => json!(of.words[0]),
            _ if of.kind == "INPUT_OBJECT" && !of.one_of => {
                let fields = of.inputs.iter().filter(|field| field.is_required());
                fields.map(|field| (field.name.clone(), self.make_up(schema, field, &of.name, operation))).collect()
            }
            other => panic!(
                "not covered: a value of {other} for {owner}.{} of {operation}; make one up in household.rs",
                input.name
            ),
        };
        if matches!(input.of.optional(), tests::walk::schema::Of::List(_)) { json!([value]) } else { value }
    }
}

/// What a household has, and what nobody has that is named likewise.
pub fn nowhere(value: &Value, tag: &str) -> Value {
    let twin = |text: &str| match entity::split_id(text) {
        Ok((noun, _)) => entity::show_id(noun, Uuid::now_v7()),
        Err(_) => text.replace(tag, &format!("{}x", &tag[..tag.len() - 1])),
    };
    match value {
        Value::String(text) => json!(twin(text)),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), nowhere(value, tag))).collect(),
        other => panic!("{other} names nothing"),
    }
}

fn new(what: &str) -> String {
    format!("{what}-{}", Uuid::now_v7().simple())
}
