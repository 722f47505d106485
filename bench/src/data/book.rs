//! Accounts, seats, contacts, opportunities and bookings.

use uuid::Uuid;

use super::people::{FIRST_SELLER, Person, organization, user};
use super::random::Random;
use super::{
    ACCOUNTS, BOOKINGS, CONTACTS, DAY, Kind, LIST, LIST_ACCOUNTS, NOW, OPPORTUNITIES, Row, SMALL, SMALL_ACCOUNTS,
    Table, USERS, Value, force, id, list, row, spread, words,
};

/// When the oldest account was created.
const OPENED: i64 = NOW - 1_100 * DAY;
/// The first account number of the small organizations.
const SMALL_FROM: u64 = 1_000_000;
/// The first account number of the seller with the long target list.
const LIST_FROM: u64 = 2_000_000;
/// The first account number and contact number of the sales force.
pub const FORCE_FROM: u64 = 3_000_000;

/// Returns when an account was created.
fn account_created(number: u64) -> i64 {
    match number {
        FORCE_FROM.. => spread(number - FORCE_FROM, force::ACCOUNTS, OPENED),
        LIST_FROM.. => spread(number - LIST_FROM, LIST_ACCOUNTS, OPENED),
        SMALL_FROM.. => OPENED,
        _ => spread(number, ACCOUNTS, OPENED),
    }
}

/// Returns the id of an account by its number.
#[must_use]
pub fn account(number: u64) -> Uuid {
    id(Kind::Account, number, account_created(number))
}

/// Returns the id of the account of a member of a small organization.
#[must_use]
pub fn small_account(organization: u64, number: u64) -> Uuid {
    account(SMALL_FROM + organization * 1_000 + number)
}

/// Returns the id of an account of the seller with the long target list.
#[must_use]
pub fn list_account(number: u64) -> Uuid {
    account(LIST_FROM + number)
}

/// Returns the id of a contact.
#[must_use]
pub fn contact(number: u64) -> Uuid {
    id(Kind::Contact, number, contact_created(number))
}

/// Returns the id of the only contact of a small organization's account.
#[must_use]
pub fn small_contact(organization: u64, number: u64) -> Uuid {
    contact(SMALL_FROM + organization * 1_000 + number)
}

/// Returns when a contact was created.
fn contact_created(number: u64) -> i64 {
    account_created(contact_account(number)) + DAY
}

/// Returns the number of the account at which a contact works. Each account of the large organization has four contacts;
/// the remaining contacts work at random accounts.
#[must_use]
pub fn contact_account(number: u64) -> u64 {
    if number >= FORCE_FROM {
        FORCE_FROM + (number - FORCE_FROM) % force::ACCOUNTS
    } else if number >= SMALL_FROM {
        number
    } else if number < 4 * ACCOUNTS {
        number % ACCOUNTS
    } else {
        Random::of(201, number).below(ACCOUNTS)
    }
}

/// Returns the number of the seller who owns an account of the large organization.
#[must_use]
pub fn owner(account: u64) -> u64 {
    FIRST_SELLER + Random::of(202, account).below(USERS - FIRST_SELLER)
}

/// Returns the id of an account in another system.
#[must_use]
pub fn external_id(number: u64) -> String {
    format!("A{number:07}")
}

/// Returns external ids as the API stores them.
#[must_use]
pub fn external_ids(id: &str) -> String {
    format!("[{{\"source\":\"crm\",\"id\":\"{id}\"}}]")
}

/// Returns the organization and number of each account of the small organizations.
fn small() -> impl Iterator<Item = (u64, u64)> {
    (1..=SMALL).flat_map(|organization| (0..SMALL_ACCOUNTS).map(move |number| (organization, number)))
}

/// Generates the row of an account.
pub fn account_row(number: u64, of: u64, owner: Uuid, score: i64) -> Row {
    let mut random = Random::of(203, number);
    let name =
        format!("{} {} {}", random.one_of(words::COMPANY), random.one_of(words::TRADE), random.one_of(words::FORM));
    let (city, country) = random.one_of(words::CITY);
    let industry = random.one_of(words::INDUSTRY);
    let at = account_created(number);
    row![
        account(number),
        organization(of),
        name.clone(),
        name.to_lowercase(),
        format!("company{number}.example"),
        industry,
        industry.to_lowercase(),
        random.percent(90).then_some(5 + random.up_to(20_000)),
        random.percent(70).then_some(1_000_000 * (1 + random.up_to(100_000))),
        country,
        country.to_lowercase(),
        city,
        city.to_lowercase(),
        format!("+49 30 {:07}", random.below(10_000_000)),
        random.percent(50).then(|| format!("{} {}", random.one_of(words::NOTE), random.one_of(words::NOTE))),
        random.percent(80).then_some(100_000 * (1 + random.up_to(5_000))),
        owner,
        external_ids(&external_id(number)),
        "{}",
        at,
        at,
        1,
        score,
    ]
}

fn accounts() -> impl Iterator<Item = Row> {
    let large = (0..ACCOUNTS).map(|number| account_row(number, 0, user(0, owner(number)), 0));
    let small = small().map(|(of, number)| account_row(SMALL_FROM + of * 1_000 + number, of, user(of, number), 0));
    let list = (0..LIST_ACCOUNTS)
        .map(|number| account_row(LIST_FROM + number, LIST, Person::SELLER.id(), list::score(number)));
    large.chain(small).chain(list)
}

fn account_external_ids() -> impl Iterator<Item = Row> {
    let external =
        |number: u64, of: u64| row![organization(of), "account", "crm", external_id(number), account(number)];
    let large = (0..ACCOUNTS).map(move |number| external(number, 0));
    let small = small().map(move |(of, number)| external(SMALL_FROM + of * 1_000 + number, of));
    large.chain(small).chain((0..LIST_ACCOUNTS).map(move |number| external(LIST_FROM + number, LIST)))
}

/// Generates the owner's seat at every account, and a team member's at about 20% of those of the large organization.
fn seats() -> impl Iterator<Item = Row> {
    let large = (0..ACCOUNTS).flat_map(|number| {
        let owner = owner(number);
        let mut seats =
            vec![row![account(number), user(0, owner), organization(0), true, None::<&str>, account_created(number)]];
        let mut random = Random::of(204, number);
        let other = FIRST_SELLER + random.below(USERS - FIRST_SELLER);
        if random.percent(20) && other != owner {
            let role = random.one_of(&["SELLER", "TECHNICAL", "ACCOUNT_MANAGER"]);
            seats.push(row![account(number), user(0, other), organization(0), false, role, account_created(number)]);
        }
        seats
    });
    let small = small().map(|(of, number)| {
        row![small_account(of, number), user(of, number), organization(of), true, None::<&str>, OPENED]
    });
    let list = (0..LIST_ACCOUNTS).map(|number| {
        let at = account_created(LIST_FROM + number);
        row![list_account(number), Person::SELLER.id(), organization(LIST), true, None::<&str>, at]
    });
    large.chain(small).chain(list)
}

/// Generates the row of a contact.
pub fn contact_row(number: u64, of: u64) -> Row {
    let mut random = Random::of(205, number);
    let (first, last) = (random.one_of(words::FIRST), random.one_of(words::LAST));
    let name = format!("{first} {last}");
    let title = random.one_of(words::JOB);
    let department = random.one_of(words::DEPARTMENT);
    let phone = random.percent(60).then(|| format!("+49 30 {:07}", random.below(10_000_000)));
    let role = random
        .percent(60)
        .then(|| random.one_of(&["DECISION_MAKER", "INFLUENCER", "STAKEHOLDER", "CHAMPION", "GATEKEEPER", "END_USER"]));
    let level = random.one_of(&["UNKNOWN", "KNOWN", "KNOWN", "VALUED", "TRUSTED"]);
    let at = contact_created(number);
    row![
        contact(number),
        organization(of),
        account(contact_account(number)),
        name.clone(),
        name.to_lowercase(),
        title,
        title.to_lowercase(),
        department,
        format!("{}.{}@company{}.example", first.to_lowercase(), last.to_lowercase(), contact_account(number)),
        phone,
        role,
        level,
        false,
        "[]",
        "{}",
        at,
        at,
        1,
        (level != "UNKNOWN").then_some(at),
    ]
}

fn contacts() -> impl Iterator<Item = Row> {
    let large = (0..CONTACTS).map(|number| contact_row(number, 0));
    large.chain(small().map(|(of, number)| contact_row(SMALL_FROM + of * 1_000 + number, of)))
}

/// Sets the role and the relationship of a contact's row. One that is known was set when the contact was created.
pub fn set_relationship(contact: &mut Row, role: Option<&str>, level: &str) {
    let [.., to_role, to_level, _, _, _, at, _, _, set_at] = &mut contact[..] else {
        unreachable!("a contact has more columns")
    };
    (*to_role, *to_level) = (role.into(), level.into());
    *set_at = if level == "UNKNOWN" { Value::Null } else { at.clone() };
}

/// Generates the first relationship history row of a contact, with the values of the contact's row.
pub fn acquaintance_row(contact: &Row) -> Row {
    let [id, organization, account, .., role, relationship, _, _, _, at, _, _, set_at] = &contact[..] else {
        unreachable!("a contact has more columns")
    };
    let all = [id, at, organization, account, role, relationship];
    all.into_iter().cloned().chain([Value::Bool(true), Value::Bool(set_at == at)]).collect()
}

/// Returns the UTC day of an instant, in days since 1970. It differs from the local day for an hour or two after local
/// midnight.
pub fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

fn opportunities() -> impl Iterator<Item = Row> {
    (0..OPPORTUNITIES).map(|number| {
        let mut random = Random::of(206, number);
        let at = spread(number, OPPORTUNITIES, NOW - 730 * DAY);
        let of = random.below(ACCOUNTS);
        let closed = random.percent(60);
        let stage = if closed {
            random.one_of(&["WON", "LOST"])
        } else {
            random.one_of(&["IDENTIFIED", "QUALIFIED", "PROPOSED", "NEGOTIATING"])
        };
        let name = random.one_of(words::SUBJECT);
        let length = 10 + random.up_to(200);
        row![
            id(Kind::Opportunity, number, at),
            organization(0),
            account(of),
            user(0, owner(of)),
            name,
            name.to_lowercase(),
            random.percent(90).then_some(100_000 * (1 + random.up_to(2_000))),
            stage,
            None::<i64>,
            day(at),
            (!closed).then_some(day(at) + length),
            closed.then_some((day(at) + length).min(day(NOW))),
            (stage == "LOST").then_some("Price too high"),
            "[]",
            "{}",
            at,
            at,
            1,
        ]
    })
}

fn bookings() -> impl Iterator<Item = Row> {
    (0..BOOKINGS).map(|number| {
        let mut random = Random::of(207, number);
        let at = spread(number, BOOKINGS, NOW - 730 * DAY);
        let of = random.below(ACCOUNTS);
        let amount =
            if random.percent(3) { -1_000 * (1 + random.up_to(500)) } else { 1_000 * (1 + random.up_to(20_000)) };
        row![
            id(Kind::Booking, number, at),
            organization(0),
            account(of),
            amount,
            day(at),
            random.percent(50).then(|| random.one_of(words::SUBJECT)),
            user(0, owner(of)),
            "[]",
            at,
            at,
            1,
        ]
    })
}

/// Returns the tables of accounts and the rows that belong to them.
pub fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "account",
            columns: &[
                "id",
                "organization_id",
                "name",
                "name_key",
                "domain",
                "industry",
                "industry_key",
                "employees",
                "annual_revenue",
                "country",
                "country_key",
                "city",
                "city_key",
                "phone",
                "description",
                "potential",
                "owner_id",
                "external_ids",
                "custom_fields",
                "created_at",
                "updated_at",
                "version",
                "score",
            ],
            rows: Box::new(accounts()),
        },
        Table {
            name: "external_id",
            columns: &["organization_id", "noun", "source", "id", "subject_id"],
            rows: Box::new(account_external_ids()),
        },
        Table {
            name: "seat",
            columns: &["account_id", "user_id", "organization_id", "owner", "role", "since"],
            rows: Box::new(seats()),
        },
        Table {
            name: "contact",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "name",
                "name_key",
                "title",
                "title_key",
                "department",
                "email",
                "phone",
                "buying_role",
                "relationship",
                "do_not_contact",
                "external_ids",
                "custom_fields",
                "created_at",
                "updated_at",
                "version",
                "relationship_set_at",
            ],
            rows: Box::new(contacts()),
        },
        Table {
            name: "acquaintance",
            columns: &[
                "contact_id",
                "since",
                "organization_id",
                "account_id",
                "buying_role",
                "relationship",
                "first",
                "relationship_set",
            ],
            rows: Box::new(contacts().map(|contact| acquaintance_row(&contact))),
        },
        Table {
            name: "opportunity",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "owner_id",
                "name",
                "name_key",
                "amount",
                "stage",
                "probability",
                "opened_on",
                "expected_close_on",
                "closed_on",
                "loss_reason",
                "external_ids",
                "custom_fields",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(opportunities()),
        },
        Table {
            name: "booking",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "amount",
                "booked_on",
                "description",
                "seller_id",
                "external_ids",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(bookings().chain(list::bookings())),
        },
    ]
}
