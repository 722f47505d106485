//! `--from csv`: a file whose column titles are our own field names. Its lists also say which fields a kind has.

use super::{Field, Kind, OWN_STAGES, OWN_TOUCH_KINDS, PLAIN, Preset, Titles};

/// Our own field names.
pub const PRESET: Preset = Preset {
    source: "csv",
    columns: &[
        (Kind::Users, USERS),
        (Kind::Accounts, ACCOUNTS),
        (Kind::Contacts, CONTACTS),
        (Kind::Opportunities, OPPORTUNITIES),
        (Kind::Bookings, BOOKINGS),
        (Kind::Touches, TOUCHES),
    ],
    custom: &[],
    stages: OWN_STAGES,
    touch_kinds: OWN_TOUCH_KINDS,
    habits: PLAIN,
};

const USERS: &[(Field, Titles)] = &[
    (Field::Name, &["name"]),
    (Field::FirstName, &["firstName"]),
    (Field::LastName, &["lastName"]),
    (Field::Email, &["email"]),
    (Field::Role, &["role"]),
    (Field::Manager, &["manager", "managerEmail"]),
    (Field::Title, &["title"]),
];

const ACCOUNTS: &[(Field, Titles)] = &[
    (Field::Id, &["id"]),
    (Field::Name, &["name"]),
    (Field::Domain, &["domain", "website"]),
    (Field::Industry, &["industry"]),
    (Field::Employees, &["employees"]),
    (Field::AnnualRevenue, &["annualRevenue"]),
    (Field::Potential, &["potential"]),
    (Field::Currency, &["currency"]),
    (Field::Country, &["country"]),
    (Field::City, &["city"]),
    (Field::Phone, &["phone"]),
    (Field::Description, &["description"]),
    (Field::Owner, &["owner", "ownerEmail"]),
    (Field::OwnerId, &["ownerId"]),
    (Field::ParentId, &["parentId"]),
    (Field::ParentName, &["parent", "parentName"]),
    (Field::Deleted, &["deleted"]),
];

const CONTACTS: &[(Field, Titles)] = &[
    (Field::Id, &["id"]),
    (Field::Name, &["name"]),
    (Field::FirstName, &["firstName"]),
    (Field::LastName, &["lastName"]),
    (Field::AccountId, &["accountId"]),
    (Field::AccountName, &["account", "accountName"]),
    (Field::AccountDomain, &["accountDomain"]),
    (Field::Title, &["title"]),
    (Field::Department, &["department"]),
    (Field::Email, &["email"]),
    (Field::Phone, &["phone"]),
    (Field::BuyingRole, &["buyingRole"]),
    (Field::Relationship, &["relationship"]),
    (Field::ReportsTo, &["reportsTo", "reportsToId"]),
    (Field::DoNotContact, &["doNotContact"]),
    (Field::Deleted, &["deleted"]),
];

const OPPORTUNITIES: &[(Field, Titles)] = &[
    (Field::Id, &["id"]),
    (Field::Name, &["name"]),
    (Field::AccountId, &["accountId"]),
    (Field::AccountName, &["account", "accountName"]),
    (Field::AccountDomain, &["accountDomain"]),
    (Field::Amount, &["amount"]),
    (Field::Currency, &["currency"]),
    (Field::Stage, &["stage"]),
    (Field::Status, &["status"]),
    (Field::Probability, &["probability"]),
    (Field::OpenedOn, &["openedOn"]),
    (Field::CloseOn, &["closeOn"]),
    (Field::ExpectedCloseOn, &["expectedCloseOn"]),
    (Field::ClosedOn, &["closedOn"]),
    (Field::LossReason, &["lossReason"]),
    (Field::Owner, &["owner", "ownerEmail"]),
    (Field::OwnerId, &["ownerId"]),
    (Field::Deleted, &["deleted"]),
];

const BOOKINGS: &[(Field, Titles)] = &[
    (Field::Id, &["id"]),
    (Field::AccountId, &["accountId"]),
    (Field::AccountName, &["account", "accountName"]),
    (Field::AccountDomain, &["accountDomain"]),
    (Field::Amount, &["amount"]),
    (Field::Currency, &["currency"]),
    (Field::BookedOn, &["bookedOn"]),
    (Field::Description, &["description"]),
    (Field::OpportunityId, &["opportunityId"]),
    (Field::Owner, &["seller", "sellerEmail"]),
    (Field::OwnerId, &["sellerId"]),
    (Field::Deleted, &["deleted"]),
];

const TOUCHES: &[(Field, Titles)] = &[
    (Field::Id, &["id"]),
    (Field::AccountId, &["accountId"]),
    (Field::AccountName, &["account", "accountName"]),
    (Field::AccountDomain, &["accountDomain"]),
    (Field::ContactIds, &["contacts", "contactIds"]),
    (Field::ContactEmails, &["contactEmails"]),
    (Field::ContactNames, &["contactNames"]),
    (Field::OpportunityId, &["opportunityId"]),
    (Field::OpportunityName, &["opportunity"]),
    (Field::Owner, &["user", "userEmail"]),
    (Field::OwnerId, &["userId"]),
    (Field::Kind, &["kind"]),
    (Field::Status, &["status"]),
    (Field::Direction, &["direction"]),
    (Field::At, &["at"]),
    (Field::AtTime, &["atTime"]),
    (Field::DurationMinutes, &["durationMinutes"]),
    (Field::DurationSeconds, &["durationSeconds"]),
    (Field::Subject, &["subject"]),
    (Field::Notes, &["notes"]),
    (Field::Responded, &["responded"]),
    (Field::Value, &["value"]),
    (Field::ValueAcknowledged, &["valueAcknowledged"]),
    (Field::RecordedAt, &["recordedAt"]),
    (Field::WhoId, &["whoId"]),
    (Field::WhatId, &["whatId"]),
    (Field::RelatedId, &["relatedId"]),
    (Field::RelatedName, &["related"]),
    (Field::Deleted, &["deleted"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_that_the_docs_list() {
        let docs = include_str!("../../../../docs/import.md");
        for (kind, columns) in PRESET.columns {
            let line = format!("| {} | ", kind.word());
            let listed = docs.lines().find_map(|text| text.strip_prefix(&line)).unwrap_or_else(|| panic!("{line}"));
            let first: Vec<String> = columns.iter().map(|(_, titles)| format!("`{}`", titles[0])).collect();
            assert_eq!(listed, format!("{} |", first.join(", ")));
        }
    }
}
