//! Touches from another system, keyed by external id.
//!
//! All references are looked up together, and each row is then checked in memory, so that five hundred rows need as many
//! statements as one.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use chrono_tz::Tz;
use entity::{
    AccountId, ContactId, Id, OpportunityId, Scoped, TouchId, UserId, account, contact, opportunity, touch, user,
};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::input::check_time;
use super::people::{self, Parts, zone_of};
use super::version::{self, Versions};
use super::weight::missed_at;
use super::write::{Changes, FORBIDDEN, blank, check_user, may_change};
use super::{TouchDirection, TouchKind, TouchStatus, ValueKind};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::write::not_archived;
use crate::domain::account::{AccountRefInput, team};
use crate::domain::promise::write as promise;
use crate::domain::upsert::{
    CheckedRow, DuplicateKeys, GivenRow, Lookup, MalformedRows, RowKeys, Upsert, UpsertPayload, check_row, named,
    not_too_many, row_inputs, save, value,
};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::DateTime;
use crate::write::Write;
use crate::write::external_ids::{self, ExternalIdInput};
use crate::write::validator::Validator;
use database::columns::is_any_of;

/// A touch as another system has it. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TouchRowInput {
    /// The id of the touch. The row is matched by it if it is given; the touch then gets the external id of the row.
    pub id: Option<ID>,
    /// The expected version; 0 for one that does not exist. The row fails with STALE_VERSION if the touch has another
    /// version.
    pub if_version: Option<i32>,
    /// Whether to delete the touch, with the rules of deleteTouch; the other values of the row are then ignored. A row whose
    /// touch does not exist is unchanged.
    pub deleted: Option<bool>,
    /// The id in the other system: the key of a row without an id.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// The account. If it is left out, a new touch is at the account of the first of its people who has an external id,
    /// else at that of its opportunity. A touch that moves to another account leaves people and opportunity of the old
    /// one behind.
    pub account: MaybeUndefined<AccountRefInput>,
    /// The contacts who took part, by external ids. Together with contactEmails this is the complete list, at most 100.
    pub contacts: MaybeUndefined<Vec<ExternalIdInput>>,
    /// The contacts who took part, by e-mail address. If several contacts share an address, the one created first.
    pub contact_emails: MaybeUndefined<Vec<String>>,
    /// The opportunity of the same account that it was about.
    pub opportunity: MaybeUndefined<ExternalIdInput>,
    /// The address of the user: an active member. A new touch without one is the caller's.
    pub user_email: MaybeUndefined<String>,
    /// How. A new touch needs it.
    pub kind: MaybeUndefined<TouchKind>,
    /// The status. A new touch without it is COMPLETED, or SCHEDULED where it is still to come. MISSED is taken as
    /// SCHEDULED, which reads as MISSED once the day is over.
    pub status: MaybeUndefined<TouchStatus>,
    /// The side that started it. Defaults to OUTBOUND for a new touch.
    pub direction: MaybeUndefined<TouchDirection>,
    /// The time at which it began or is to begin. Required for a new touch. A completed touch is not in the future.
    pub at: MaybeUndefined<DateTime>,
    /// The duration in minutes: 1 to 1,440.
    pub duration_minutes: MaybeUndefined<i32>,
    /// The subject: up to 200 characters.
    pub subject: MaybeUndefined<String>,
    /// Notes of the conversation: up to 20,000 characters.
    pub notes: MaybeUndefined<String>,
    /// Whether the client responded.
    pub responded: MaybeUndefined<bool>,
    /// The value that the client gained from it.
    pub value: MaybeUndefined<ValueKind>,
    /// Whether the client acknowledged the value. Needs `value`.
    pub value_acknowledged: MaybeUndefined<bool>,
    /// The time at which that system first recorded it; not in the future. Defaults to the touch's own time for a new
    /// touch, or to now where that is in the future. Figures of past days rest on it for a new touch; they never follow
    /// a later change.
    pub recorded_at: MaybeUndefined<DateTime>,
}

row_inputs!(TouchRowInput);

/// Touches from another system.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertTouchesInput {
    /// The rows, at most 500.
    pub rows: Vec<GivenRow<TouchRowInput>>,
    /// Whether to return the results without writing anything.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// Resolves `Mutation.upsertTouches`.
pub async fn upsert(ctx: &RequestContext, input: UpsertTouchesInput) -> Result<UpsertPayload> {
    let (rows, malformed) = MalformedRows::separate(input.rows);
    Ok(malformed.report(upsert_rows(ctx, rows, input.dry_run.unwrap_or_default()).await?.commit().await?))
}

/// Writes rows in one transaction, which is to be committed, or none in a dry run.
///
/// # Errors
/// A userError of the call where there are too many rows.
pub async fn upsert_rows(ctx: &RequestContext, rows: Vec<TouchRowInput>, dry_run: bool) -> Result<Upsert<'_>> {
    not_too_many(rows.len())?;
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;
    let mut known = Known::of(viewer, &write, &rows).await?;
    let mut once = DuplicateKeys::default();
    let mut done: Vec<CheckedRow<touch::Model>> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        done.push(known.read(ctx, viewer, &mut once, index, row)?);
    }

    let (mut parts, mut versions) = (Parts::default(), Versions::default());
    let mut new_users: Vec<(AccountId, UserId)> = Vec::new();
    let mut moved: Vec<TouchId> = Vec::new();
    for CheckedRow { before, after, .. } in &done {
        let Some(after) = after else { continue };
        parts.note(before.as_ref(), after);
        if let Some(before) = before {
            versions.note(before, after);
        }
        let same = before
            .as_ref()
            .is_some_and(|before| before.user_id == after.user_id && before.account_id == after.account_id);
        if before.as_ref().is_some_and(|before| before.account_id != after.account_id) {
            moved.push(after.id);
        }
        if !same && after.user_id != viewer.user.id {
            new_users.push((after.account_id, after.user_id));
        }
    }
    let gone: Vec<TouchId> = done.iter().filter_map(|row| Some(row.deleted()?.id)).collect();
    if !dry_run && !gone.is_empty() {
        people::forget(&write, gone.clone()).await?;
        version::forget(&write, gone.clone()).await?;
        promise::release_touches(&mut write, &gone).await?;
    }
    let payload = save(&mut write, done, dry_run).await?;
    if dry_run {
        return Upsert::of(write, payload, dry_run).await;
    }
    parts.save(&write).await?;
    versions.save(&write).await?;
    promise::release_touches(&mut write, &moved).await?;
    if !new_users.is_empty() {
        new_users.sort_unstable();
        new_users.dedup();
        team::join(&mut write, viewer.organization.id, &new_users).await?;
    }
    Upsert::of(write, payload, dry_run).await
}

/// The source and the id of a row in another system.
type Name = (String, String);

/// A contact that rows may name.
struct Person {
    id: ContactId,
    account: AccountId,
    name: String,
}

/// The existing and visible records that the rows of one call refer to.
struct Known {
    /// The touches by external id, including those of hidden accounts.
    names: HashMap<Name, Uuid>,
    /// The existing touches that no row has used yet.
    touches: HashMap<TouchId, touch::Model>,
    /// The accounts of touches, people and opportunities.
    accounts: HashMap<AccountId, account::Model>,
    people: HashMap<ContactId, Person>,
    people_by_name: HashMap<Name, Uuid>,
    people_by_email: HashMap<(AccountId, String), ContactId>,
    opportunities: HashMap<Name, (OpportunityId, AccountId)>,
    /// The time zones of users that are on touches or named by rows.
    zones: HashMap<UserId, Tz>,
    /// Accounts and users that rows name themselves.
    lookup: Lookup,
}

impl Known {
    async fn of(viewer: &Viewer, write: &Write<'_>, rows: &[TouchRowInput]) -> Result<Self> {
        let organization = viewer.organization.id;
        let tx = &write.tx;
        let of_touches: Vec<ExternalIdInput> = rows.iter().filter_map(|row| value(&row.external_id)).collect();
        let ids: Vec<TouchId> = rows.iter().filter_map(|row| TouchId::parse(row.id.as_ref()?).ok()).collect();
        let of_people: Vec<ExternalIdInput> =
            rows.iter().filter_map(|row| row.contacts.value()).flatten().cloned().collect();
        let of_opportunities: Vec<ExternalIdInput> = rows.iter().filter_map(|row| value(&row.opportunity)).collect();
        let emails: Vec<String> = rows
            .iter()
            .filter_map(|row| row.contact_emails.value())
            .flatten()
            .filter_map(|email| crate::values::text::email(email).ok())
            .collect();

        let names = named(tx, viewer, TouchId::PREFIX, &of_touches).await?;
        let mut touches = HashMap::new();
        if !names.is_empty() || !ids.is_empty() {
            let there = touch::Entity::of(organization).filter(is_any_of(
                tx,
                touch::Column::Id,
                names.values().map(|id| TouchId(*id)).chain(ids),
            ));
            // Locked in a fixed order, so that two calls do not deadlock.
            let there = there.order_by_asc(touch::Column::Id).lock_exclusive().all(tx).await?;
            touches = there.into_iter().map(|row| (row.id, row)).collect();
        }

        let people_by_name = named(tx, viewer, ContactId::PREFIX, &of_people).await?;
        let (mut people, mut people_by_email) = (HashMap::new(), HashMap::new());
        if !people_by_name.is_empty() || !emails.is_empty() {
            let any = Cond::any()
                .add(is_any_of(tx, contact::Column::Id, people_by_name.values().map(|id| ContactId(*id))))
                .add(is_any_of(tx, contact::Column::Email, emails));
            let seen = viewer.contacts().filter(contact::Column::ErasedAt.is_null());
            let mut found = seen.filter(any).all(tx).await?;
            found.sort_unstable_by_key(|person| (person.archived_at.is_some(), person.id));
            for person in found {
                if let Some(email) = person.email {
                    people_by_email.entry((person.account_id, email)).or_insert(person.id);
                }
                people.insert(person.id, Person { id: person.id, account: person.account_id, name: person.name });
            }
        }

        let opportunities_by_name = named(tx, viewer, OpportunityId::PREFIX, &of_opportunities).await?;
        let mut opportunities = HashMap::new();
        if !opportunities_by_name.is_empty() {
            let seen = viewer.rows::<opportunity::Entity>(opportunity::Column::AccountId);
            let ids = opportunities_by_name.values().map(|id| OpportunityId(*id));
            let found: HashMap<Uuid, AccountId> = seen
                .filter(is_any_of(tx, opportunity::Column::Id, ids))
                .all(tx)
                .await?
                .into_iter()
                .map(|row| (row.id.uuid(), row.account_id))
                .collect();
            opportunities = opportunities_by_name
                .into_iter()
                .filter_map(|(name, id)| Some((name, (OpportunityId(id), *found.get(&id)?))))
                .collect();
        }

        let mut of_accounts: Vec<AccountId> = touches.values().map(|touch: &touch::Model| touch.account_id).collect();
        of_accounts.extend(people.values().map(|person: &Person| person.account));
        of_accounts.extend(opportunities.values().map(|(_, account)| *account));
        of_accounts.sort_unstable();
        of_accounts.dedup();
        let mut accounts = HashMap::new();
        if !of_accounts.is_empty() {
            let seen = viewer.accounts().filter(is_any_of(tx, account::Column::Id, of_accounts)).all(tx).await?;
            accounts = seen.into_iter().map(|row| (row.id, row)).collect();
        }

        // The users of the touches as they are; the rest come with the addresses.
        let mut users: Vec<UserId> = touches.values().map(|touch| touch.user_id).collect();
        users.sort_unstable();
        users.dedup();
        let mut zones = HashMap::from([(viewer.user.id, zone_of(&viewer.user))]);
        if !users.is_empty() {
            let found = user::Entity::of(organization).filter(is_any_of(tx, user::Column::Id, users)).all(tx).await?;
            zones.extend(found.iter().map(|user| (user.id, zone_of(user))));
        }

        let references: Vec<AccountRefInput> = distinct(rows.iter().filter_map(|row| row.account.value()));
        let addresses: Vec<String> = distinct(rows.iter().filter_map(|row| row.user_email.value()));
        let lookup = Lookup::of(tx, viewer, &references, addresses).await?;
        Ok(Self { names, touches, accounts, people, people_by_name, people_by_email, opportunities, zones, lookup })
    }

    /// What a row makes of its touch.
    fn read(
        &mut self,
        ctx: &RequestContext,
        viewer: &Viewer,
        once: &mut DuplicateKeys,
        index: usize,
        row: &TouchRowInput,
    ) -> Result<CheckedRow<touch::Model>> {
        let TouchRowInput {
            id,
            if_version,
            deleted,
            external_id,
            account: _,
            contacts: _,
            contact_emails: _,
            opportunity: _,
            user_email: _,
            kind,
            status,
            direction,
            at,
            duration_minutes,
            subject,
            notes,
            responded,
            value,
            value_acknowledged,
            recorded_at,
        } = row;
        let mut check = check_row(index);
        let keys = RowKeys { id: id.as_ref(), external_id: external_id.value() };
        let is_visible = |id| {
            let found: Option<&touch::Model> = self.touches.get(&id);
            found.is_some_and(|touch| self.accounts.contains_key(&touch.account_id))
        };
        let found = keys.find(&mut check, once, index, &self.names, is_visible);
        let (Some(found), true) = (found, check.is_clean()) else { return Ok(CheckedRow::failed(check)) };
        let before = found.and_then(|id| self.touches.remove(&id));
        check.version(*if_version, before.as_ref().map_or(0, |before| before.version));
        if let Some(before) = &before {
            let refusal = match self.accounts.get(&before.account_id) {
                None => Some((UserErrorCode::Taken, "externalId", "Another touch has this key.")),
                Some(account) if !may_change(viewer, before.user_id, account.owner_id) => {
                    Some((UserErrorCode::Forbidden, "", FORBIDDEN))
                }
                Some(_) => None,
            };
            if let Some((code, field, message)) = refusal {
                check.fault(code, field, message);
                return Ok(CheckedRow::failed(check));
            }
        }
        if *deleted == Some(true) {
            return Ok(CheckedRow::deleting(check, before));
        }
        let mut after = before.clone().unwrap_or_else(|| blank(viewer.organization.id, viewer.user.id, ctx.now));
        if before.is_none() {
            if kind.is_undefined() {
                check.fault(UserErrorCode::Required, "kind", "A new touch needs a kind.");
            }
            if at.is_undefined() {
                check.fault(UserErrorCode::Required, "at", "A new touch needs a time.");
            }
        }
        check.change_set("at", &at.map_value(|at| at.0), &mut after.at);
        if before.is_none() && after.at > ctx.now {
            after.status = touch::TouchStatus::Scheduled;
        }
        check.change_set("status", &status.map_value(status_stored), &mut after.status);
        Changes {
            kind: *kind,
            direction: *direction,
            duration_minutes: *duration_minutes,
            subject: Some(subject),
            notes: Some(notes),
            responded: *responded,
            value: *value,
            value_acknowledged: *value_acknowledged,
            ..Changes::default()
        }
        .apply(&mut check, &mut after);
        self.read_relations(ctx, viewer, &mut check, row, before.as_ref(), &mut after)?;
        let moved = before.as_ref().is_none_or(|before| before.at != after.at || before.status != after.status);
        if moved && after.status == touch::TouchStatus::Completed {
            check_time(&mut check, "at", after.status, after.at, ctx.now);
        }
        if moved || before.as_ref().is_some_and(|before| before.user_id != after.user_id) {
            after.missed_at = missed_at(after.at, self.zones.get(&after.user_id).copied().unwrap_or(Tz::UTC));
        }
        match &before {
            None => after.recorded_at = after.at.min(ctx.now),
            Some(before) => after.known_at = version::known_at(before, &after, ctx.now),
        }
        check.change_set("recordedAt", &recorded_at.map_value(|at| at.0), &mut after.recorded_at);
        if recorded_at.is_value() && before.as_ref().is_none_or(|before| before.recorded_at != after.recorded_at) {
            check_time(&mut check, "recordedAt", touch::TouchStatus::Completed, after.recorded_at, ctx.now);
        }
        if before.is_none() {
            after.known_at = after.recorded_at;
        }
        if before.is_none() || id.is_some() {
            keys.give(&mut check, &mut after.external_ids);
        }
        Ok(CheckedRow::of(check, before, after))
    }

    /// Reads the account, the contacts, the opportunity and the user of a row.
    fn read_relations(
        &mut self,
        ctx: &RequestContext,
        viewer: &Viewer,
        check: &mut Validator,
        row: &TouchRowInput,
        before: Option<&touch::Model>,
        after: &mut touch::Model,
    ) -> Result<()> {
        let opportunity = self.opportunity(check, row);
        if let Some(account) = self.account(check, row, before, opportunity) {
            let moves = before.is_some_and(|before| before.account_id != account.id);
            if before.is_none() || moves {
                not_archived(check, "account", account);
            }
            after.account_id = account.id;
            if moves {
                after.action_id = None;
            }
            if let Some(people) = self.people(check, row, account, before) {
                after.contact_ids = people;
            } else if moves {
                after.contact_ids = "[]".to_owned();
            }
            match (&row.opportunity, opportunity) {
                (MaybeUndefined::Value(_), Some((id, of))) if of == account.id => after.opportunity_id = Some(id),
                (MaybeUndefined::Value(_), Some(_)) => check.invalid(
                    "opportunity",
                    format!("This is an opportunity of another account than {}.", account.name),
                ),
                (MaybeUndefined::Null, _) => after.opportunity_id = None,
                (MaybeUndefined::Undefined, _) if moves => after.opportunity_id = None,
                _ => {}
            }
        }
        match &row.user_email {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => check.fault(UserErrorCode::Required, "userEmail", "Every touch has a user."),
            // A deactivated user remains on existing touches.
            MaybeUndefined::Value(email)
                if before.is_some_and(|before| self.lookup.user_id(email) == Some(before.user_id)) => {}
            MaybeUndefined::Value(email) => {
                if let Some(user) = self.lookup.user(check, "userEmail", email) {
                    check_user(ctx, check, "userEmail", user.id)?;
                    self.zones.entry(user.id).or_insert_with(|| zone_of(user));
                    after.user_id = user.id;
                }
            }
        }
        debug_assert_eq!(viewer.organization.id, after.organization_id);
        Ok(())
    }

    /// Returns the opportunity that a row names. Adds an error to the row if there is none.
    fn opportunity(&self, check: &mut Validator, row: &TouchRowInput) -> Option<(OpportunityId, AccountId)> {
        let external = row.opportunity.value()?;
        let found = external_ids::key(external).and_then(|key| self.opportunities.get(&key).copied());
        if found.is_none() {
            unknown(check, "opportunity", "opportunity", external);
        }
        found
    }

    /// Returns the account of the touch. Adds an error to the row if there is none.
    fn account(
        &self,
        check: &mut Validator,
        row: &TouchRowInput,
        before: Option<&touch::Model>,
        opportunity: Option<(OpportunityId, AccountId)>,
    ) -> Option<&account::Model> {
        match &row.account {
            MaybeUndefined::Value(reference) => self.lookup.account(check, "account", reference),
            MaybeUndefined::Null => {
                check.fault(UserErrorCode::Required, "account", "Every touch has an account.");
                None
            }
            MaybeUndefined::Undefined => {
                let of_person =
                    || row.contacts.value()?.iter().find_map(|external| Some(self.person(external)?.account));
                let id = before
                    .map(|before| before.account_id)
                    .or_else(of_person)
                    .or_else(|| opportunity.map(|(_, account)| account));
                let found = id.and_then(|id| self.accounts.get(&id));
                if found.is_none() {
                    check.fault(
                        UserErrorCode::Required,
                        "account",
                        "A new touch needs an account, or people or an opportunity of one.",
                    );
                }
                found
            }
        }
    }

    fn person(&self, external: &ExternalIdInput) -> Option<&Person> {
        self.people.get(&ContactId(*self.people_by_name.get(&external_ids::key(external)?)?))
    }

    /// Returns the contacts of a row in stored form; None if the row has neither field for contacts.
    fn people(
        &self,
        check: &mut Validator,
        row: &TouchRowInput,
        account: &account::Model,
        before: Option<&touch::Model>,
    ) -> Option<String> {
        if row.contacts.is_undefined() && row.contact_emails.is_undefined() {
            return None;
        }
        let externals = row.contacts.value().map_or(&[][..], Vec::as_slice);
        let emails = row.contact_emails.value().map_or(&[][..], Vec::as_slice);
        people::not_too_many(
            check,
            if externals.is_empty() { "contactEmails" } else { "contacts" },
            externals.len() + emails.len(),
        );
        let mut ids = Vec::with_capacity(externals.len() + emails.len());
        let mut present: Option<Vec<ContactId>> = None;
        for (at, external) in externals.iter().enumerate() {
            let Some(person) = self.person(external) else {
                unknown(check, &format!("contacts.{at}"), "contact", external);
                continue;
            };
            // Contacts on the existing touch remain on it, even if they have moved to another account.
            if person.account != account.id {
                let present = present
                    .get_or_insert_with(|| before.map(|before| people::read(&before.contact_ids)).unwrap_or_default());
                if !present.contains(&person.id) {
                    people::elsewhere(check, &format!("contacts.{at}"), &person.name, account);
                }
            }
            ids.push(person.id);
        }
        for (at, email) in emails.iter().enumerate() {
            let field = format!("contactEmails.{at}");
            match crate::values::text::email(email).map(|email| self.people_by_email.get(&(account.id, email))) {
                Err(message) => check.invalid(&field, message),
                Ok(None) => check.fault(
                    UserErrorCode::NotFound,
                    &field,
                    format!("No contact of {} has the address {email}.", account.name),
                ),
                Ok(Some(id)) => ids.push(*id),
            }
        }
        Some(people::stored(&ids))
    }
}

fn unknown(check: &mut Validator, field: &str, what: &str, external: &ExternalIdInput) {
    check.fault(
        UserErrorCode::NotFound,
        field,
        format!("There is no {what} with the external id {} of {}.", external.id, external.source),
    );
}

/// Returns the distinct values.
fn distinct<'a, T: Clone + PartialEq + std::hash::Hash + Eq + 'a>(all: impl Iterator<Item = &'a T>) -> Vec<T> {
    let all: std::collections::HashSet<&T> = all.collect();
    all.into_iter().cloned().collect()
}

/// Returns a status in stored form: MISSED is stored as scheduled.
fn status_stored(status: TouchStatus) -> touch::TouchStatus {
    match status {
        TouchStatus::Scheduled | TouchStatus::Missed => touch::TouchStatus::Scheduled,
        TouchStatus::Completed => touch::TouchStatus::Completed,
        TouchStatus::Canceled => touch::TouchStatus::Canceled,
    }
}
