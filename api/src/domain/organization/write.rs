//! Changing the organization's settings.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{OrganizationId, Scoped, account, booking, goal, opportunity, organization};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Select};

use super::Organization;
use crate::context::RequestContext;
use crate::domain::goal::reached::after_calendar;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::payload;
use crate::graphql::scalars::Decimal;
use crate::write::Write;
use crate::write::validator::{Amounts, NAME, Validator};

payload! {
    /// The result of a mutation of the organization.
    OrganizationPayload as "OrganizationPayload" {
        /// The organization after the mutation; null if there are `userErrors`.
        organization(organization): Organization,
    }
}

/// A change to the organization. Omitted fields stay unchanged; null clears a field.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateOrganizationInput {
    /// The name: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// The ISO 4217 code of the currency of all amounts. It cannot change once an amount is stored.
    pub currency: MaybeUndefined<String>,
    /// The IANA name of the time zone.
    pub time_zone: MaybeUndefined<String>,
    /// The month, 1 to 12, in which a fiscal year starts.
    pub fiscal_year_start_month: MaybeUndefined<i32>,
    /// The amount of bookings in a fiscal year from which an account is a key account: 0 or more. Null means that no
    /// account is.
    pub key_account_threshold: MaybeUndefined<Decimal>,
    /// The parameters of the metrics.
    pub policy: MaybeUndefined<PolicyInput>,
    /// The expected version. The change fails with STALE_VERSION if the organization has another version.
    pub if_version: Option<i32>,
}

/// A change to the policy. Omitted fields stay unchanged.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PolicyInput {
    /// The half-life of a touch in days: the time after which it counts half towards presence. 1 to 365.
    pub presence_half_life_days: MaybeUndefined<f64>,
    /// The presence from which the organization counts as present at an account: 0.05 to 0.95.
    pub presence_threshold: MaybeUndefined<f64>,
    /// The share of working time for selling: above 0, up to 1.
    pub selling_share: MaybeUndefined<f64>,
    /// The share of selling time for targets: above 0, up to 1.
    pub target_share: MaybeUndefined<f64>,
    /// The number of people to stay present with at each target: 1 to 50.
    pub key_people_per_target: MaybeUndefined<i32>,
    /// The length in minutes from which a blank spot in the working time is big: 15 to 1,440.
    pub big_blank_minutes: MaybeUndefined<i32>,
    /// The acceptable probability of missing the goals: 0 to 0.5.
    pub pipeline_margin: MaybeUndefined<f64>,
    /// The lower end of the recommended size of a target list, in percent of the accounts owned: above 0.
    pub target_band_low: MaybeUndefined<f64>,
    /// The upper end of the recommended size of a target list, in percent of the accounts owned: up to 100, and not
    /// below the lower end.
    pub target_band_high: MaybeUndefined<f64>,
}

/// Executes `updateOrganization`.
pub async fn update(ctx: &RequestContext, input: UpdateOrganizationInput) -> Result<OrganizationPayload> {
    let UpdateOrganizationInput {
        name,
        currency,
        time_zone,
        fiscal_year_start_month,
        key_account_threshold,
        policy,
        if_version,
    } = input;
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input"])?;
    let mut write = Write::begin(ctx)?;
    let row = organization::Entity::of(viewer.organization.id).lock_exclusive().one(&write.tx).await?;
    let Some(before) = row else { return Err(Error::Unauthenticated) };
    let mut check = Validator::input();
    check.version(if_version, before.version);
    let mut after = before.clone();
    check.change_required("name", &name, NAME, &mut after.name);
    check.change_set("currency", &currency, &mut after.currency);
    let known = check.currency("currency", &after.currency);
    check.change_set("timeZone", &time_zone, &mut after.time_zone);
    after.time_zone = check.time_zone("timeZone", &after.time_zone);
    check.change_set("fiscalYearStartMonth", &fiscal_year_start_month, &mut after.fiscal_year_start_month);
    check.within("fiscalYearStartMonth", after.fiscal_year_start_month, 1, 12);
    if let Some(currency) = known {
        let read =
            |check: &mut Validator, field: &str, given| check.amount(field, given, currency, Amounts::NotNegative);
        check.change_with("keyAccountThreshold", &key_account_threshold, &mut after.key_account_threshold, read);
    }
    match &policy {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "policy", "This cannot be cleared."),
        MaybeUndefined::Value(policy) => policy.apply(&mut check, &mut after),
    }
    if after.currency != before.currency {
        // A threshold that does not change with the currency would be an amount in the old currency.
        let threshold = before.key_account_threshold.is_some() && key_account_threshold.is_undefined();
        if threshold || has_amounts(&write.tx, before.id).await? {
            let message = format!("The currency cannot change, because amounts in {} are stored.", before.currency);
            check.fault(UserErrorCode::Conflict, "currency", message);
        }
    }
    check.finish()?;
    let after = write.change(&before, after).await?;
    if after.fiscal_year_start_month != before.fiscal_year_start_month {
        after_calendar(&mut write, &after).await?;
    }
    write.commit().await?;
    ctx.services.forget(after.id);
    Ok(OrganizationPayload { organization: Some(Organization(after)), ..OrganizationPayload::default() })
}

impl PolicyInput {
    /// Validates the changes and applies them to `to`.
    fn apply(&self, check: &mut Validator, to: &mut organization::Model) {
        let Self {
            presence_half_life_days,
            presence_threshold,
            selling_share,
            target_share,
            key_people_per_target,
            big_blank_minutes,
            pipeline_margin,
            target_band_low,
            target_band_high,
        } = self;
        for (field, given, target, range) in [
            (
                "policy.presenceHalfLifeDays",
                presence_half_life_days,
                &mut to.presence_half_life_days,
                Range(1.0, 365.0),
            ),
            ("policy.presenceThreshold", presence_threshold, &mut to.presence_threshold, Range(0.05, 0.95)),
            ("policy.sellingShare", selling_share, &mut to.selling_share, Range::ABOVE_ZERO_TO_ONE),
            ("policy.targetShare", target_share, &mut to.target_share, Range::ABOVE_ZERO_TO_ONE),
            ("policy.pipelineMargin", pipeline_margin, &mut to.pipeline_margin, Range(0.0, 0.5)),
            ("policy.targetBandLow", target_band_low, &mut to.target_band_low, Range(f64::MIN_POSITIVE, 100.0)),
            ("policy.targetBandHigh", target_band_high, &mut to.target_band_high, Range(f64::MIN_POSITIVE, 100.0)),
        ] {
            check.change_set(field, given, target);
            range.check(check, field, *target);
        }
        check.change_set("policy.keyPeoplePerTarget", key_people_per_target, &mut to.key_people_per_target);
        check.within("policy.keyPeoplePerTarget", to.key_people_per_target, 1, 50);
        check.change_set("policy.bigBlankMinutes", big_blank_minutes, &mut to.big_blank_minutes);
        check.within("policy.bigBlankMinutes", to.big_blank_minutes, 15, 1440);
        if to.target_band_low > to.target_band_high {
            let field = if target_band_low.is_value() { "policy.targetBandLow" } else { "policy.targetBandHigh" };
            let (low, high) = (to.target_band_low, to.target_band_high);
            check.invalid(
                field,
                format!("The lower end of the band must not be above its upper end: {low} is above {high}."),
            );
        }
    }
}

/// A range with both ends included.
#[derive(Clone, Copy)]
struct Range(f64, f64);

impl Range {
    const ABOVE_ZERO_TO_ONE: Self = Self(f64::MIN_POSITIVE, 1.0);

    fn check(self, check: &mut Validator, field: &str, given: f64) {
        let Self(least, most) = self;
        if (least..=most).contains(&given) {
            return;
        }
        let bounds = if least > 0.0 && least < 1e-300 {
            format!("above 0, up to {most}")
        } else {
            format!("between {least} and {most}")
        };
        check.invalid(field, format!("This must be {bounds}; {given} was given."));
    }
}

/// Returns whether any amount is stored.
async fn has_amounts<C: ConnectionTrait>(connection: &C, organization: OrganizationId) -> Result<bool> {
    async fn any<C: ConnectionTrait, E: EntityTrait>(connection: &C, rows: Select<E>) -> Result<bool> {
        Ok(rows.one(connection).await?.is_some())
    }
    let account = account::Entity::of(organization).filter(
        Condition::any()
            .add(account::Column::AnnualRevenue.is_not_null())
            .add(account::Column::Potential.is_not_null()),
    );
    let opportunity = opportunity::Entity::of(organization).filter(opportunity::Column::Amount.is_not_null());
    Ok(any(connection, booking::Entity::of(organization)).await?
        || any(connection, goal::Entity::of(organization)).await?
        || any(connection, opportunity).await?
        || any(connection, account).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(field: &str, range: Range, given: f64) -> usize {
        let mut check = Validator::at(&[]);
        range.check(&mut check, field, given);
        check.into_errors().len()
    }

    #[test]
    fn ranges_include_their_ends() {
        for (range, good, bad) in [
            (Range(1.0, 365.0), [1.0, 365.0], [0.999, 365.001]),
            (Range::ABOVE_ZERO_TO_ONE, [0.001, 1.0], [0.0, 1.001]),
            (Range(0.0, 0.5), [0.0, 0.5], [-0.001, f64::NAN]),
        ] {
            assert_eq!(good.map(|given| faults("x", range, given)), [0, 0]);
            assert_eq!(bad.map(|given| faults("x", range, given)), [1, 1]);
        }
    }
}
