//! Organizations, their members and credentials.
//!
//! Members are numbered within their organization:
//!
//! - In the large organization, an administrator (0) is outside the hierarchy. Six managers (2 to 7) report to a director
//!   (1), and the sellers (8 to 49) report to these managers. The director, a manager, sends most requests, so that the
//!   visible accounts must be determined from seats.
//! - In the organization with the long target list, the seller (2) reports to a manager (1), who reports to an
//!   administrator (0).
//! - In the sales force, the sellers (from 2) report to a manager (1), who reports to an administrator (0).

use uuid::Uuid;

use super::random::Random;
use super::{
    CURRENCY, DAY, FORCE, FORCE_SELLERS, Kind, LIST, LIST_USERS, NOW, Row, SMALL, SMALL_USERS, Set, Table, USERS,
    Value, ZONE, id, row, words,
};

/// The password of all members.
pub const PASSWORD: &str = "correct horse battery staple";
/// The password's hash, with the server's parameters and the salt `callshot-bench-0`.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y2FsbHNob3QtYmVuY2gtMA$rFtbQJu+qaAs9Nms9qk+pKFuSSVLHM9u3b3RQTBfzb0";
const HOURS: &str = r#"[{"weekday":1,"from":"09:00","to":"17:00"},{"weekday":2,"from":"09:00","to":"17:00"},{"weekday":3,"from":"09:00","to":"17:00"},{"weekday":4,"from":"09:00","to":"17:00"},{"weekday":5,"from":"09:00","to":"17:00"}]"#;

/// When the organizations and members were created.
const FOUNDED: i64 = NOW - 1_200 * DAY;
/// The number of the first seller of the large organization.
pub const FIRST_SELLER: u64 = 8;

/// A member of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The organization's number; 0 is the large one.
    pub organization: u64,
    /// The member's number within the organization.
    pub number: u64,
}

impl Person {
    /// The director of the large organization, who sees all accounts through the seats of the sellers.
    pub const DIRECTOR: Self = Self { organization: 0, number: 1 };

    /// The seller with the long target list.
    pub const SELLER: Self = Self { organization: LIST, number: 2 };
    /// The manager of that seller.
    pub const MANAGER: Self = Self { organization: LIST, number: 1 };

    /// Returns the email address to sign in with.
    #[must_use]
    pub fn email(self) -> String {
        format!("user{}@organization{}.example", self.number, self.organization)
    }

    /// Returns the user's id.
    #[must_use]
    pub fn id(self) -> Uuid {
        user(self.organization, self.number)
    }
}

/// Returns the id of an organization.
#[must_use]
pub fn organization(number: u64) -> Uuid {
    id(Kind::Organization, number, FOUNDED)
}

/// Returns the id of a member.
#[must_use]
pub fn user(organization: u64, number: u64) -> Uuid {
    id(Kind::User, organization * 1_000 + number, FOUNDED)
}

/// Returns the members of all organizations in a set.
fn members(set: Set) -> Vec<Person> {
    if set == Set::Force {
        return (0..FORCE_SELLERS + 2).map(|number| Person { organization: FORCE, number }).collect();
    }
    let large = (0..USERS).map(|number| Person { organization: 0, number });
    let small =
        (1..=SMALL).flat_map(|organization| (0..SMALL_USERS).map(move |number| Person { organization, number }));
    large.chain(small).chain((0..LIST_USERS).map(|number| Person { organization: LIST, number })).collect()
}

/// Returns the number of the member that a person reports to.
const fn manager_of(person: Person) -> Option<u64> {
    match (person.organization, person.number) {
        (0, 0 | 1) | (_, 0) => None,
        (0, 2..FIRST_SELLER) => Some(1),
        (0, seller) => Some(2 + (seller - FIRST_SELLER) % 6),
        (LIST, seller @ 2..) => Some(seller - 1),
        (FORCE, 2..) => Some(1),
        (_, _) => Some(0),
    }
}

const fn role(person: Person) -> &'static str {
    match (person.organization, person.number) {
        (_, 0) => "ADMIN",
        (0, 1..FIRST_SELLER) | (LIST | FORCE, 1) => "MANAGER",
        _ => "SELLER",
    }
}

fn organizations(set: Set) -> impl Iterator<Item = Row> {
    let numbers = match set {
        Set::Book => 0..=LIST,
        Set::Force => FORCE..=FORCE,
    };
    numbers.map(|number| {
        let name = if number == 0 { "Initech".to_owned() } else { format!("Initech {number}") };
        row![
            organization(number),
            name,
            CURRENCY,
            ZONE.name(),
            1,
            Some(10_000_000_i64),
            30.0,
            0.5,
            0.5,
            0.6,
            3,
            120,
            0.1,
            5.0,
            20.0,
            Value::Bytes(vec![0; 32]),
            FOUNDED,
            1,
        ]
    })
}

fn member(person: Person) -> Row {
    let Person { organization: of, number } = person;
    let mut random = Random::of(101, of * 1_000 + number);
    let name = format!("{} {}", random.one_of(words::FIRST), random.one_of(words::LAST));
    row![
        person.id(),
        organization(of),
        name.clone(),
        name.to_lowercase(),
        person.email(),
        role(person),
        None::<&str>,
        ZONE.name(),
        manager_of(person).map(|number| user(of, number)),
        HOURS,
        true,
        FOUNDED,
        FOUNDED,
        1,
    ]
}

fn credential(person: Person) -> Row {
    row![person.id(), organization(person.organization), HASH]
}

/// Returns the tables of organizations, members and credentials.
pub fn tables(set: Set) -> Vec<Table> {
    vec![
        Table {
            name: "organization",
            columns: &[
                "id",
                "name",
                "currency",
                "time_zone",
                "fiscal_year_start_month",
                "key_account_threshold",
                "presence_half_life_days",
                "presence_threshold",
                "selling_share",
                "target_share",
                "key_people_per_target",
                "big_blank_minutes",
                "pipeline_margin",
                "target_band_low",
                "target_band_high",
                "erasure_key",
                "created_at",
                "version",
            ],
            rows: Box::new(organizations(set)),
        },
        Table {
            name: "member",
            columns: &[
                "id",
                "organization_id",
                "name",
                "name_key",
                "email",
                "role",
                "title",
                "time_zone",
                "manager_id",
                "working_hours",
                "active",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(members(set).into_iter().map(member)),
        },
        Table {
            name: "credential",
            columns: &["user_id", "organization_id", "password_hash"],
            rows: Box::new(members(set).into_iter().map(credential)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_members_but_the_administrator_report_to_the_director_directly_or_indirectly() {
        for number in 2..USERS {
            let mut person = Person { organization: 0, number };
            while let Some(number) = manager_of(person) {
                person = Person { organization: 0, number };
            }
            assert_eq!(person, Person::DIRECTOR);
        }
        let addresses = |set| members(set).into_iter().map(Person::email).collect::<std::collections::HashSet<_>>();
        assert_eq!(addresses(Set::Book).len(), 50 + 256 + 3);
        assert_eq!(addresses(Set::Force).len(), 52);
    }
}
