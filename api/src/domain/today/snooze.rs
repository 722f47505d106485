//! Snoozes: suggestions that their user puts off until a day.
//!
//! A snooze leaves a suggestion out of the user's lists from the day on which it was snoozed until the day before it comes
//! back. It has no effect on what anyone else is suggested.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{AccountId, Day, Id as _, Scoped, SnoozeId, UserId, snooze, user};
use sea_orm::{ColumnTrait, QueryFilter};

use super::{SuggestedAction, Today, findings, suggestion_id, suggestions};
use crate::context::RequestContext;
use crate::domain::touch::people::zone_of;
use crate::domain::user::User;
use crate::error::{Result, UserErrorCode};
use crate::graphql::payload;
use crate::graphql::scalars::Date;
use crate::values::calendar::{day_of, years_after};
use crate::values::money::Currency;
use crate::write::validator::Validator;
use crate::write::{AuditedRow, Snapshot, Write, audited, snapshot};

payload! {
    /// The result of snoozing a suggested action.
    SuggestedActionPayload as "SuggestedActionPayload" {
        /// The suggested action; null if there are userErrors.
        suggestedAction(suggested_action): SuggestedAction,
    }
}

impl AuditedRow for snooze::Model {
    audited!(snooze, SnoozeId);

    fn account(&self) -> Option<AccountId> {
        None
    }

    fn about(&self) -> Option<UserId> {
        Some(self.user_id)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            user_id,
            suggestion,
            since_on,
            until_on,
            created_at,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "userId": user_id,
            "suggestedActionId": suggestion,
            "sinceOn": since_on,
            "untilOn": until_on,
            "createdAt": created_at,
        }
    }
}

/// Whether a suggestion is left out on a day.
#[must_use]
pub fn is_snoozed(since_on: Day, until_on: Day, on: Day) -> bool {
    (since_on..until_on).contains(&on)
}

/// Returns the day on which each snoozed suggestion comes back, by its id, for each of some days: one statement.
pub(super) async fn of_days(ctx: &RequestContext, days: &[Today]) -> Result<Vec<HashMap<String, Day>>> {
    let mut until = vec![HashMap::new(); days.len()];
    let Some(first) = days.iter().map(|today| today.on).min() else { return Ok(until) };
    let rows = snooze::Entity::of(ctx.viewer()?.organization.id)
        .filter(snooze::Column::UserId.is_in(days.iter().map(|today| today.user)))
        .filter(snooze::Column::UntilOn.gt(first))
        .all(ctx.reader())
        .await?;
    for row in rows {
        for (today, until) in days.iter().zip(&mut until) {
            if today.user == row.user_id && is_snoozed(row.since_on, row.until_on, today.on) {
                until.insert(row.suggestion.clone(), row.until_on);
            }
        }
    }
    Ok(until)
}

/// A day until which a suggestion is put off.
#[derive(Clone, Debug, InputObject)]
pub struct SnoozeSuggestedActionInput {
    /// Id of the suggested action: one that is suggested to the caller today, snoozed or not.
    pub id: ID,
    /// The day on which it comes back, in the caller's time zone: after today and at most a year away. Null ends the snooze.
    pub until: MaybeUndefined<Date>,
}

/// Returns the suggestion with this id as it stands today. Only suggestions of the caller's, or of users below them, are found.
async fn suggested(ctx: &RequestContext, id: &str) -> Result<Option<(Today, SuggestedAction)>> {
    let viewer = ctx.viewer()?;
    let Some((user, kind)) = suggestion_id::read(id).filter(|(user, _)| viewer.is_above_or_is(*user)) else {
        return Ok(None);
    };
    let found = user::Entity::of(viewer.organization.id).filter(user::Column::Id.eq(user)).one(ctx.reader()).await?;
    let Some(user) = found.map(User) else { return Ok(None) };
    let today = Today::now(ctx, &user.0);
    let found = findings(ctx, &[today], &[&user], &|one| one == kind).await?;
    let all = suggestions(ctx, &[today], &found).await?.into_iter().flatten();
    let found = all.map(|one| SuggestedAction::of(today.user, one)).find(|one| one.id == id);
    Ok(found.map(|one| (today, one)))
}

/// Resolves `Mutation.snoozeSuggestedAction`.
pub async fn snooze(ctx: &RequestContext, input: SnoozeSuggestedActionInput) -> Result<SuggestedActionPayload> {
    let SnoozeSuggestedActionInput { id, until } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let found = suggested(ctx, &id).await?;
    match &found {
        None => check.not_found("id", "suggested action"),
        Some((today, _)) if today.user != viewer.user.id => {
            check.fault(UserErrorCode::Forbidden, "id", "Only the user whom it is suggested to may snooze it.");
        }
        Some(_) => {}
    }
    let on = day_of(ctx.now, zone_of(&viewer.user));
    let until = match until {
        MaybeUndefined::Undefined => {
            let message = "Give the day on which it comes back, or null to end the snooze.";
            check.fault(UserErrorCode::Required, "until", message);
            None
        }
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(Date(until)) => {
            let last = years_after(on, 1);
            if until <= on || until > last {
                check.invalid("until", format!("This must be a day from {} to {last}; {until} was given.", on.plus(1)));
            }
            Some(until)
        }
    };
    check.finish()?;
    let Some((today, mut action)) = found else { return check.fail() };
    let mut write = Write::begin(ctx)?;
    write.check_author().await?;
    // Of two first snoozes of a suggestion at once the second waits, and changes the row of the first.
    write.lock_exclusive(&action.id).await?;
    let before = snooze::Entity::of(write.organization())
        .filter(snooze::Column::UserId.eq(today.user))
        .filter(snooze::Column::Suggestion.eq(action.id.as_str()))
        .one(&write.tx)
        .await?;
    match (before, until) {
        (Some(before), Some(until_on)) => {
            let goes_on = is_snoozed(before.since_on, before.until_on, on);
            let since_on = if goes_on { before.since_on } else { on };
            write.change(&before, snooze::Model { since_on, until_on, ..before.clone() }).await?;
        }
        (None, Some(until_on)) => {
            let row = snooze::Model {
                id: SnoozeId::make(),
                organization_id: write.organization(),
                user_id: today.user,
                suggestion: action.id.clone(),
                since_on: on,
                until_on,
                created_at: write.at,
                updated_at: write.at,
                version: 0,
            };
            write.add(row).await?;
        }
        (Some(before), None) => write.remove(&before).await?,
        (None, None) => {}
    }
    write.commit().await?;
    action.snoozed_until = until;
    Ok(SuggestedActionPayload { suggested_action: Some(action), ..SuggestedActionPayload::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snooze_ends_on_the_day_on_which_the_suggestion_comes_back() {
        let on = |day| is_snoozed(Day(100), Day(103), Day(day));
        assert_eq!([99, 100, 102, 103].map(on), [false, true, true, false]);
    }
}
