//! `--from zoho`: the files of Zoho CRM's and Bigin's “Export”, by label; ids carry the prefix `zcrm_`.

use super::{Field, Habits, Kind, PLAIN, Preset};
use crate::import::stand_in::{Stage, TouchKind};

/// Zoho CRM.
pub const PRESET: Preset = Preset {
    source: "zoho",
    columns: &[
        (
            Kind::Users,
            &[
                (Field::FirstName, &["First Name"]),
                (Field::LastName, &["Last Name"]),
                (Field::Name, &["Full Name", "Name"]),
                (Field::Email, &["Email"]),
                (Field::Manager, &["Reporting To"]),
            ],
        ),
        (
            Kind::Accounts,
            &[
                (Field::Id, &["Record Id", "Account Id", "Company Id"]),
                (Field::Name, &["Account Name", "Company Name"]),
                (Field::Domain, &["Website"]),
                (Field::Industry, &["Industry"]),
                (Field::Employees, &["Employees", "No. of Employees"]),
                (Field::AnnualRevenue, &["Annual Revenue"]),
                (
                    Field::Country,
                    &["Billing Country", "Billing Address - Country / Region"],
                ),
                (Field::City, &["Billing City", "Billing Address - City"]),
                (Field::Phone, &["Phone"]),
                (Field::Description, &["Description"]),
                (Field::Owner, &["Account Owner", "Company Owner"]),
                (Field::OwnerId, &["Account Owner.id", "Company Owner.id"]),
                (Field::ParentId, &["Parent Account.id"]),
                (Field::ParentName, &["Parent Account"]),
            ],
        ),
        (
            Kind::Contacts,
            &[
                (Field::Id, &["Record Id", "Contact Id"]),
                (Field::Name, &["Contact Name", "Full Name"]),
                (Field::FirstName, &["First Name"]),
                (Field::LastName, &["Last Name"]),
                (Field::AccountId, &["Account Name.id", "Company Name.id"]),
                (Field::AccountName, &["Account Name", "Company Name"]),
                (Field::Title, &["Title"]),
                (Field::Department, &["Department"]),
                (Field::Email, &["Email"]),
                (Field::Phone, &["Phone", "Mobile"]),
                (Field::ReportsTo, &["Reporting To.id"]),
            ],
        ),
        (
            Kind::Opportunities,
            &[
                (Field::Id, &["Record Id", "Deal Id"]),
                (Field::Name, &["Deal Name"]),
                (Field::AccountId, &["Account Name.id", "Company Name.id"]),
                (Field::AccountName, &["Account Name", "Company Name"]),
                (Field::Amount, &["Amount"]),
                (Field::Stage, &["Stage"]),
                (Field::Probability, &["Probability (%)", "Probability"]),
                (Field::OpenedOn, &["Created Time"]),
                (Field::CloseOn, &["Closing Date"]),
                (Field::LossReason, &["Reason For Loss"]),
                (Field::Owner, &["Deal Owner"]),
                (Field::OwnerId, &["Deal Owner.id"]),
            ],
        ),
        (
            Kind::Touches,
            &[
                (Field::Id, &["Record Id"]),
                (Field::AccountId, &["Account Name.id"]),
                (Field::AccountName, &["Account Name"]),
                (Field::OpportunityId, &["Deal Name.id"]),
                (Field::ContactIds, &["Contact Name.id", "Participants.id"]),
                (Field::At, &["Call Start Time", "From", "Due Date"]),
                (Field::Kind, &["Activity Type", "Type"]),
                (Field::Status, &["Status", "Call Status"]),
                (Field::Direction, &["Call Type"]),
                (Field::DurationSeconds, &["Call Duration (in seconds)"]),
                (Field::Subject, &["Subject", "Title"]),
                (Field::Notes, &["Description", "Call Agenda"]),
                (Field::Owner, &["Task Owner", "Call Owner", "Host"]),
                (
                    Field::OwnerId,
                    &["Task Owner.id", "Call Owner.id", "Host.id"],
                ),
                (Field::RecordedAt, &["Created Time"]),
            ],
        ),
    ],
    custom: &[],
    stages: &[
        ("Qualification", Stage::Qualified),
        ("Needs Analysis", Stage::Qualified),
        ("Value Proposition", Stage::Qualified),
        ("Identify Decision Makers", Stage::Qualified),
        ("Id. Decision Makers", Stage::Qualified),
        ("Proposal/Price Quote", Stage::Proposed),
        ("Negotiation/Review", Stage::Negotiating),
        ("Closed Won", Stage::Won),
        ("Closed Lost", Stage::Lost),
        ("Closed Lost to Competition", Stage::Lost),
    ],
    touch_kinds: &[
        ("Call", Some(TouchKind::Call)),
        ("Calls", Some(TouchKind::Call)),
        ("Email", Some(TouchKind::Email)),
        ("Meeting", Some(TouchKind::Meeting)),
        ("Events", Some(TouchKind::Meeting)),
        ("Tasks", Some(TouchKind::Other)),
    ],
    habits: Habits {
        opened_when_recorded: true,
        ..PLAIN
    },
};
