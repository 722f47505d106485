//! Analytics: figures by group, compared with figures that the test computes from the same random rows.

use std::collections::{BTreeMap, BTreeSet};

use callshot::internals::calendar;
use chrono::{Datelike as _, Days, NaiveDate};
use entity::Instant;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::dice::Dice;
use tests::queries::count;
use tests::{Admin, Client, Manager, Member, Seller, World, on_both_databases};

const TOUCHES: &str =
    "query($by: [TouchDimension!]!, $filter: TouchFilter) { analytics { rows: touches(groupBy: $by, filter: $filter) {
    key { dimension value } count minutes accounts responded withValue } } }";
const BOOKINGS: &str = "query($by: [BookingDimension!]!, $filter: BookingFilter) { analytics { rows: bookings(groupBy: $by, filter: $filter) {
    key { dimension value } count amount { amount } accounts } } }";
const OPPORTUNITIES: &str = "query($by: [OpportunityDimension!]!, $filter: OpportunityFilter) { analytics { rows: opportunities(groupBy: $by, filter: $filter) {
    key { dimension value } count amount { amount } weighted { amount } won lost winRate } } }";

/// The users and accounts that the rows refer to.
struct Fixture<'world> {
    admin: &'world Admin,
    boss: Manager,
    sellers: Vec<Seller>,
    /// Each account's id, the index of its owner in `sellers`, and its industry.
    accounts: Vec<(String, usize, Option<&'static str>)>,
}

impl<'world> Fixture<'world> {
    async fn of(world: &'world World) -> Self {
        let admin = world.admin();
        let boss: Manager = world.manager("Bea Boss").await;
        // The last seller has no manager.
        let sellers = vec![
            world.seller("Sam Seller").under(&boss).await,
            world.seller("Sue Seller").under(&boss).await,
            world.seller("Sol Seller").await,
        ];
        let mut accounts = Vec::new();
        for (number, industry) in [Some("Retail"), Some("retail"), None, Some("IT"), Some("IT"), None, Some("Żegluga")]
            .into_iter()
            .enumerate()
        {
            let owner = number % sellers.len();
            let fields =
                json!({"name": format!("Account {number}"), "industry": industry, "ownerId": sellers[owner].id()});
            accounts.push((admin.account(fields).await, owner, industry));
        }
        Self { admin, boss, sellers, accounts }
    }

    fn manager_of(&self, seller: usize) -> Option<String> {
        (seller < 2).then(|| self.boss.id().to_owned())
    }
}

async fn upsert(by: &Member, mutation: &str, rows: Vec<Value>) {
    for rows in rows.chunks(500) {
        let document = "created results { userErrors { message field } }";
        let answer = by.mutate(mutation, document, json!({ "rows": rows })).await;
        assert_eq!(answer.data(&format!("{mutation}.created")), &json!(rows.len()), "{answer}");
    }
}

/// Groups rows as the schema does. `value` returns a row's value in a dimension, `add` adds the row to the figures.
fn grouped<Row, Figures: Default>(
    rows: &[Row],
    by: &[&str],
    value: impl Fn(&Row, &str) -> Option<String>,
    add: impl Fn(&mut Figures, &Row),
    show: impl Fn(&Figures) -> Value,
) -> Value {
    let mut groups: BTreeMap<Vec<(bool, Option<String>)>, Figures> = BTreeMap::new();
    if by.is_empty() {
        groups.insert(Vec::new(), Figures::default());
    }
    for row in rows {
        let key = by.iter().map(|dimension| value(row, dimension)).map(|value| (value.is_none(), value)).collect();
        add(groups.entry(key).or_default(), row);
    }
    let groups = groups.into_iter().map(|(key, figures)| {
        let mut group = show(&figures);
        group["key"] = key
            .into_iter()
            .zip(by)
            .map(|((_, value), dimension)| json!({"dimension": dimension, "value": value}))
            .collect();
        group
    });
    groups.collect()
}

/// Returns the key of the period that contains a day.
fn period(dimension: &str, day: NaiveDate, start: u32) -> String {
    let year = if day.month() < start { day.year() - 1 } else { day.year() };
    match dimension {
        "DAY" => day.to_string(),
        "WEEK" => (day - Days::new(day.weekday().num_days_from_monday().into())).to_string(),
        "MONTH" => format!("{:04}-{:02}", day.year(), day.month()),
        "QUARTER" => format!("{year:04}-Q{}", (day.month() + 12 - start) % 12 / 3 + 1),
        _ => format!("{year:04}"),
    }
}

async fn ask(by: &Client, document: &str, group_by: &[&str], filter: Value) -> Value {
    by.send(document, json!({"by": group_by, "filter": filter})).await.data("analytics.rows").clone()
}

async fn set_calendar(admin: &Admin, zone: &str, start: u32) {
    admin
        .mutate(
            "updateOrganization",
            "organization { version }",
            json!({"timeZone": zone, "fiscalYearStartMonth": start}),
        )
        .await
        .done();
}

struct Touch {
    account: usize,
    kind: &'static str,
    status: &'static str,
    at: Instant,
    minutes: Option<i64>,
    responded: bool,
    value: bool,
}

fn touches(fixture: &Fixture<'_>, dice: &mut Dice, now: Instant) -> Vec<Touch> {
    let second = 1_000_000;
    let day = 86_400 * second;
    let skipped = callshot::internals::instant("2011-12-30T10:00:00Z").unwrap().0;
    (0..500)
        .map(|number| {
            let (at, status) = match number % 10 {
                // Around the day that was skipped in Samoa.
                0 | 1 => (skipped + (dice.below(200) - 100) * 1_800 * second - dice.below(2), "COMPLETED"),
                // Around the changes of New York's daylight saving time.
                2 => (
                    dice.one_of(&[1_489_302_000, 1_509_861_600, 1_520_751_600]) * second
                        + (dice.below(100) - 50) * 1_800 * second,
                    "CANCELED",
                ),
                3 => (now.0 + (3 + dice.below(60)) * day, "SCHEDULED"),
                4 => (now.0 - (3 + dice.below(60)) * day, "MISSED"),
                // From 1900 on, at any microsecond.
                _ => (-70 * 365 * day + dice.below(110 * 365 * day), "COMPLETED"),
            };
            Touch {
                account: usize::try_from(dice.below(i64::try_from(fixture.accounts.len()).unwrap())).unwrap(),
                kind: dice.one_of(&["CALL", "EMAIL", "MEETING", "MESSAGE", "EVENT", "MAIL", "OTHER"]),
                status,
                at: Instant(at),
                minutes: dice.maybe().then(|| 1 + dice.below(1_440)),
                responded: dice.maybe(),
                value: dice.maybe(),
            }
        })
        .collect()
}

#[derive(Default)]
struct TouchFigures {
    count: i64,
    minutes: i64,
    accounts: BTreeSet<usize>,
    responded: i64,
    with_value: i64,
}

fn expected_touches(fixture: &Fixture<'_>, rows: &[&Touch], by: &[&str], zone: &str, start: u32) -> Value {
    let zone = calendar::zone(zone).unwrap();
    let value = |touch: &&Touch, dimension: &str| {
        let (account, owner, _) = &fixture.accounts[touch.account];
        match dimension {
            "USER" => Some(fixture.sellers[*owner].id().to_owned()),
            "MANAGER" => fixture.manager_of(*owner),
            "ACCOUNT" => Some(account.clone()),
            "KIND" => Some(touch.kind.to_owned()),
            "STATUS" => Some(touch.status.to_owned()),
            _ => Some(period(dimension, touch.at.utc().unwrap().with_timezone(&zone).date_naive(), start)),
        }
    };
    let add = |figures: &mut TouchFigures, touch: &&Touch| {
        figures.count += 1;
        let default = match touch.kind {
            "MEETING" => 60,
            "EVENT" => 120,
            "CALL" => 15,
            _ => 5,
        };
        figures.minutes += touch.minutes.unwrap_or(default);
        figures.accounts.insert(touch.account);
        figures.responded += i64::from(touch.responded);
        figures.with_value += i64::from(touch.value);
    };
    grouped(rows, by, value, add, |figures| {
        json!({
            "count": figures.count, "minutes": figures.minutes, "accounts": figures.accounts.len(),
            "responded": figures.responded, "withValue": figures.with_value,
        })
    })
}

#[on_both_databases]
async fn touches_are_counted_by_group_and_by_local_day(world: &World) {
    let fixture = Fixture::of(world).await;
    let now = world.server().app().clock.now();
    let touches = touches(&fixture, &mut Dice(1), now);
    let rows = touches.iter().enumerate().map(|(number, touch)| {
        let (account, owner, _) = &fixture.accounts[touch.account];
        json!({
            "externalId": {"source": "test", "id": number.to_string()}, "account": {"id": account}, "userEmail": fixture.sellers[*owner].email(),
            "kind": touch.kind, "status": touch.status, "at": touch.at.to_string(), "durationMinutes": touch.minutes,
            "responded": touch.responded, "value": touch.value.then_some("IDEA"),
        })
    });
    upsert(fixture.admin, "upsertTouches", rows.collect()).await;
    let all: Vec<&Touch> = touches.iter().collect();

    for (zone, start) in [("UTC", 1), ("America/New_York", 4), ("Pacific/Apia", 12), ("Asia/Kathmandu", 7)] {
        set_calendar(fixture.admin, zone, start).await;
        for by in [
            &["DAY"][..],
            &["WEEK"],
            &["MONTH"],
            &["QUARTER"],
            &["USER", "MONTH"],
            &["WEEK", "MANAGER"],
            &["QUARTER", "KIND", "STATUS"],
        ] {
            let expected = expected_touches(&fixture, &all, by, zone, start);
            assert_eq!(ask(fixture.admin, TOUCHES, by, Value::Null).await, expected, "{zone} {start} {by:?}");
        }
    }
    for by in
        [&[][..], &["USER"], &["MANAGER"], &["ACCOUNT"], &["KIND"], &["STATUS"], &["MANAGER", "ACCOUNT", "STATUS"]]
    {
        let expected = expected_touches(&fixture, &all, by, "UTC", 1);
        assert_eq!(ask(fixture.admin, TOUCHES, by, Value::Null).await, expected, "{by:?}");
    }

    // Filters are applied, and each user's figures include only what they see.
    let calls: Vec<&Touch> = touches.iter().filter(|touch| touch.kind == "CALL" && touch.status == "MISSED").collect();
    let filter = json!({"kind": ["CALL"], "status": ["MISSED"]});
    let expected = expected_touches(&fixture, &calls, &["MONTH", "USER"], "Asia/Kathmandu", 7);
    assert_eq!(ask(fixture.admin, TOUCHES, &["MONTH", "USER"], filter).await, expected);
    let seen_by = |sellers: &[usize]| {
        all.iter().copied().filter(|touch| sellers.contains(&fixture.accounts[touch.account].1)).collect::<Vec<_>>()
    };
    for (member, sellers) in [(&*fixture.boss, &[0, 1][..]), (&*fixture.sellers[0], &[0]), (&*fixture.sellers[2], &[2])]
    {
        let expected = expected_touches(&fixture, &seen_by(sellers), &["USER", "MONTH"], "Asia/Kathmandu", 7);
        assert_eq!(ask(member, TOUCHES, &["USER", "MONTH"], Value::Null).await, expected, "{}", member.name());
    }
}

struct Booking {
    account: usize,
    seller: usize,
    minor: i64,
    on: NaiveDate,
}

fn money(minor: i128) -> Value {
    let sign = if minor < 0 { "-" } else { "" };
    json!({"amount": format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)})
}

fn decimal(minor: i64) -> Value {
    money(minor.into())["amount"].clone()
}

#[on_both_databases]
async fn bookings_are_summed_by_group(world: &World) {
    let fixture = Fixture::of(world).await;
    let today = world.server().app().clock.now().utc().unwrap().date_naive();
    let mut dice = Dice(2);
    let bookings: Vec<Booking> = (0..500)
        .map(|number| Booking {
            // The last account has no bookings.
            account: usize::try_from(dice.below(6)).unwrap(),
            seller: usize::try_from(dice.below(3)).unwrap(),
            minor: if number % 2 == 0 {
                999_999_999_999_999 - dice.below(1_000)
            } else {
                dice.below(1_000_000) - 500_001
            },
            on: match number % 5 {
                0 => today - Days::new(dice.below(20).unsigned_abs()),
                _ => NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + Days::new(dice.below(20_000).unsigned_abs()),
            },
        })
        .filter(|booking| booking.minor != 0 && (booking.account < 3 || booking.on < today - Days::new(1_000)))
        .collect();
    let rows = bookings.iter().enumerate().map(|(number, booking)| {
        json!({
            "externalId": {"source": "test", "id": number.to_string()}, "account": {"id": fixture.accounts[booking.account].0},
            "amount": decimal(booking.minor), "bookedOn": booking.on.to_string(), "sellerEmail": fixture.sellers[booking.seller].email(),
        })
    });
    upsert(fixture.admin, "upsertBookings", rows.collect()).await;

    for (start, threshold) in [(1, None), (4, Some(100)), (11, Some(999_999_999_999_999))] {
        let input = json!({"fiscalYearStartMonth": start, "keyAccountThreshold": threshold.map(decimal)});
        fixture.admin.mutate("updateOrganization", "organization { version }", input).await.done();
        let standing = |account: usize| {
            let current = |booking: &&Booking| {
                booking.account == account && period("YEAR", booking.on, start) == period("YEAR", today, start)
            };
            let booked: i128 = bookings.iter().filter(current).map(|booking| i128::from(booking.minor)).sum();
            if threshold.is_some_and(|threshold| booked >= i128::from(threshold)) { "KEY" } else { "CLIENT" }
        };
        let value = |booking: &Booking, dimension: &str| match dimension {
            "SELLER" => Some(fixture.sellers[booking.seller].id().to_owned()),
            "MANAGER" => fixture.manager_of(booking.seller),
            "ACCOUNT" => Some(fixture.accounts[booking.account].0.clone()),
            "INDUSTRY" => fixture.accounts[booking.account].2.map(str::to_owned),
            "STANDING" => Some(standing(booking.account).to_owned()),
            _ => Some(period(dimension, booking.on, start)),
        };
        let add = |figures: &mut (i64, i128, BTreeSet<usize>), booking: &Booking| {
            figures.0 += 1;
            figures.1 += i128::from(booking.minor);
            figures.2.insert(booking.account);
        };
        let show = |figures: &(i64, i128, BTreeSet<usize>)| json!({"count": figures.0, "amount": money(figures.1), "accounts": figures.2.len()});
        for by in [
            &[][..],
            &["SELLER"],
            &["MANAGER"],
            &["ACCOUNT"],
            &["INDUSTRY"],
            &["STANDING"],
            &["MONTH"],
            &["QUARTER"],
            &["YEAR"],
            &["YEAR", "STANDING", "INDUSTRY", "MANAGER"],
            &["INDUSTRY", "QUARTER"],
        ] {
            let expected = grouped(&bookings, by, value, add, show);
            assert_eq!(ask(fixture.admin, BOOKINGS, by, Value::Null).await, expected, "{start} {by:?}");
        }
        // Grouped by standing, the standing of an account does not depend on the filter.
        let old: Vec<&Booking> = bookings.iter().filter(|booking| booking.on.year() < 1990).collect();
        let expected = grouped(
            &old,
            &["STANDING"],
            |booking, dimension| value(booking, dimension),
            |figures, booking| add(figures, booking),
            show,
        );
        let filter = json!({"bookedOn": {"lt": "1990-01-01"}});
        assert_eq!(ask(fixture.admin, BOOKINGS, &["STANDING"], filter).await, expected);
    }
}

struct Opportunity {
    account: usize,
    owner: usize,
    stage: &'static str,
    minor: Option<i64>,
    probability: Option<i64>,
    opened: NaiveDate,
    closed: Option<NaiveDate>,
}

#[derive(Default)]
struct OpportunityFigures {
    count: i64,
    amount: i128,
    hundredfold: i128,
    won: i32,
    lost: i32,
}

fn add_opportunity(figures: &mut OpportunityFigures, row: &Opportunity) {
    let own = match row.stage {
        "IDENTIFIED" => 10,
        "QUALIFIED" => 25,
        "PROPOSED" => 50,
        "NEGOTIATING" => 75,
        "WON" => 100,
        _ => 0,
    };
    figures.count += 1;
    figures.amount += i128::from(row.minor.unwrap_or_default());
    figures.hundredfold += i128::from(row.minor.unwrap_or_default()) * i128::from(row.probability.unwrap_or(own));
    figures.won += i32::from(row.stage == "WON");
    figures.lost += i32::from(row.stage == "LOST");
}

fn show_opportunities(figures: &OpportunityFigures) -> Value {
    let (whole, rest) = (figures.hundredfold / 100, figures.hundredfold % 100);
    let up = rest > 50 || (rest == 50 && whole % 2 == 1);
    let closed = figures.won + figures.lost;
    json!({
        "count": figures.count, "amount": money(figures.amount), "weighted": money(whole + i128::from(up)), "won": figures.won,
        "lost": figures.lost, "winRate": (closed > 0).then(|| f64::from(figures.won) / f64::from(closed)),
    })
}

#[on_both_databases]
async fn opportunities_are_summed_by_group(world: &World) {
    let fixture = Fixture::of(world).await;
    let mut dice = Dice(3);
    let opportunities: Vec<Opportunity> = (0..500)
        .map(|number| {
            let stage = dice.one_of(&["IDENTIFIED", "QUALIFIED", "PROPOSED", "NEGOTIATING", "WON", "LOST"]);
            let opened = NaiveDate::from_ymd_opt(1950, 1, 1).unwrap() + Days::new(dice.below(25_000).unsigned_abs());
            let closed = matches!(stage, "WON" | "LOST").then(|| opened + Days::new(dice.below(100).unsigned_abs()));
            Opportunity {
                account: usize::try_from(dice.below(7)).unwrap(),
                owner: usize::try_from(dice.below(3)).unwrap(),
                stage,
                minor: (number % 4 > 0)
                    .then(|| if number % 4 == 1 { 999_999_999_999_999 - dice.below(100) } else { dice.below(1_000) }),
                probability: (closed.is_none() && dice.maybe()).then(|| dice.below(101)),
                opened,
                closed,
            }
        })
        .collect();
    let rows = opportunities.iter().enumerate().map(|(number, row)| {
        json!({
            "externalId": {"source": "test", "id": number.to_string()}, "account": {"id": fixture.accounts[row.account].0}, "name": "x",
            "amount": row.minor.map(decimal), "stage": row.stage, "probability": row.probability, "openedOn": row.opened.to_string(),
            "closedOn": row.closed.map(|on| on.to_string()), "ownerEmail": fixture.sellers[row.owner].email(),
        })
    });
    upsert(fixture.admin, "upsertOpportunities", rows.collect()).await;

    let value = |row: &Opportunity, dimension: &str| match dimension {
        "OWNER" => Some(fixture.sellers[row.owner].id().to_owned()),
        "MANAGER" => fixture.manager_of(row.owner),
        "ACCOUNT" => Some(fixture.accounts[row.account].0.clone()),
        "INDUSTRY" => fixture.accounts[row.account].2.map(str::to_owned),
        "STAGE" => Some(row.stage.to_owned()),
        "OPENED_MONTH" => Some(period("MONTH", row.opened, 1)),
        _ => row.closed.map(|on| period("MONTH", on, 1)),
    };
    set_calendar(fixture.admin, "America/New_York", 4).await;
    for by in [
        &[][..],
        &["OWNER"],
        &["MANAGER"],
        &["ACCOUNT"],
        &["INDUSTRY"],
        &["STAGE"],
        &["OPENED_MONTH"],
        &["CLOSED_MONTH"],
        &["CLOSED_MONTH", "INDUSTRY"],
        &["STAGE", "MANAGER", "ACCOUNT", "INDUSTRY"],
    ] {
        let expected = grouped(&opportunities, by, value, add_opportunity, show_opportunities);
        assert_eq!(ask(fixture.admin, OPPORTUNITIES, by, Value::Null).await, expected, "{by:?}");
    }
    let won: Vec<&Opportunity> = opportunities.iter().filter(|row| row.stage == "WON").collect();
    let expected = grouped(
        &won,
        &["MANAGER"],
        |row, dimension| value(row, dimension),
        |figures, row| add_opportunity(figures, row),
        show_opportunities,
    );
    assert_eq!(ask(fixture.admin, OPPORTUNITIES, &["MANAGER"], json!({"stage": ["WON"]})).await, expected);
}

#[on_both_databases]
async fn without_rows_there_is_one_group_of_zeros_or_none(world: &World) {
    let admin = world.admin();
    let zeros = json!([{"key": [], "count": 0, "minutes": 0, "accounts": 0, "responded": 0, "withValue": 0}]);
    assert_eq!(ask(admin, TOUCHES, &[], Value::Null).await, zeros);
    assert_eq!(
        ask(admin, BOOKINGS, &[], Value::Null).await,
        json!([{"key": [], "count": 0, "amount": {"amount": "0.00"}, "accounts": 0}])
    );
    let zeros = json!([{"key": [], "count": 0, "amount": {"amount": "0.00"}, "weighted": {"amount": "0.00"}, "won": 0, "lost": 0, "winRate": null}]);
    assert_eq!(ask(admin, OPPORTUNITIES, &[], Value::Null).await, zeros);
    for (document, by) in [(TOUCHES, "DAY"), (TOUCHES, "USER"), (BOOKINGS, "YEAR"), (OPPORTUNITIES, "CLOSED_MONTH")] {
        assert_eq!(ask(admin, document, &[by], Value::Null).await, json!([]));
    }
}

#[on_both_databases]
async fn invalid_groups_and_filters_are_rejected(world: &World) {
    let admin = world.admin();
    for (document, by) in [(TOUCHES, "DAY"), (BOOKINGS, "STANDING"), (OPPORTUNITIES, "MANAGER")] {
        let answer = admin.send(document, json!({"by": [by, by]})).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{answer}");
    }
    assert_eq!(admin.send(TOUCHES, json!({"by": ["ON_THE_MOON"]})).await.error_code(), "BAD_USER_INPUT");
    assert_eq!(admin.send(TOUCHES, json!({"by": [], "filter": {"kind": null}})).await.error_code(), "BAD_USER_INPUT");
    let anonymous = world.stranger().send(BOOKINGS, json!({"by": []})).await;
    assert_eq!(anonymous.error_code(), "UNAUTHENTICATED");
}

#[on_both_databases]
async fn archived_accounts_count_and_other_organizations_do_not(world: &World) {
    let other = world.another_organization("Umbrella").await;
    for admin in [world.admin(), other.admin()] {
        let account = admin.account(json!({"name": "Acme"})).await;
        admin.booking(&account, json!({"amount": "12.34", "bookedOn": "2017-04-03"})).await;
        admin.mutate("archiveAccount", "", json!({"id": account})).await.done();
    }
    let expected = json!([{"key": [{"dimension": "YEAR", "value": "2017"}], "count": 1, "amount": {"amount": "12.34"}, "accounts": 1}]);
    assert_eq!(ask(world.admin(), BOOKINGS, &["YEAR"], Value::Null).await, expected);
}

#[on_both_databases]
async fn nodes_of_keys_cost_a_fixed_number_of_statements(world: &World) {
    let fixture = Fixture::of(world).await;
    let document = "{ analytics { bookings(groupBy: [SELLER, MANAGER, ACCOUNT, MONTH]) { key { value
        node { id __typename ... on User { name manager { name } } ... on Account { name owner { name } } } } count } } }";
    let book = async |days: std::ops::Range<i64>| {
        let rows = days.map(|day| {
            let on = NaiveDate::from_ymd_opt(2017, 1, 1).unwrap() + Days::new((day * 20).unsigned_abs());
            let (account, owner, _) = &fixture.accounts[usize::try_from(day % 7).unwrap()];
            json!({
                "externalId": {"source": "test", "id": day.to_string()}, "account": {"id": account}, "amount": "1",
                "bookedOn": on.to_string(), "sellerEmail": fixture.sellers[*owner].email(),
            })
        });
        upsert(fixture.admin, "upsertBookings", rows.collect()).await;
    };
    book(0..2).await;
    // The first request also looks up the viewer.
    fixture.admin.query(document).await;
    let (few, statements) = count(world.server(), fixture.admin.query(document)).await;
    assert_eq!(few.data("analytics.bookings").as_array().unwrap().len(), 2);
    book(2..100).await;
    let (many, more) = count(world.server(), fixture.admin.query(document)).await;
    let groups = many.data("analytics.bookings").as_array().unwrap();
    assert_eq!((groups.len(), more), (100, statements));
    for group in groups {
        let key = &group["key"];
        assert_eq!(key[0]["value"], key[0]["node"]["id"]);
        assert_eq!(key[2]["node"]["owner"]["name"], key[0]["node"]["name"]);
        assert_eq!(key[1]["node"]["name"], key[0]["node"]["manager"]["name"]);
        assert_eq!(key[3]["node"], Value::Null);
    }
    // Figures and nodes that are not selected cost no statements.
    let (_, bare) =
        count(world.server(), fixture.admin.query("{ analytics { bookings(groupBy: [SELLER]) { count } } }")).await;
    assert_eq!(bare, 1);
}

#[on_both_databases]
async fn more_than_ten_thousand_groups_are_rejected(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    admin.booking(&account, json!({"amount": "1", "bookedOn": "2017-04-03"})).await;
    let connection = world.server().database().connect().await;
    // A booking per month from the year 10 on, and another one after they have been counted. They are removed before
    // the invariants are checked.
    let fill = |from: i32, to: i32| {
        format!(
            "with recursive n (n) as (select {from} union all select n + 1 from n where n < {to})
             insert into booking select {}, organization_id, account_id, 1, -715000 + n * 31, null, null, seller_id, '[]', 0, 0, 1 from booking, n",
            if world.server().app().db.backend() == sea_orm::DbBackend::Postgres { "gen_random_uuid()" } else { "randomblob(16)" }
        )
    };
    connection.execute_unprepared(&fill(1, 10_200)).await.unwrap();
    let groups = "{ analytics { bookings(groupBy: [MONTH]) { count } } }";
    let answer = admin.query(groups).await;
    assert_eq!(answer.error_code(), "LIMIT_EXCEEDED", "{answer}");
    connection
        .execute_unprepared("delete from booking where created_at = 0 and booked_on > -715000 + 9900 * 31")
        .await
        .unwrap();
    let fewer = admin.query(groups).await;
    assert!((9_700..=10_000).contains(&fewer.data("analytics.bookings").as_array().unwrap().len()));
    connection.execute_unprepared("delete from booking where created_at = 0").await.unwrap();
    connection.close().await.unwrap();
}
