//! `--from maven`: Maven Analytics' “CRM Sales Opportunities”, a seller of computer hardware. Accounts and users have no
//! id but their name, and an opportunity no name but its product's.

use super::{Field, Habits, Kind, PLAIN, Preset};
use crate::import::target::Stage;

/// Maven Analytics.
pub const PRESET: Preset = Preset {
    source: "maven",
    columns: &[
        (Kind::Users, &[(Field::Name, &["sales_agent"]), (Field::Manager, &["manager"]), (Field::Email, &["email"])]),
        (
            Kind::Accounts,
            &[
                (Field::Name, &["account"]),
                (Field::Industry, &["sector"]),
                (Field::AnnualRevenue, &["revenue"]),
                (Field::Employees, &["employees"]),
                (Field::Country, &["office_location"]),
                (Field::ParentName, &["subsidiary_of"]),
            ],
        ),
        (
            Kind::Opportunities,
            &[
                (Field::Id, &["opportunity_id"]),
                (Field::Owner, &["sales_agent"]),
                (Field::Name, &["product"]),
                (Field::AccountName, &["account"]),
                (Field::Stage, &["deal_stage"]),
                (Field::OpenedOn, &["engage_date"]),
                (Field::CloseOn, &["close_date"]),
                (Field::Amount, &["close_value"]),
            ],
        ),
    ],
    custom: &[(Kind::Accounts, "year_established", "yearEstablished"), (Kind::Opportunities, "product", "product")],
    stages: &[
        ("Prospecting", Stage::Identified),
        ("Engaging", Stage::Qualified),
        ("Won", Stage::Won),
        ("Lost", Stage::Lost),
    ],
    touch_kinds: &[],
    habits: Habits { accounts_by_name: true, revenue_unit: 1_000_000, ..PLAIN },
};
