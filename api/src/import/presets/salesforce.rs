//! `--from salesforce`: exports by API name (Data Loader, Data Export, sfdx trees) and by label (reports, the import
//! wizard's samples).

use super::{Field, Habits, Kind, PLAIN, Preset};
use crate::import::{
    read::REFERENCE_TITLE,
    stand_in::{Stage, TouchKind},
};

/// Salesforce.
pub const PRESET: Preset = Preset {
    source: "salesforce",
    columns: &[
        (
            Kind::Users,
            &[
                (Field::Name, &["Name", "Full Name"]),
                (Field::FirstName, &["FirstName", "First Name"]),
                (Field::LastName, &["LastName", "Last Name"]),
                (Field::Email, &["Email", "Username"]),
                (
                    Field::Manager,
                    &["Manager.Email", "Manager.Name", "Manager"],
                ),
                (Field::Title, &["Title"]),
            ],
        ),
        (
            Kind::Accounts,
            &[
                (Field::Id, &["Id", "Account ID", REFERENCE_TITLE]),
                (Field::Name, &["Name", "Account Name"]),
                (Field::Domain, &["Website"]),
                (Field::Industry, &["Industry"]),
                (Field::Employees, &["NumberOfEmployees", "Employees"]),
                (Field::AnnualRevenue, &["AnnualRevenue", "Annual Revenue"]),
                (
                    Field::Country,
                    &[
                        "BillingCountry",
                        "Billing Country",
                        "ShippingCountry",
                        "Shipping Country",
                    ],
                ),
                (
                    Field::City,
                    &[
                        "BillingCity",
                        "Billing City",
                        "ShippingCity",
                        "Shipping City",
                    ],
                ),
                (Field::Phone, &["Phone"]),
                (Field::Description, &["Description", "Account Description"]),
                (
                    Field::Owner,
                    &["Owner.Email", "Owner Email", "Account Owner", "Owner.Name"],
                ),
                (Field::OwnerId, &["OwnerId", "Owner ID"]),
                (Field::ParentId, &["ParentId", "Parent Account ID"]),
                (Field::ParentName, &["Parent.Name", "Parent Account"]),
                (Field::Deleted, &["IsDeleted"]),
            ],
        ),
        (
            Kind::Contacts,
            &[
                (Field::Id, &["Id", "Contact ID", REFERENCE_TITLE]),
                (Field::Name, &["Name", "Full Name"]),
                (Field::FirstName, &["FirstName", "First Name"]),
                (Field::LastName, &["LastName", "Last Name"]),
                (Field::AccountId, &["AccountId", "Account ID"]),
                (Field::AccountName, &["Account.Name", "Account Name"]),
                (Field::Title, &["Title"]),
                (Field::Department, &["Department"]),
                (Field::Email, &["Email"]),
                (
                    Field::Phone,
                    &["Phone", "MobilePhone", "Mobile", "HomePhone", "OtherPhone"],
                ),
                (Field::ReportsTo, &["ReportsToId", "Reports To ID"]),
                (Field::DoNotContact, &["DoNotContact"]),
                (Field::Deleted, &["IsDeleted"]),
            ],
        ),
        (
            Kind::Opportunities,
            &[
                (Field::Id, &["Id", "Opportunity ID", REFERENCE_TITLE]),
                (Field::Name, &["Name", "Opportunity Name"]),
                (Field::AccountId, &["AccountId", "Account ID"]),
                (Field::AccountName, &["Account.Name", "Account Name"]),
                (Field::Amount, &["Amount"]),
                (Field::Stage, &["StageName", "Stage"]),
                (Field::Probability, &["Probability", "Probability (%)"]),
                (Field::OpenedOn, &["CreatedDate", "Created Date"]),
                (Field::CloseOn, &["CloseDate", "Close Date"]),
                (
                    Field::LossReason,
                    &["Loss_Reason__c", "LossReason__c", "Loss Reason"],
                ),
                (
                    Field::Owner,
                    &[
                        "Owner.Email",
                        "Owner Email",
                        "Opportunity Owner",
                        "Owner.Name",
                    ],
                ),
                (Field::OwnerId, &["OwnerId", "Owner ID"]),
                (Field::Deleted, &["IsDeleted"]),
            ],
        ),
        (
            Kind::Touches,
            &[
                (Field::Id, &["Id", "Activity ID", REFERENCE_TITLE]),
                (Field::AccountId, &["AccountId", "Account ID"]),
                (Field::AccountName, &["Account.Name", "Company / Account"]),
                (Field::WhoId, &["WhoId", "Name ID"]),
                (Field::WhatId, &["WhatId", "Related To ID"]),
                (Field::Subject, &["Subject"]),
                (Field::Notes, &["Description", "Full Comments"]),
                (
                    Field::At,
                    &["StartDateTime", "ActivityDateTime", "ActivityDate", "Date"],
                ),
                (Field::DurationMinutes, &["DurationInMinutes"]),
                (Field::DurationSeconds, &["CallDurationInSeconds"]),
                (
                    Field::Kind,
                    &["Type", "Type__c", "TaskSubtype", "EventSubtype"],
                ),
                (Field::Status, &["Status"]),
                (Field::Direction, &["CallType"]),
                (Field::RecordedAt, &["CreatedDate", "Created Date"]),
                (
                    Field::Owner,
                    &["Owner.Email", "Owner Email", "Assigned", "Owner.Name"],
                ),
                (Field::OwnerId, &["OwnerId", "Owner ID"]),
                (Field::Deleted, &["IsDeleted"]),
            ],
        ),
    ],
    custom: &[],
    // The standard picklists of Sales Cloud and of Salesforce Starter, and the spellings that organizations keep.
    stages: &[
        ("Prospecting", Stage::Identified),
        ("Qualification", Stage::Qualified),
        ("Qualify", Stage::Qualified),
        ("Discovery", Stage::Qualified),
        ("Needs Analysis", Stage::Qualified),
        ("Meet & Present", Stage::Qualified),
        ("Value Proposition", Stage::Qualified),
        ("Id. Decision Makers", Stage::Qualified),
        ("Perception Analysis", Stage::Qualified),
        ("Proposal/Price Quote", Stage::Proposed),
        ("Proposal/Quote", Stage::Proposed),
        ("Proposal", Stage::Proposed),
        ("Propose", Stage::Proposed),
        ("Negotiation/Review", Stage::Negotiating),
        ("Negotiation", Stage::Negotiating),
        ("Negotiate", Stage::Negotiating),
        ("Closed Won", Stage::Won),
        ("Closed Lost", Stage::Lost),
    ],
    touch_kinds: &[
        ("Call", Some(TouchKind::Call)),
        ("Email", Some(TouchKind::Email)),
        ("ListEmail", Some(TouchKind::Email)),
        ("Meeting", Some(TouchKind::Meeting)),
        ("LinkedIn", Some(TouchKind::Message)),
        ("Send Letter", Some(TouchKind::Mail)),
        ("Send Quote", Some(TouchKind::Email)),
        ("Event", Some(TouchKind::Meeting)),
        ("Other", Some(TouchKind::Other)),
        ("Task", Some(TouchKind::Other)),
        ("Prep", None),
        ("Cadence", None),
    ],
    habits: Habits {
        salesforce_ids: true,
        opened_when_recorded: true,
        ..PLAIN
    },
};
