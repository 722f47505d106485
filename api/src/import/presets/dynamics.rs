//! `--from dynamics`: the workbooks of Microsoft Dynamics 365's “Export to Excel”, by display name. The first of three
//! `(Do Not Modify)` columns holds the row's GUID.

use super::{Field, Kind, PLAIN, Preset};
use crate::import::target::{Stage, TouchKind};

/// Microsoft Dynamics 365.
pub const PRESET: Preset = Preset {
    source: "dynamics",
    columns: &[
        (
            Kind::Users,
            &[
                (Field::Name, &["Full Name"]),
                (Field::FirstName, &["First Name"]),
                (Field::LastName, &["Last Name"]),
                (Field::Email, &["Primary Email", "Email"]),
                (Field::Manager, &["Manager"]),
                (Field::Title, &["Title", "Job Title"]),
            ],
        ),
        (
            Kind::Accounts,
            &[
                (Field::Id, &["(Do Not Modify) Account"]),
                (Field::Name, &["Account Name"]),
                (Field::Domain, &["Website"]),
                (Field::Industry, &["Industry"]),
                (Field::Employees, &["Number of Employees", "No. of Employees"]),
                (Field::AnnualRevenue, &["Annual Revenue"]),
                (Field::Currency, &["Currency"]),
                (Field::Country, &["Address 1: Country/Region"]),
                (Field::City, &["Address 1: City"]),
                (Field::Phone, &["Main Phone", "Other Phone"]),
                (Field::Description, &["Description"]),
                (Field::Owner, &["Owner"]),
                (Field::ParentName, &["Parent Account"]),
            ],
        ),
        (
            Kind::Contacts,
            &[
                (Field::Id, &["(Do Not Modify) Contact"]),
                (Field::Name, &["Full Name"]),
                (Field::FirstName, &["First Name"]),
                (Field::LastName, &["Last Name"]),
                (Field::AccountName, &["Company Name", "Account Name"]),
                (Field::Title, &["Job Title"]),
                (Field::Department, &["Department"]),
                (Field::Email, &["Email", "Email Address 2"]),
                (Field::Phone, &["Business Phone", "Mobile Phone"]),
            ],
        ),
        (
            Kind::Opportunities,
            &[
                (Field::Id, &["(Do Not Modify) Opportunity"]),
                (Field::Name, &["Topic"]),
                (Field::AccountName, &["Account", "Potential Customer"]),
                (Field::Amount, &["Actual Revenue", "Est. revenue"]),
                (Field::Currency, &["Currency"]),
                (Field::Status, &["Status"]),
                (Field::Stage, &["Pipeline Phase", "Sales Stage", "Process Stage"]),
                (Field::Probability, &["Probability"]),
                (Field::OpenedOn, &["Created On"]),
                (Field::ExpectedCloseOn, &["Est. close date"]),
                (Field::ClosedOn, &["Actual Close Date"]),
                (Field::LossReason, &["Status Reason"]),
                (Field::Owner, &["Owner"]),
            ],
        ),
        (
            Kind::Touches,
            &[
                (
                    Field::Id,
                    &[
                        "(Do Not Modify) Activity",
                        "(Do Not Modify) Phone Call",
                        "(Do Not Modify) Appointment",
                        "(Do Not Modify) Task",
                    ],
                ),
                (Field::RelatedName, &["Regarding"]),
                (Field::At, &["Start Time", "Start Date", "Actual Start", "Due Date"]),
                (Field::Kind, &["Activity Type"]),
                (Field::Status, &["Activity Status", "Status"]),
                (Field::DurationMinutes, &["Duration"]),
                (Field::Subject, &["Subject"]),
                (Field::Notes, &["Description"]),
                (Field::Owner, &["Owner"]),
                (Field::RecordedAt, &["Date Created", "Created On"]),
            ],
        ),
    ],
    custom: &[],
    stages: &[
        ("Qualify", Stage::Identified),
        ("1-Qualify", Stage::Identified),
        ("Develop", Stage::Qualified),
        ("2-Develop", Stage::Qualified),
        ("Propose", Stage::Proposed),
        ("3-Propose", Stage::Proposed),
        ("Close", Stage::Negotiating),
        ("4-Close", Stage::Negotiating),
    ],
    touch_kinds: &[
        ("Phone Call", Some(TouchKind::Call)),
        ("Email", Some(TouchKind::Email)),
        ("Appointment", Some(TouchKind::Meeting)),
        ("Letter", Some(TouchKind::Mail)),
        ("Fax", Some(TouchKind::Other)),
        ("Task", Some(TouchKind::Other)),
    ],
    habits: PLAIN,
};
