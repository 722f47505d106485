//! What is entered in batches: accounts, contacts, bookings and touches, through the upserts.

use async_graphql::MaybeUndefined;
use entity::{AccountId, ContactId, TouchId};
use simulator::act::{Booked, Gift, Relationship, TouchEntry, TouchState, TouchWay};
use simulator::{AccountNumber, ContactNumber, Role};

use super::fill::{Filler, Stopped, date, instant, missing, money};
use crate::context::RequestContext;
use crate::domain::account::AccountRefInput;
use crate::domain::account::upsert::{self as accounts, AccountRowInput};
use crate::domain::booking::upsert::{self as bookings, BookingRowInput};
use crate::domain::contact::upsert::{self as contacts, ContactRowInput};
use crate::domain::contact::{BuyingRole, RelationshipLevel};
use crate::domain::touch::upsert::{self as touches, TouchRowInput};
use crate::domain::touch::{TouchDirection, TouchKind, TouchStatus, ValueKind};
use crate::domain::upsert::{MOST_ROWS, UpsertPayload, UpsertResult, given};
use crate::error::Error;
use crate::graphql::scalars::DateTime;
use crate::write::external_ids::ExternalIdInput;

/// Returns the identifier of something in the simulation.
pub(super) fn external(what: &str, number: usize) -> ExternalIdInput {
    ExternalIdInput { source: "demo".to_owned(), id: format!("{what}-{number}") }
}

/// Returns the results of a call whose rows were all written.
fn all_written(payload: UpsertPayload) -> Result<Vec<UpsertResult>, Stopped> {
    let errors = payload.results.iter().flat_map(|result| &result.errors).chain(&payload.user_errors);
    let errors: Vec<_> = errors.cloned().collect();
    if errors.is_empty() { Ok(payload.results) } else { Err(Error::Refused(errors)) }
}

fn uuid_of(result: &UpsertResult) -> Result<uuid::Uuid, Stopped> {
    result.id.map(|(_, id)| id).ok_or_else(|| missing("a row"))
}

fn text(text: &str) -> MaybeUndefined<String> {
    MaybeUndefined::Value(text.to_owned())
}

pub(super) async fn enter_accounts(
    filler: &mut Filler<'_>,
    ctx: &RequestContext,
    numbers: &[AccountNumber],
) -> Result<(), Stopped> {
    for some in numbers.chunks(MOST_ROWS) {
        let row = |number: &AccountNumber| {
            let company = &filler.world.companies[number.0];
            AccountRowInput {
                external_id: MaybeUndefined::Value(external("account", number.0)),
                name: text(&company.name),
                domain: text(&company.domain),
                industry: text(company.industry),
                employees: MaybeUndefined::Value(i32::try_from(company.employees).unwrap_or(i32::MAX)),
                annual_revenue: MaybeUndefined::Value(money(company.revenue)),
                country: text(company.country),
                city: text(company.city),
                phone: text(&company.phone),
                description: text(&company.description),
                potential: MaybeUndefined::Value(money(company.potential)),
                owner_email: text(&filler.viewers[company.owner.0].user.email),
                ..AccountRowInput::default()
            }
        };
        let rows = some.iter().map(row).collect();
        for result in all_written(accounts::upsert_rows(ctx, rows, false).await?.commit().await?)? {
            filler.made.accounts.push(AccountId(uuid_of(&result)?));
        }
    }
    Ok(())
}

pub(super) async fn enter_contacts(
    filler: &mut Filler<'_>,
    ctx: &RequestContext,
    numbers: &[ContactNumber],
) -> Result<(), Stopped> {
    for some in numbers.chunks(MOST_ROWS) {
        let row = |number: &ContactNumber| {
            let person = &filler.world.people[number.0];
            let company = &filler.world.companies[person.account.0];
            let role = match person.role {
                Role::DecisionMaker => BuyingRole::DecisionMaker,
                Role::Influencer => BuyingRole::Influencer,
                Role::Stakeholder => BuyingRole::Stakeholder,
                Role::Champion => BuyingRole::Champion,
                Role::EndUser => BuyingRole::EndUser,
            };
            Ok(ContactRowInput {
                external_id: MaybeUndefined::Value(external("contact", number.0)),
                account: MaybeUndefined::Value(AccountRefInput::Id(filler.account(person.account)?)),
                name: text(&person.name),
                title: text(person.title),
                department: text(person.department),
                email: text(&person.email(company)),
                phone: text(&format!("{}-{}", company.phone, person.extension)),
                buying_role: MaybeUndefined::Value(role),
                ..ContactRowInput::default()
            })
        };
        let rows = some.iter().map(row).collect::<Result<_, Stopped>>()?;
        let results = all_written(contacts::upsert_rows(ctx, rows, false).await?.commit().await?)?;
        for (number, result) in some.iter().zip(results) {
            filler.made.contacts.insert(number.0, ContactId(uuid_of(&result)?));
        }
    }
    Ok(())
}

pub(super) async fn set_relationships(
    ctx: &RequestContext,
    better: &[(ContactNumber, Relationship)],
) -> Result<(), Stopped> {
    let row = |(number, level): &(ContactNumber, Relationship)| ContactRowInput {
        external_id: MaybeUndefined::Value(external("contact", number.0)),
        relationship: MaybeUndefined::Value(level_of(*level)),
        ..ContactRowInput::default()
    };
    all_written(contacts::upsert_rows(ctx, better.iter().map(row).collect(), false).await?.commit().await?).map(drop)
}

pub(super) const fn level_of(level: Relationship) -> RelationshipLevel {
    match level {
        Relationship::Known => RelationshipLevel::Known,
        Relationship::Valued => RelationshipLevel::Valued,
        Relationship::Trusted => RelationshipLevel::Trusted,
    }
}

pub(super) async fn book(filler: &mut Filler<'_>, ctx: &RequestContext, booked: &[Booked]) -> Result<(), Stopped> {
    for some in booked.chunks(MOST_ROWS) {
        let from = filler.made.bookings;
        let row = |(place, booked): (usize, &Booked)| {
            Ok(BookingRowInput {
                external_id: MaybeUndefined::Value(external("booking", from + place)),
                account: MaybeUndefined::Value(AccountRefInput::Id(filler.account(booked.account)?)),
                amount: MaybeUndefined::Value(money(booked.amount)),
                booked_on: MaybeUndefined::Value(date(booked.on)),
                description: text(&booked.description),
                ..BookingRowInput::default()
            })
        };
        let rows = some.iter().enumerate().map(row).collect::<Result<_, Stopped>>()?;
        all_written(bookings::upsert_rows(ctx, rows, false).await?.commit().await?)?;
        filler.made.bookings += some.len();
    }
    Ok(())
}

pub(super) async fn enter_touches(
    filler: &mut Filler<'_>,
    ctx: &RequestContext,
    entries: &[TouchEntry],
) -> Result<(), Stopped> {
    for some in entries.chunks(MOST_ROWS) {
        let rows = some.iter().map(|entry| touch_row(filler, entry)).collect::<Result<_, Stopped>>()?;
        let results = all_written(touches::upsert_rows(ctx, rows, false).await?.commit().await?)?;
        for (entry, result) in some.iter().zip(results) {
            filler.made.touches.insert(entry.touch.0, TouchId(uuid_of(&result)?));
        }
    }
    Ok(())
}

fn touch_row(filler: &Filler<'_>, entry: &TouchEntry) -> Result<TouchRowInput, Stopped> {
    let is_new = !entry.is_change;
    let kind = match entry.way {
        TouchWay::Call => TouchKind::Call,
        TouchWay::Email => TouchKind::Email,
        TouchWay::Meeting => TouchKind::Meeting,
        TouchWay::Message => TouchKind::Message,
        TouchWay::Event => TouchKind::Event,
        TouchWay::Mail => TouchKind::Mail,
    };
    let status = match entry.state {
        TouchState::Planned => TouchStatus::Scheduled,
        TouchState::Made => TouchStatus::Completed,
        TouchState::Canceled => TouchStatus::Canceled,
    };
    let value = |gift| match gift {
        Gift::Idea => ValueKind::Idea,
        Gift::Insight => ValueKind::Insight,
        Gift::Content => ValueKind::Content,
        Gift::Introduction => ValueKind::Introduction,
        Gift::Help => ValueKind::Help,
    };
    let contacts = entry.contacts.iter().map(|contact| external("contact", contact.0)).collect();
    let account = AccountRefInput::Id(filler.account(entry.account)?);
    Ok(TouchRowInput {
        external_id: MaybeUndefined::Value(external("touch", entry.touch.0)),
        account: given(is_new.then_some(account)),
        contacts: MaybeUndefined::Value(contacts),
        opportunity: given(entry.opportunity.map(|number| external("opportunity", number.0))),
        kind: MaybeUndefined::Value(kind),
        status: MaybeUndefined::Value(status),
        direction: given(entry.inbound.then_some(TouchDirection::Inbound)),
        at: MaybeUndefined::Value(DateTime(instant(entry.at))),
        duration_minutes: given(entry.minutes.and_then(|minutes| i32::try_from(minutes).ok())),
        subject: text(&entry.subject),
        notes: given(entry.notes.clone()),
        responded: MaybeUndefined::Value(entry.responded),
        value: given(entry.gift.map(|(gift, _)| value(gift))),
        value_acknowledged: given(entry.gift.map(|(_, acknowledged)| acknowledged)),
        recorded_at: given(entry.recorded_at.map(|at| DateTime(instant(at)))),
        ..TouchRowInput::default()
    })
}
