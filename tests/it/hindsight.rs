//! What was known then: no later edit changes a figure of an earlier day.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::dice::Dice;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

/// A server on this database whose clock stands at an instant.
async fn later(database: Database, at: &str) -> Server {
    let stop: StoppedAt = at.parse().unwrap();
    Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await
}

/// Every figure of every account on the days from the first of January until a day. Asked for day by day they are the same as
/// in a series.
async fn figures(who: &Client, until: &str) -> Value {
    const FIGURES: &str = "on level presence known value ready daysUntilAbsent because { weight decayed touch { id } }";
    let last: usize = until[8..].parse().unwrap();
    let days: Vec<String> =
        (1..=last).map(|day| format!("d{day}: presence(on: \"2017-01-{day:02}\") {{ {FIGURES} }} ")).collect();
    let days = days.concat();
    let document = format!(
        "{{ accounts {{ nodes {{ name presence {{ series(from: \"2017-01-01\", to: \"{until}\", every: DAY) {{ {FIGURES} }} }} {days} }} }} }}"
    );
    let found = who.query(&document).await.data("accounts.nodes").clone();
    for account in found.as_array().unwrap() {
        for day in 1..=last {
            assert_eq!(account["presence"]["series"][day - 1], account[format!("d{day}")], "2017-01-{day:02}");
        }
    }
    found
}

/// What there is to edit.
struct Scene {
    accounts: Vec<String>,
    contacts: Vec<(usize, String)>,
    touches: Vec<(usize, String)>,
    rows: i64,
}

const KINDS: [&str; 7] = ["CALL", "EMAIL", "MEETING", "MESSAGE", "EVENT", "MAIL", "OTHER"];
const ROLES: [&str; 4] = ["DECISION_MAKER", "INFLUENCER", "STAKEHOLDER", "CHAMPION"];
const LEVELS: [&str; 4] = ["UNKNOWN", "KNOWN", "VALUED", "TRUSTED"];

impl Scene {
    /// Some contacts of an account.
    fn people(&self, dice: &mut Dice, account: usize) -> Vec<&str> {
        let own = self.contacts.iter().filter(|(of, _)| *of == account).map(|(_, id)| id.as_str());
        own.filter(|_| dice.maybe()).collect()
    }

    /// What a touch may be changed to.
    fn touch(&self, dice: &mut Dice, account: usize, days: i64) -> Value {
        let (day, hour, minute) = (1 + dice.below(days), dice.below(10), dice.below(60));
        let valued = dice.maybe();
        json!({
            "kind": dice.one_of(&KINDS), "responded": dice.maybe(), "direction": dice.one_of(&["INBOUND", "OUTBOUND"]),
            "at": format!("2017-01-{day:02}T{hour:02}:{minute:02}:00Z"), "contactIds": self.people(dice, account),
            "durationMinutes": if dice.maybe() { json!(1 + dice.below(240)) } else { Value::Null },
            "value": if valued { json!("IDEA") } else { Value::Null }, "valueAcknowledged": valued && dice.maybe(),
        })
    }

    /// Makes one random edit. What the server refuses (an archived contact, say) changes nothing, and that is fine.
    async fn edit(&mut self, who: &Client, dice: &mut Dice, days: i64) {
        let account = usize::try_from(dice.below(i64::try_from(self.accounts.len()).unwrap())).unwrap();
        let pick = |dice: &mut Dice, list: &[(usize, String)]| {
            list[usize::try_from(dice.below(i64::try_from(list.len()).unwrap())).unwrap()].clone()
        };
        match dice.below(8) {
            0 | 1 => {
                let mut input = self.touch(dice, account, days);
                input["accountId"] = json!(self.accounts[account]);
                let answer = who.mutate("logTouch", "touch { id }", input).await;
                if let Some(id) = answer.data("logTouch.touch")["id"].as_str() {
                    self.touches.push((account, id.to_owned()));
                }
            }
            2 | 3 => {
                let (account, id) = pick(dice, &self.touches);
                let mut input = self.touch(dice, account, days);
                // Only some of the fields.
                input.as_object_mut().unwrap().retain(|name, _| name.starts_with("value") || dice.maybe());
                input["id"] = json!(id);
                who.mutate("updateTouch", "touch { id }", input).await;
            }
            4 => {
                let (account, id) = pick(dice, &self.contacts);
                let mut input = json!({"id": id});
                match dice.below(3) {
                    0 => input["relationship"] = json!(dice.one_of(&LEVELS)),
                    1 => input["buyingRole"] = json!(dice.one_of(&ROLES)),
                    _ => input["accountId"] = json!(self.accounts[(account + 1) % self.accounts.len()]),
                }
                who.mutate("updateContact", "contact { id }", input).await;
            }
            5 => {
                let (_, id) = pick(dice, &self.contacts);
                let mutation = dice.one_of(&["archiveContact", "restoreContact"]);
                who.mutate(mutation, "", json!({"id": id})).await;
            }
            6 => {
                let fields = json!({"name": "New", "accountId": self.accounts[account], "buyingRole": dice.one_of(&ROLES),
                    "relationship": dice.one_of(&LEVELS)});
                let answer = who.mutate("createContact", "contact { id }", fields).await.done();
                self.contacts.push((account, answer.text("createContact.contact.id").to_owned()));
            }
            _ => {
                // Another system moves, calls off and completes what it knows.
                let row = json!({"externalId": {"source": "crm", "id": dice.below(self.rows).to_string()},
                    "status": dice.one_of(&["COMPLETED", "CANCELED"]), "responded": dice.maybe(),
                    "account": {"id": self.accounts[account]}});
                who.mutate("upsertTouches", "failed results { userErrors { message } }", json!({"rows": [row]})).await;
            }
        }
    }
}

#[on_both_databases]
async fn no_later_edit_changes_a_figure_of_an_earlier_day(empty: &Database) {
    let (first, second, third) = ("2017-01-08T12:00:00Z", "2017-01-15T12:00:00Z", "2017-01-22T12:00:00Z");
    let mut dice = Dice(17);
    for _ in 0..3 {
        let world = World::on(later(Database::make_ready(empty.kind()).await, first).await).await;
        let ann = world.seller("Ann").await;
        let mut scene = Scene { accounts: Vec::new(), contacts: Vec::new(), touches: Vec::new(), rows: 12 };
        for name in ["Acme", "Globex"] {
            let account = ann.account(json!({"name": name})).await;
            for role in ROLES {
                let level = dice.one_of(&LEVELS);
                let contact =
                    ann.contact(&account, json!({"name": role, "buyingRole": role, "relationship": level})).await;
                scene.contacts.push((scene.accounts.len(), contact));
            }
            scene.accounts.push(account);
        }
        let rows: Vec<Value> = (0..scene.rows)
            .map(|row| {
                let account = usize::try_from(row % 2).unwrap();
                let mut fields = scene.touch(&mut dice, account, 7);
                fields.as_object_mut().unwrap().remove("contactIds");
                fields["externalId"] = json!({"source": "crm", "id": row.to_string()});
                fields["account"] = json!({"id": scene.accounts[account]});
                fields
            })
            .collect();
        assert_eq!(
            ann.mutate("upsertTouches", "created failed", json!({"rows": rows})).await.data("upsertTouches.created"),
            &json!(scene.rows)
        );
        let client: Client = (**ann).clone();
        for _ in 0..25 {
            // Of these some are refused, too; there must be a touch to begin with.
            if scene.touches.is_empty() {
                let touch = ann.touch(&scene.accounts[0], json!({"kind": "CALL"})).await;
                scene.touches.push((0, touch));
            }
            scene.edit(&client, &mut dice, 7).await;
        }
        let (email, mut server) = (ann.email().to_owned(), world.into_server());
        for (at, yesterday, days) in [(second, "2017-01-14", 14), (third, "2017-01-21", 21)] {
            server = later(server.stop().await, at).await;
            let ann = server.sign_in(&email).await;
            let before = figures(&ann, yesterday).await;
            for _ in 0..30 {
                scene.edit(&ann, &mut dice, days).await;
            }
            assert_eq!(figures(&ann, yesterday).await, before);
        }
        server.finish().await;
    }
}

#[on_both_databases]
async fn setting_an_answer_adding_people_and_marking_value_count_from_then_on(empty: &Database) {
    let world = World::on(later(Database::make_ready(empty.kind()).await, "2017-01-01T12:00:00Z").await).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let cleo = ann.contact(&acme, json!({"name": "Cleo", "buyingRole": "DECISION_MAKER"})).await;
    let ivan = ann.contact(&acme, json!({"name": "Ivan", "buyingRole": "INFLUENCER"})).await;
    let mut touches = Vec::new();
    for hour in 8..12 {
        touches.push(ann.touch(&acme, json!({"kind": "CALL", "at": format!("2017-01-01T{hour:02}:00:00Z")})).await);
    }
    let email = ann.email().to_owned();
    let server = later(world.into_server().stop().await, "2017-01-11T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    let before = figures(&ann, "2017-01-10").await;
    for touch in &touches {
        let input = json!({"id": touch, "responded": true, "contactIds": [cleo, ivan], "value": "IDEA", "valueAcknowledged": true});
        ann.mutate("updateTouch", "touch { id }", input).await.done();
    }
    assert_eq!(figures(&ann, "2017-01-10").await, before);
    let now = "{ accounts { nodes { presence { level known value } } } }";
    let valued = json!({"level": "VALUED", "known": 5.0 / 9.0, "value": 5.0 / 6.0});
    assert_eq!(ann.query(now).await.data("accounts.nodes.0.presence"), &valued);
    assert_eq!(before[0]["presence"]["series"][4]["level"], "UNKNOWN");
    server.finish().await;
}
