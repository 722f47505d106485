//! `--from pipedrive`: the files of Pipedrive's “Export data”, whose titles begin with what the row is.

use super::{Field, Habits, Kind, PLAIN, Preset};
use crate::import::target::{Stage, TouchKind};

/// Pipedrive.
pub const PRESET: Preset = Preset {
    source: "pipedrive",
    columns: &[
        (Kind::Users, &[(Field::Name, &["User - Name", "Name"]), (Field::Email, &["User - Email", "Email"])]),
        (
            Kind::Accounts,
            &[
                (Field::Id, &["Organization - ID", "ID"]),
                (Field::Name, &["Organization - Name", "Name"]),
                (Field::Domain, &["Organization - Website", "Website"]),
                (Field::Industry, &["Organization - Industry", "Industry"]),
                (Field::Employees, &["Organization - Number of employees", "Organization - Employee count"]),
                (Field::AnnualRevenue, &["Organization - Annual revenue"]),
                (Field::Currency, &["Organization - Currency"]),
                (Field::Country, &["Organization - Country of Address", "Country of Address"]),
                (
                    Field::City,
                    &["Organization - City/town/village/locality of Address", "City/town/village/locality of Address"],
                ),
                (Field::Owner, &["Organization - Owner", "Owner"]),
            ],
        ),
        (
            Kind::Contacts,
            &[
                (Field::Id, &["Person - ID", "ID"]),
                (Field::Name, &["Person - Name", "Name"]),
                (Field::FirstName, &["Person - First name"]),
                (Field::LastName, &["Person - Last name"]),
                (Field::AccountId, &["Person - Organization ID", "Organization - ID", "Organization ID"]),
                (Field::AccountName, &["Person - Organization", "Organization - Name", "Organization"]),
                (Field::Title, &["Person - Job title", "Job title"]),
                (
                    Field::Email,
                    &[
                        "Person - Email",
                        "Person - Email (Work)",
                        "Person - Email - Work",
                        "Person - Email (Home)",
                        "Person - Email - Home",
                    ],
                ),
                (Field::Phone, &["Person - Phone", "Person - Phone - Work", "Person - Phone - Mobile"]),
            ],
        ),
        (
            Kind::Opportunities,
            &[
                (Field::Id, &["Deal - ID", "ID"]),
                (Field::Name, &["Deal - Title", "Title"]),
                (Field::AccountId, &["Deal - Organization ID", "Organization ID"]),
                (Field::AccountName, &["Deal - Organization", "Organization - Name", "Organization"]),
                (Field::Amount, &["Deal - Value", "Value"]),
                (Field::Currency, &["Deal - Currency", "Currency"]),
                // An ended deal keeps the stage it ended in; its status says how it ended.
                (Field::Status, &["Deal - Status", "Status"]),
                (Field::Stage, &["Deal - Stage", "Stage"]),
                (Field::Probability, &["Deal - Probability", "Probability"]),
                (Field::OpenedOn, &["Deal - Deal created", "Deal created"]),
                (Field::ExpectedCloseOn, &["Deal - Expected close date", "Expected close date"]),
                (
                    Field::ClosedOn,
                    &["Deal - Won time", "Deal - Lost time", "Deal - Deal closed on", "Won time", "Lost time"],
                ),
                (Field::LossReason, &["Deal - Lost reason", "Lost reason"]),
                (Field::Owner, &["Deal - Owner", "Owner"]),
            ],
        ),
        (
            Kind::Touches,
            &[
                (Field::Id, &["Activity - ID", "ID"]),
                (Field::AccountId, &["Activity - Organization ID", "Organization ID"]),
                (Field::AccountName, &["Activity - Organization", "Organization"]),
                (
                    Field::ContactIds,
                    &["Activity - Contact person ID", "Activity - Person ID", "Contact person ID", "Person ID"],
                ),
                (Field::ContactNames, &["Activity - Contact person", "Activity - Person", "Contact person"]),
                (Field::OpportunityId, &["Activity - Deal ID", "Deal ID"]),
                (Field::OpportunityName, &["Activity - Deal", "Activity - Deal title", "Deal"]),
                (Field::At, &["Activity - Due date", "Due date"]),
                (Field::AtTime, &["Activity - Due time", "Due time"]),
                (Field::Status, &["Activity - Done", "Done"]),
                (Field::Kind, &["Activity - Type", "Type"]),
                (Field::Subject, &["Activity - Subject", "Subject"]),
                (Field::Notes, &["Activity - Note", "Note"]),
                (Field::Owner, &["Activity - Assigned to user", "Assigned to user"]),
                (Field::RecordedAt, &["Activity - Add time", "Add time"]),
            ],
        ),
    ],
    custom: &[],
    stages: &[
        ("Qualified", Stage::Qualified),
        ("Lead In", Stage::Identified),
        ("Contact Made", Stage::Identified),
        ("Needs Defined", Stage::Qualified),
        ("Demo Scheduled", Stage::Qualified),
        ("Proposal Made", Stage::Proposed),
        ("Negotiations Started", Stage::Negotiating),
        ("Won", Stage::Won),
        ("Lost", Stage::Lost),
    ],
    touch_kinds: &[
        ("Call", Some(TouchKind::Call)),
        ("Email", Some(TouchKind::Email)),
        ("Meeting", Some(TouchKind::Meeting)),
        ("Lunch", Some(TouchKind::Meeting)),
        ("Task", None),
        ("Deadline", None),
    ],
    habits: Habits { opened_when_recorded: true, ..PLAIN },
};
