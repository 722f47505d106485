//! The published sets, where they lie beside the workspace. They are no part of it; without them there is nothing to
//! test here.

use std::path::{Path, PathBuf};

use rust_decimal::Decimal;

use super::{Memory, import, reasons};
use crate::import::{
    report::{Counts, Report},
    sink::{MaybeUndefined, Role, Stage, TouchKind, TouchStatus},
};

fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    path.exists().then_some(path)
}

fn amount(whole: i64) -> crate::scalar::Decimal {
    crate::scalar::Decimal(Decimal::from(whole))
}

fn counts(created: usize, failed: usize) -> Counts {
    Counts { created, failed, ..Counts::default() }
}

fn load(memory: &Memory, words: &str, name: &str) -> Option<Report> {
    Some(import(memory, words, &[&data(name)?]).unwrap())
}

const MAVEN: &str = "--from maven --email-domain example.com";

fn maven_ground() -> Option<Memory> {
    let memory = Memory::default();
    let users = load(&memory, &format!("{MAVEN} --as users"), "maven-crm/sales_teams.csv")?;
    assert_eq!(users.rows, counts(41, 0));
    let accounts = load(&memory, &format!("{MAVEN} --as accounts"), "maven-crm/accounts.csv")?;
    assert_eq!(accounts.rows, counts(85, 0));
    Some(memory)
}

#[test]
fn maven_has_35_sellers_6_managers_and_15_subsidiaries() {
    let Some(memory) = maven_ground() else { return };
    let tables = memory.tables();
    let managers = tables.users.values().filter(|user| user.role_on_creation == Some(Role::Manager));
    assert_eq!(managers.count(), 6);
    assert_eq!(tables.users.values().filter(|user| !user.manager_email.is_undefined()).count(), 35);
    assert!(tables.users.contains_key("mei-mei.johns@example.com"));
    assert_eq!(tables.accounts.values().filter(|account| !account.parent.is_undefined()).count(), 15);
    let acme = &tables.accounts["maven:Acme Corporation"];
    assert_eq!(acme.annual_revenue, MaybeUndefined::Value(amount(1_100_040_000)));
}

#[test]
fn maven_opportunities_are_in_or_say_why_not() {
    let Some(memory) = maven_ground() else { return };
    let words = format!("{MAVEN} --as opportunities --book-won --own-by won");
    let dry = load(&memory, &format!("{words} --dry-run"), "maven-crm/sales_pipeline.csv").unwrap();
    assert!(memory.tables().opportunities.is_empty());
    let report = load(&memory, &words, "maven-crm/sales_pipeline.csv").unwrap();
    for report in [&dry, &report] {
        assert_eq!(report.rows, counts(7375, 1425));
        assert_eq!(report.bookings, Some(counts(4238, 0)));
        assert_eq!(report.owners.unwrap().updated, 85);
        assert!(reasons(report).iter().all(|(_, reason)| reason.starts_with("names no account")));
    }
    {
        let tables = memory.tables();
        assert_eq!(
            tables.accounts["maven:Acme Corporation"].name,
            MaybeUndefined::Value("Acme Corporation".to_owned())
        );
        let sum: Decimal = tables.bookings.values().filter_map(|booking| Some(booking.amount.take()?.0)).sum();
        assert_eq!(sum, Decimal::from(10_005_534));
        let open = tables.opportunities.values().filter(|row| row.stage == MaybeUndefined::Value(Stage::Identified));
        assert!(open.clone().all(|row| row.opened_on.is_undefined()) && open.count() > 0);
        assert!(tables.batches.iter().all(|rows| *rows <= 500));
    }
    let again = load(&memory, &words, "maven-crm/sales_pipeline.csv").unwrap();
    assert_eq!(
        (again.rows.unchanged, again.bookings.unwrap().unchanged, again.owners.unwrap().unchanged),
        (7375, 4238, 85)
    );
    let american = load(&memory, &words, "maven-crm/variant-us-dates/sales_pipeline.csv").unwrap();
    assert_eq!(american.rows.unchanged, 7375);
}

#[test]
fn a_default_account_takes_in_the_rest_and_a_dry_run_says_so() {
    let Some(memory) = maven_ground() else { return };
    let words = format!("{MAVEN} --as opportunities --default-account Unassigned");
    let dry = load(&memory, &format!("{words} --dry-run"), "maven-crm/sales_pipeline.csv").unwrap();
    assert_eq!(dry.rows, counts(8800, 0));
    let report = load(&memory, &words, "maven-crm/sales_pipeline.csv").unwrap();
    assert_eq!(report.rows, counts(8800, 0));
    assert_eq!(memory.tables().accounts.len(), 86);
}

#[test]
fn the_workshops_org_joins_up() {
    let memory = Memory::default();
    let file = |name: &str| format!("sfdc-data-cloud-workshop/{name}.csv");
    let load = |kind: &str, name: &str| load(&memory, &format!("--from salesforce --as {kind}"), &file(name));
    let Some(accounts) = load("accounts", "Account") else {
        return;
    };
    assert_eq!(accounts.rows, counts(22, 0));
    let contacts = load("contacts", "Contact").unwrap();
    assert_eq!(contacts.rows, counts(18, 84));
    let opportunities = load("opportunities", "Opportunity").unwrap();
    assert_eq!(opportunities.rows, counts(50, 0));
    let touches = load("touches", "Task").unwrap();
    assert_eq!(touches.rows, counts(27, 48));
    assert_eq!(reasons(&touches).iter().filter(|(_, reason)| reason.contains("is about a lead")).count(), 15);
    assert_eq!(reasons(&touches).iter().filter(|(_, reason)| reason.contains("“Prep” is work of our own")).count(), 15);
    let tables = memory.tables();
    assert!(tables.touches.values().all(|touch| touch.status == MaybeUndefined::Value(TouchStatus::Scheduled)));
    assert!(tables.touches.values().any(|touch| touch.kind == MaybeUndefined::Value(TouchKind::Meeting)));
    for row in tables.opportunities.values() {
        let end = row.closed_on.take().or(row.expected_close_on.take()).unwrap();
        assert!(row.opened_on.take().unwrap().0 <= end.0);
    }
}

#[test]
fn relations_give_contacts_their_account() {
    let Some(relations) = data("sfdc-data-cloud-workshop/AccountContactRelation.csv") else {
        return;
    };
    let memory = Memory::default();
    load(&memory, "--from salesforce --as accounts", "sfdc-data-cloud-workshop/Account.csv").unwrap();
    let words = format!("--from salesforce --as contacts --relations {}", relations.display());
    let report = load(&memory, &words, "sfdc-data-cloud-workshop/Contact.csv").unwrap();
    assert_eq!(report.rows, counts(18, 84));
}

#[test]
fn the_data_loaders_accounts_are_windows_1252() {
    let memory = Memory::default();
    let Some(accounts) = load(&memory, "--from salesforce --as accounts", "sfdc-dataloader/accountData.csv") else {
        return;
    };
    assert_eq!(accounts.rows, counts(423, 0));
    assert!(accounts.remarks.iter().any(|remark| remark.contains("windows-1252")));
    let opportunities =
        load(&memory, "--from salesforce --as opportunities", "sfdc-dataloader/opportunityData.csv").unwrap();
    assert_eq!(opportunities.rows.total(), 38);
    assert_eq!(opportunities.rows.created, 38, "{:?}", reasons(&opportunities));
    let tables = memory.tables();
    let revenue = |id: &str| {
        tables.accounts.values().find(|row| row.external_id.value().unwrap().id == id).map(|row| row.annual_revenue)
    };
    assert!(tables.accounts.values().any(|row| row.annual_revenue == MaybeUndefined::Value(amount(60_000_000))));
    assert_eq!(revenue("nobody"), None);
}

#[test]
fn easy_spaces_trees_and_tables_are_read() {
    let memory = Memory::default();
    let Some(accounts) = load(&memory, "--from salesforce --as accounts", "easy-spaces/Accounts.json") else {
        return;
    };
    assert_eq!(accounts.rows, counts(12, 0));
    let contacts = load(&memory, "--from salesforce --as contacts", "easy-spaces/Contacts.json").unwrap();
    assert_eq!(contacts.rows, counts(12, 0), "{:?}", reasons(&contacts));
    let leads = load(&memory, "--from salesforce --as contacts", "easy-spaces/Leads.json").unwrap();
    assert!(reasons(&leads).iter().all(|(_, reason)| reason.starts_with("is a Lead, not a contact")));
    assert_eq!(leads.rows.created, 0);
    let table = load(&memory, "--from salesforce --as contacts", "easy-spaces/Contact_Data.csv").unwrap();
    assert_eq!(table.rows.failed, table.rows.total());
}

#[test]
fn the_s_and_p_500_comes_in_by_a_map() {
    let Some(file) = data("sp500/constituents.csv") else {
        return;
    };
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/sp500.toml");
    let memory = Memory::default();
    let words = format!("--from sp500 --as accounts --map {}", map.display());
    let report = import(&memory, &words, &[&file]).unwrap();
    assert_eq!((report.rows.created, report.rows.failed), (503, 0), "{:?}", reasons(&report));
}
