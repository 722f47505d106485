//! The published sets that the importer was made for, where they lie beside the project. They are no part of it: a
//! machine without them says so, and there is nothing to test there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use callshot::import::report::Counts;
use serde_json::{Value, json};
use tests::actors::PASSWORD;
use tests::imports::{Imported, import, reasons};
use tests::{Client, World, on_both_databases};

/// A published file. None, and loudly, where the sets are not here.
fn published(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    // Not `eprintln!`, which the test runner keeps to itself where a test passes.
    let _ = writeln!(std::io::stderr(), "LEFT OUT: {} is not here, and what would be tested with it", path.display());
    None
}

fn counts(created: usize, failed: usize) -> Counts {
    Counts { created, failed, ..Counts::default() }
}

async fn load(world: &World, words: &str, name: &str) -> Option<Imported> {
    Some(import(world.server(), words, &[&published(name)?]).await.unwrap())
}

/// One row of Maven's pipeline, as far as the tests reckon with it themselves.
struct Deal {
    seller: String,
    account: String,
    stage: String,
    closed_on: String,
    amount: i64,
}

/// What the pipeline and the teams say, read without the importer: the files have no quoted cell.
struct Maven {
    deals: Vec<Deal>,
    manager_of: BTreeMap<String, String>,
}

impl Maven {
    fn read() -> Option<Self> {
        let text = |name| Some(std::fs::read_to_string(published(name)?).unwrap());
        let rows = |text: String| -> Vec<Vec<String>> {
            assert!(!text.contains('"'));
            text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
        };
        let deal = |row: Vec<String>| Deal {
            seller: row[1].clone(),
            account: row[3].clone(),
            stage: row[4].clone(),
            closed_on: row[6].clone(),
            amount: row[7].parse().unwrap_or_default(),
        };
        Some(Self {
            deals: rows(text("maven-crm/sales_pipeline.csv")?).into_iter().map(deal).collect(),
            manager_of: rows(text("maven-crm/sales_teams.csv")?)
                .into_iter()
                .map(|row| (row[0].clone(), row[1].clone()))
                .collect(),
        })
    }

    fn won(&self) -> impl Iterator<Item = &Deal> {
        self.deals.iter().filter(|deal| deal.stage == "Won")
    }

    /// Count and sum of what was won, by a word of each deal.
    fn won_by(&self, key: impl Fn(&Deal) -> String) -> BTreeMap<String, (i64, i64)> {
        let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for deal in self.won() {
            let (count, sum) = sums.entry(key(deal)).or_default();
            *count += 1;
            *sum += deal.amount;
        }
        sums
    }

    /// The accounts on which these sellers have an opportunity.
    fn accounts_of(&self, is_one: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let theirs = self.deals.iter().filter(|deal| is_one(&deal.seller) && !deal.account.is_empty());
        theirs.map(|deal| deal.account.clone()).collect()
    }

    /// Each account's seller with the largest won sum.
    fn winners(&self) -> BTreeMap<String, String> {
        let mut best: BTreeMap<String, (i64, String)> = BTreeMap::new();
        for (key, (_, sum)) in self.won_by(|deal| format!("{}\t{}", deal.account, deal.seller)) {
            let (account, seller) = key.split_once('\t').unwrap();
            let largest = best.entry(account.to_owned()).or_default();
            assert_ne!(largest.0, sum, "no two won equally much of {account}");
            if sum > largest.0 {
                *largest = (sum, seller.to_owned());
            }
        }
        best.into_iter().map(|(account, (_, seller))| (account, seller)).collect()
    }
}

const MAVEN: &str = "--from maven --email-domain example.com";
const PIPELINE: &str = "maven-crm/sales_pipeline.csv";

async fn users_and_accounts(world: &World) -> Option<()> {
    let users = load(world, &format!("{MAVEN} --as users"), "maven-crm/sales_teams.csv").await?;
    assert_eq!(users.rows, counts(41, 0));
    let accounts = load(world, &format!("{MAVEN} --as accounts"), "maven-crm/accounts.csv").await?;
    assert_eq!(accounts.rows, counts(85, 0));
    Some(())
}

/// Sums of bookings by a dimension: what the group is called, its count, its sum.
async fn bookings_by(by: &Client, dimension: &str) -> BTreeMap<String, (i64, i64)> {
    let document = format!(
        "{{ analytics {{ bookings(groupBy: [{dimension}]) {{ key {{ value node {{ ... on User {{ name }} }} }} count amount {{ amount }} }} }} }}"
    );
    let answer = by.query(&document).await;
    let group = |group: &Value| {
        let key = &group["key"][0];
        let name = key["node"]["name"].as_str().or(key["value"].as_str()).unwrap().to_owned();
        let amount = group["amount"]["amount"].as_str().unwrap().strip_suffix(".00").unwrap().parse().unwrap();
        (name, (group["count"].as_i64().unwrap(), amount))
    };
    answer.data("analytics.bookings").as_array().unwrap().iter().map(group).collect()
}

/// Invites an imported user, who has no password yet, and lets them come in.
async fn come_in(world: &World, name: &str) -> Client {
    let admin = world.admin();
    let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
    let found = admin
        .send(
            "query($email: String) { users(filter: {email: {eq: $email}}) { nodes { id } } }",
            json!({"email": email}),
        )
        .await;
    let id = found.text("users.nodes.0.id");
    let invited = admin.mutate("reissueInvitation", "token", json!({"userId": id})).await.done();
    let acceptance = json!({"token": invited.text("reissueInvitation.token"), "password": PASSWORD});
    let stranger = world.stranger();
    let accepted = stranger.mutate("acceptInvitation", "session { accessToken }", acceptance).await.done();
    stranger.with_token(accepted.text("acceptInvitation.session.accessToken"))
}

async fn seen_accounts(by: &Client) -> BTreeSet<String> {
    let answer = by.query("{ accounts(first: 200) { nodes { name } } }").await;
    answer.each("accounts.nodes", "name").into_iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[on_both_databases]
async fn maven_answers_who_won_what_in_which_quarter_and_shows_each_their_own(world: &World) {
    let Some(maven) = Maven::read() else { return };
    let admin = world.admin();
    users_and_accounts(world).await.unwrap();
    let words = format!("{MAVEN} --as opportunities --book-won --own-by won");
    let report = load(world, &words, PIPELINE).await.unwrap();
    assert_eq!(
        (report.rows, report.bookings),
        (counts(7375, 1425), Some(counts(4238, 0))),
        "{:?}",
        &reasons(&report)[..5]
    );
    assert_eq!(report.owners, Some(Counts { updated: 85, ..Counts::default() }));
    assert!(reasons(&report).iter().all(|(_, reason)| reason.starts_with("names no account")));
    let again = load(world, &words, PIPELINE).await.unwrap();
    assert_eq!(again.rows, Counts { unchanged: 7375, failed: 1425, ..Counts::default() });
    let all = |unchanged| Some(Counts { unchanged, ..Counts::default() });
    assert_eq!((again.bookings, again.owners), (all(4238), all(85)));

    let whole = admin.query("{ analytics { bookings(groupBy: []) { count amount { amount currency } } } }").await;
    let expected = json!([{"count": 4238, "amount": {"amount": "10005534.00", "currency": "USD"}}]);
    assert_eq!(whole.data("analytics.bookings"), &expected);
    let quarters: Vec<(String, i64)> =
        bookings_by(admin, "QUARTER").await.into_iter().map(|(quarter, (_, sum))| (quarter, sum)).collect();
    let expected = [("2017-Q1", 1_134_672), ("2017-Q2", 3_086_111), ("2017-Q3", 2_982_255), ("2017-Q4", 2_802_496)];
    assert_eq!(quarters, expected.map(|(quarter, sum)| (quarter.to_owned(), sum)));
    let by_manager = maven.won_by(|deal| maven.manager_of[&deal.seller].clone());
    assert_eq!(by_manager.len(), 6);
    assert_eq!(bookings_by(admin, "MANAGER").await, by_manager);
    assert_eq!(bookings_by(admin, "SELLER").await, maven.won_by(|deal| deal.seller.clone()));
    assert_eq!(bookings_by(admin, "MONTH").await, maven.won_by(|deal| deal.closed_on[..7].to_owned()));

    let owners = admin.query("{ accounts(first: 200) { nodes { name owner { name } } } }").await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let owners: BTreeMap<String, String> = owners
        .data("accounts.nodes")
        .as_array()
        .unwrap()
        .iter()
        .map(|account| (text(&account["name"]), text(&account["owner"]["name"])))
        .collect();
    assert_eq!(owners, maven.winners());

    for seller in ["Wilburn Farren", "Darcel Schlecht"] {
        let client = come_in(world, seller).await;
        assert_eq!(seen_accounts(&client).await, maven.accounts_of(|name| name == seller), "{seller}");
    }
    let manager = "Cara Losch";
    let client = come_in(world, manager).await;
    assert_eq!(seen_accounts(&client).await, maven.accounts_of(|name| maven.manager_of[name] == manager));
    let idle = maven.manager_of.keys().find(|name| maven.accounts_of(|seller| seller == *name).is_empty()).unwrap();
    assert_eq!(seen_accounts(&come_in(world, idle).await).await, BTreeSet::new(), "{idle}");
}

/// An account of the pipeline as the choosing test sees it.
struct Candidate {
    id: String,
    name: String,
    revenue: f64,
}

#[on_both_databases]
async fn mavens_sellers_choose_targets_and_agree_on_goals(world: &World) {
    let Some(maven) = Maven::read() else { return };
    let admin = world.admin();
    users_and_accounts(world).await.unwrap();
    load(world, &format!("{MAVEN} --as opportunities --book-won --own-by won"), PIPELINE).await.unwrap();
    let seller_name = "Darcel Schlecht";
    let seller = come_in(world, seller_name).await;
    let manager = come_in(world, &maven.manager_of[seller_name]).await;

    // A criterion derived from the accounts' revenue, ten for the largest, and one assessed by hand.
    let size = admin.make("createCriterion", "criterion", json!({"name": "Revenue", "weight": 2})).await;
    let fit = admin.make("createCriterion", "criterion", json!({"name": "Fit", "weight": 0.5})).await;
    let mine = "{ me { accounts(first: 200) { nodes { id name annualRevenue { amount } } } } }";
    let answer = seller.query(mine).await;
    let candidate = |node: &Value| Candidate {
        id: node["id"].as_str().unwrap().to_owned(),
        name: node["name"].as_str().unwrap().to_owned(),
        revenue: node["annualRevenue"]["amount"].as_str().unwrap().parse().unwrap(),
    };
    let book: Vec<Candidate> = answer.data("me.accounts.nodes").as_array().unwrap().iter().map(candidate).collect();
    let owned: Vec<String> =
        maven.winners().into_iter().filter(|(_, owner)| owner == seller_name).map(|(account, _)| account).collect();
    assert_eq!(book.len(), owned.len());
    let largest = book.iter().map(|account| account.revenue).fold(0.0, f64::max);
    let mut ranked: Vec<(i64, &Candidate)> = Vec::new();
    for (at, account) in book.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 10")]
        let by_size = (10.0 * account.revenue / largest).round() as i64;
        let by_hand = i64::try_from(at * 7 % 11).unwrap();
        let scores = json!([{"criterionId": size, "score": by_size}, {"criterionId": fit, "score": by_hand, "evidence": "We met them."}]);
        seller
            .mutate("assessAccount", "account { id }", json!({"accountId": account.id, "scores": scores}))
            .await
            .done();
        ranked.push((4 * by_size + by_hand, account));
    }
    ranked.sort_by(|(one, first), (other, second)| other.cmp(one).then_with(|| first.id.cmp(&second.id)));

    // The best fifth of the book is suggested, the best first.
    let answer = seller.query("{ me { targetList { band { accounts high } suggestions { account { name } score { value assessed } } } } }").await;
    let list = answer.data("me.targetList");
    let fifth = book.len() / 5;
    assert_eq!(list["band"], json!({"accounts": book.len(), "high": fifth}));
    let suggested: Vec<&str> =
        list["suggestions"].as_array().unwrap().iter().map(|row| row["account"]["name"].as_str().unwrap()).collect();
    assert_eq!(suggested, ranked[..fifth].iter().map(|(_, account)| account.name.as_str()).collect::<Vec<_>>());
    for (row, (points, _)) in list["suggestions"].as_array().unwrap().iter().zip(&ranked) {
        #[expect(clippy::cast_precision_loss, reason = "it is 50 at most")]
        let score = *points as f64 * 2.0;
        assert_eq!(row["score"], json!({"value": score, "assessed": 1.0}));
    }

    // Proposed by the seller, agreed by the manager, with a goal.
    let best = ranked[0].1;
    let input = json!({"accountId": best.id, "kind": "GROWTH", "rationale": "The largest that likes us."});
    let target = seller.mutate("proposeTarget", "target { id }", input).await.done();
    let input = json!({"id": target.text("proposeTarget.target.id"), "decision": "AGREE"});
    let answer = manager.mutate("decideTarget", "target { status }", input).await.done();
    assert_eq!(answer.text("decideTarget.target.status"), "AGREED");
    let won = |until: &str| -> i64 {
        maven
            .won()
            .filter(|deal| deal.account == best.name && deal.closed_on.as_str() <= until)
            .map(|deal| deal.amount)
            .sum()
    };
    let last_year = won("2017-12-31");
    admin.mutate("updateOrganization", "organization { id }", json!({"keyAccountThreshold": last_year})).await.done();
    let set = async |year: i32, amount: i64| {
        let input = json!({"accountId": best.id, "year": year, "amount": amount});
        manager.mutate("setGoal", "goal { id version baseline { amount } warnings }", input).await.done()
    };
    for (year, amount, baseline, warnings) in [
        (2018, last_year + 1, last_year, json!([])),
        (2018, last_year, last_year, json!(["NOT_ABOVE_BASELINE"])),
        (2018, last_year - 1, last_year, json!(["NOT_ABOVE_BASELINE", "BELOW_KEY_THRESHOLD"])),
        // Nothing is known of 2016.
        (2017, 1, 0, json!(["BELOW_KEY_THRESHOLD"])),
    ] {
        let answer = set(year, amount).await;
        assert_eq!(answer.data("setGoal.goal.warnings"), &warnings, "{year}, {amount}");
        assert_eq!(answer.data("setGoal.goal.baseline.amount"), &json!(format!("{baseline}.00")));
    }
    let answer = set(2017, last_year).await;
    let agree = "goal { status half: progress(on: \"2017-06-30\") { booked { amount } } whole: progress(on: \"2017-12-31\") { booked { amount } pace reachedOn } }";
    let answer = seller
        .mutate(
            "agreeGoal",
            agree,
            json!({"id": answer.text("setGoal.goal.id"), "ifVersion": answer.data("setGoal.goal.version")}),
        )
        .await
        .done();
    let half = won("2017-06-30");
    assert!(0 < half && half < last_year);
    assert_eq!(answer.data("agreeGoal.goal.half.booked.amount"), &json!(format!("{half}.00")));
    let last_day = maven
        .won()
        .filter(|deal| deal.account == best.name && deal.amount > 0)
        .map(|deal| deal.closed_on.as_str())
        .max();
    let whole = json!({"booked": {"amount": format!("{last_year}.00")}, "pace": "REACHED", "reachedOn": last_day});
    assert_eq!(answer.data("agreeGoal.goal.whole"), &whole);
    let message = seller.query("{ events(filter: {types: [\"goal.reached\"]}) { nodes { account { name } } } }").await;
    assert_eq!(message.each("events.nodes", "account.name"), [&json!(best.name)]);
}

#[on_both_databases]
async fn maven_with_american_dates_and_a_default_account_comes_in_whole(world: &World) {
    if users_and_accounts(world).await.is_none() {
        return;
    }
    let words = format!("{MAVEN} --as opportunities --default-account Unassigned");
    let american = "maven-crm/variant-us-dates/sales_pipeline.csv";
    let dry = load(world, &format!("{words} --dry-run"), american).await.unwrap();
    assert_eq!(dry.rows, counts(8800, 0), "{:?}", reasons(&dry).first());
    let report = load(world, &words, american).await.unwrap();
    assert_eq!(report.rows, counts(8800, 0), "{:?}", reasons(&report).first());
    // The same days, however they are written.
    let again = load(world, &words, PIPELINE).await.unwrap();
    assert_eq!(again.rows, Counts { unchanged: 8800, ..Counts::default() });
    let answer = world
        .admin()
        .query("{ accounts(filter: {name: {eq: \"Unassigned\"}}) { nodes { opportunities { totalCount } } } }")
        .await;
    assert_eq!(answer.each("accounts.nodes", "opportunities.totalCount"), [&json!(1425)]);
}

#[on_both_databases]
async fn the_workshops_org_joins_up(world: &World) {
    let file = |name: &str| format!("sfdc-data-cloud-workshop/{name}.csv");
    let bring =
        async |kind: &str, name: &str| load(world, &format!("--from salesforce --as {kind}"), &file(name)).await;
    let Some(accounts) = bring("accounts", "Account").await else { return };
    assert_eq!(accounts.rows, counts(22, 0));
    let contacts = bring("contacts", "Contact").await.unwrap();
    assert_eq!(contacts.rows, counts(18, 84));
    let opportunities = bring("opportunities", "Opportunity").await.unwrap();
    assert_eq!(opportunities.rows, counts(50, 0), "{:?}", reasons(&opportunities));
    let touches = bring("touches", "Task").await.unwrap();
    assert_eq!(touches.rows, counts(27, 48), "{:?}", reasons(&touches));
    let failed_for = |why: &str| reasons(&touches).iter().filter(|(_, reason)| reason.contains(why)).count();
    assert_eq!((failed_for("is about a lead"), failed_for("“Prep” is work of our own")), (15, 15));
    let relations = published("sfdc-data-cloud-workshop/AccountContactRelation.csv").unwrap();
    let words = format!("--from salesforce --as contacts --relations {}", relations.display());
    let related = load(world, &words, &file("Contact")).await.unwrap();
    assert_eq!(related.rows, Counts { unchanged: 18, failed: 84, ..Counts::default() });
    let answer = world.admin().query("{ contacts { totalCount } opportunities(first: 200) { nodes { openedOn closedOn expectedCloseOn } } touches { totalCount } }").await;
    assert_eq!((answer.data("contacts.totalCount"), answer.data("touches.totalCount")), (&json!(18), &json!(27)));
    for deal in answer.data("opportunities.nodes").as_array().unwrap() {
        let end = deal["closedOn"].as_str().or(deal["expectedCloseOn"].as_str()).unwrap();
        assert!(deal["openedOn"].as_str().unwrap() <= end, "{deal}");
    }
    // None of the tasks was done: all are missed by now, and there is no effort to compute a focus from.
    let answer = world
        .admin()
        .query(
            "{ touches(filter: {status: [MISSED]}) { totalCount }
            users { nodes { focus(range: {from: \"2000-01-01\", to: \"2099-12-31\"}) { touches share minutesShare receptiveBias } } } }",
        )
        .await;
    assert_eq!(answer.data("touches.totalCount"), &json!(27));
    let nothing = json!({"touches": 0, "share": null, "minutesShare": null, "receptiveBias": null});
    assert!(answer.each("users.nodes", "focus").iter().all(|focus| **focus == nothing), "{:?}", answer.body);
    for (kind, name, there) in
        [("accounts", "Account", 22), ("opportunities", "Opportunity", 50), ("touches", "Task", 27)]
    {
        assert_eq!(bring(kind, name).await.unwrap().rows.unchanged, there, "{name}");
    }
}

#[on_both_databases]
async fn the_data_loaders_samples_are_windows_1252(world: &World) {
    let Some(path) = published("sfdc-dataloader/accountData.csv") else { return };
    // The file alone does not say whether it is windows-1252 or ISO-8859-2.
    let refused = import(world.server(), "--from salesforce --as accounts", &[&path]).await.unwrap_err();
    assert!(refused.contains("--encoding"), "{refused}");
    let words = "--from salesforce --as accounts --encoding windows-1252";
    let accounts = load(world, words, "sfdc-dataloader/accountData.csv").await.unwrap();
    assert_eq!(accounts.rows, counts(423, 0), "{:?}", reasons(&accounts));
    let opportunities =
        load(world, "--from salesforce --as opportunities", "sfdc-dataloader/opportunityData.csv").await.unwrap();
    assert_eq!(opportunities.rows, counts(38, 0), "{:?}", reasons(&opportunities));
    let again = load(world, words, "sfdc-dataloader/accountData.csv").await.unwrap();
    assert_eq!(again.rows.unchanged, 423);
}

#[on_both_databases]
async fn easy_spaces_trees_and_tables_are_read(world: &World) {
    let Some(accounts) = load(world, "--from salesforce --as accounts", "easy-spaces/Accounts.json").await else {
        return;
    };
    assert_eq!(accounts.rows, counts(12, 0), "{:?}", reasons(&accounts));
    let contacts = load(world, "--from salesforce --as contacts", "easy-spaces/Contacts.json").await.unwrap();
    assert_eq!(contacts.rows, counts(12, 0), "{:?}", reasons(&contacts));
    let leads = load(world, "--from salesforce --as contacts", "easy-spaces/Leads.json").await.unwrap();
    assert_eq!(leads.rows, counts(0, 11));
    assert!(reasons(&leads).iter().all(|(_, reason)| reason.starts_with("is a Lead, not a contact")));
    let table = load(world, "--from salesforce --as contacts", "easy-spaces/Contact_Data.csv").await.unwrap();
    assert_eq!(table.rows.failed, table.rows.total(), "none of them names an account");
}

#[on_both_databases]
async fn the_s_and_p_500_comes_in_by_a_map(world: &World) {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/sp500.toml");
    let words = format!("--from sp500 --as accounts --map {}", map.display());
    let Some(report) = load(world, &words, "sp500/constituents.csv").await else { return };
    assert_eq!(report.rows, counts(503, 0), "{:?}", reasons(&report));
    let answer = world
        .admin()
        .query(
            r#"{ accounts(filter: {externalId: {source: "sp500", id: "AAPL"}}) { nodes { name city customFields } } }"#,
        )
        .await;
    assert_eq!(answer.text("accounts.nodes.0.name"), "Apple Inc.");
    assert_eq!(answer.data("accounts.nodes.0.customFields.cik"), &json!(320_193));
    assert_eq!(load(world, &words, "sp500/constituents.csv").await.unwrap().rows.unchanged, 503);
}
