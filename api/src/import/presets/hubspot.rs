//! `--from hubspot`: the files of its “Export”, by label.

use super::{Field, Habits, Kind, PLAIN, Preset};
use crate::import::target::{Stage, TouchKind};

/// The files of its “Export”.
pub const PRESET: Preset = Preset {
    source: "hubspot",
    columns: &[
        (
            Kind::Users,
            &[
                (Field::FirstName, &["First Name"]),
                (Field::LastName, &["Last Name"]),
                (Field::Name, &["Name"]),
                (Field::Email, &["Email", "Email Address"]),
            ],
        ),
        (
            Kind::Accounts,
            &[
                (Field::Id, &["Record ID", "Company ID"]),
                (Field::Name, &["Company name", "Name"]),
                (Field::Domain, &["Company Domain Name", "Website URL"]),
                (Field::Industry, &["Industry"]),
                (Field::Employees, &["Number of Employees"]),
                (Field::AnnualRevenue, &["Annual Revenue"]),
                (Field::Currency, &["Currency"]),
                (Field::Country, &["Country/Region", "Country"]),
                (Field::City, &["City"]),
                (Field::Phone, &["Phone Number"]),
                (Field::Description, &["Description"]),
                (Field::Owner, &["Company owner"]),
                (Field::ParentId, &["Parent Company ID", "Associated Parent Company IDs"]),
                (Field::ParentName, &["Parent Company"]),
            ],
        ),
        (
            Kind::Contacts,
            &[
                (Field::Id, &["Record ID", "Contact ID"]),
                (Field::FirstName, &["First Name"]),
                (Field::LastName, &["Last Name"]),
                (Field::AccountId, &["Associated Company IDs (Primary)", "Associated Company IDs"]),
                (Field::AccountName, &["Associated Company (Primary)", "Associated Company", "Company Name"]),
                (Field::Title, &["Job Title"]),
                (Field::Email, &["Email"]),
                (Field::Phone, &["Phone Number", "Mobile Phone Number"]),
            ],
        ),
        (
            Kind::Opportunities,
            &[
                (Field::Id, &["Record ID", "Deal ID"]),
                (Field::Name, &["Deal Name"]),
                (Field::AccountId, &["Associated Company IDs (Primary)", "Associated Company IDs"]),
                (
                    Field::AccountName,
                    &["Associated Company (Primary)", "Associated Company Names (Primary)", "Associated Company"],
                ),
                (Field::Amount, &["Amount in company currency", "Amount"]),
                (Field::Currency, &["Currency", "Deal currency code"]),
                (Field::Stage, &["Deal Stage"]),
                (Field::OpenedOn, &["Create Date"]),
                (Field::CloseOn, &["Close Date"]),
                (Field::LossReason, &["Closed Lost Reason"]),
                (Field::Owner, &["Deal owner"]),
            ],
        ),
        (
            Kind::Touches,
            &[
                (Field::Id, &["Record ID", "Engagement ID"]),
                (Field::AccountId, &["Associated Company IDs (Primary)", "Associated Company IDs"]),
                (Field::AccountName, &["Associated Company (Primary)", "Associated Company", "Associated Companies"]),
                (Field::OpportunityId, &["Associated Deal IDs", "Associated Deal"]),
                (Field::ContactIds, &["Associated Contact IDs", "Associated Contact", "Associated Contacts"]),
                (Field::At, &["Activity date"]),
                (Field::Kind, &["Activity type", "Type"]),
                (Field::Subject, &["Meeting name", "Task title", "Subject", "Title"]),
                (Field::Notes, &["Note body", "Call notes", "Meeting description"]),
                (Field::Owner, &["Activity assigned to"]),
                (Field::RecordedAt, &["Create Date"]),
            ],
        ),
    ],
    custom: &[],
    stages: &[
        ("Appointment Scheduled", Stage::Identified),
        ("Qualified To Buy", Stage::Qualified),
        ("Presentation Scheduled", Stage::Qualified),
        ("Decision Maker Bought-In", Stage::Proposed),
        ("Contract Sent", Stage::Negotiating),
        ("Closed Won", Stage::Won),
        ("Closed Lost", Stage::Lost),
    ],
    touch_kinds: &[
        ("Call", Some(TouchKind::Call)),
        ("Email", Some(TouchKind::Email)),
        ("Meeting", Some(TouchKind::Meeting)),
        ("LinkedIn message", Some(TouchKind::Message)),
        ("SMS", Some(TouchKind::Message)),
        ("WhatsApp", Some(TouchKind::Message)),
        ("Postal mail", Some(TouchKind::Mail)),
        ("Note", None),
        ("Task", None),
    ],
    habits: Habits { opened_when_recorded: true, associations: true, ..PLAIN },
};
