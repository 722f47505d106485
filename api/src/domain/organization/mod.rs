//! The organization (the tenant) as its members see it.

pub mod write;

use entity::{AccountId, Day, Id, Instant, OrganizationId, organization};
use uuid::Uuid;

use crate::error::Result;
use crate::graphql::{FieldContext, NodeId, object};
use crate::values::calendar;
use crate::values::money::{Currency, Money};
use crate::write::{AuditedRow, Snapshot, snapshot};

/// An organization.
#[derive(Clone, Debug)]
pub struct Organization(pub organization::Model);

object! {
    /// An organization, the tenant to which all data belongs. Organizations share no data.
    Organization as "Organization" Node {
        /// The opaque identifier, prefixed with the type and increasing with the time of creation.
        id: NodeId<OrganizationId> = plain(|organization| NodeId(organization.0.id));
        /// The name.
        name: &str = plain(|organization| &organization.0.name);
        /// The ISO 4217 code of the currency of all amounts. It cannot change once an amount is stored.
        currency: &str = plain(|organization| &organization.0.currency);
        /// The IANA name of the time zone that days, weeks and fiscal years in analytics are in.
        timeZone: &str = plain(|organization| &organization.0.time_zone);
        /// The month, 1 to 12, in which a fiscal year starts. Fiscal year Y starts in calendar year Y.
        fiscalYearStartMonth: i32 = plain(|organization| organization.0.fiscal_year_start_month);
        /// The amount of bookings in a fiscal year from which an account is a key account; null if no account is.
        keyAccountThreshold: Option<Money> = plain(|organization| threshold(&organization.0));
        /// The parameters of the metrics that each organization sets for itself.
        policy: Policy = plain(|organization| Policy(organization.0.clone()));
        /// Today in its time zone.
        today: Day = plain(|organization, ctx| today(&organization.0, ctx.now));
        /// The time at which the organization was created.
        createdAt: entity::Instant = plain(|organization| organization.0.created_at);
        /// The number of writes so far, 1 on creation. Pass it as `ifVersion` to detect concurrent changes.
        version: i32 = plain(|organization| organization.0.version);
    }
}

/// Returns today in the time zone of this row, which the current request may have changed.
fn today(organization: &organization::Model, now: Instant) -> Day {
    calendar::day_of(now, calendar::zone(&organization.time_zone).unwrap_or(chrono_tz::UTC))
}

/// Returns the threshold in the currency of this row, which the current request may have changed.
fn threshold(organization: &organization::Model) -> Option<Money> {
    let currency = Currency::of(&organization.currency).unwrap_or(Currency::NONE);
    organization.key_account_threshold.map(|minor| currency.money(minor))
}

impl AuditedRow for organization::Model {
    type Table = organization::Entity;
    type Active = organization::ActiveModel;
    const NOUN: &'static str = OrganizationId::PREFIX;

    fn uuid(&self) -> Uuid {
        self.id.uuid()
    }

    fn account(&self) -> Option<AccountId> {
        None
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn stamp(&mut self, _: Instant, version: i32) {
        self.version = version;
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            name,
            currency,
            time_zone,
            fiscal_year_start_month,
            key_account_threshold,
            presence_half_life_days,
            presence_threshold,
            selling_share,
            target_share,
            key_people_per_target,
            big_blank_minutes,
            pipeline_margin,
            target_band_low,
            target_band_high,
            erasure_key: _,
            created_at,
            version: _,
        } = self;
        // The currency of this row, because the change may be one of the currency.
        let own = Currency::of(currency).unwrap_or(Currency::NONE);
        snapshot! {
            "name": name,
            "currency": currency,
            "timeZone": time_zone,
            "fiscalYearStartMonth": fiscal_year_start_month,
            "keyAccountThreshold": key_account_threshold.map(|minor| own.decimal(minor)),
            "policy.presenceHalfLifeDays": presence_half_life_days,
            "policy.presenceThreshold": presence_threshold,
            "policy.sellingShare": selling_share,
            "policy.targetShare": target_share,
            "policy.keyPeoplePerTarget": key_people_per_target,
            "policy.bigBlankMinutes": big_blank_minutes,
            "policy.pipelineMargin": pipeline_margin,
            "policy.targetBandLow": target_band_low,
            "policy.targetBandHigh": target_band_high,
            "createdAt": created_at,
        }
    }
}

/// An organization's policy.
#[derive(Clone, Debug)]
pub struct Policy(pub organization::Model);

object! {
    /// The parameters of the metrics that each organization sets for itself.
    Policy as "Policy" {
        /// The half-life of a touch in days: the time after which it counts half towards presence. 1 to 365, by default
        /// 30.
        presenceHalfLifeDays: f64 = plain(|policy| policy.0.presence_half_life_days);
        /// The presence from which the organization counts as present at an account: 0.05 to 0.95, by default 0.5.
        presenceThreshold: f64 = plain(|policy| policy.0.presence_threshold);
        /// The share of working time for selling: above 0, up to 1; by default 0.5.
        sellingShare: f64 = plain(|policy| policy.0.selling_share);
        /// The share of selling time for targets: above 0, up to 1; by default 0.6.
        targetShare: f64 = plain(|policy| policy.0.target_share);
        /// The number of people to stay present with at each target: 1 to 50, by default 3.
        keyPeoplePerTarget: i32 = plain(|policy| policy.0.key_people_per_target);
        /// The length in minutes from which a blank spot in the working time is big: 15 to 1,440, by default 120.
        bigBlankMinutes: i32 = plain(|policy| policy.0.big_blank_minutes);
        /// The acceptable probability of missing the goals: 0 to 0.5, by default 0.1.
        pipelineMargin: f64 = plain(|policy| policy.0.pipeline_margin);
        /// The lower end of the recommended size of a target list, in percent of the accounts owned: above 0, by
        /// default 5.
        targetBandLow: f64 = plain(|policy| policy.0.target_band_low);
        /// The upper end of the recommended size of a target list, in percent of the accounts owned: up to 100, by
        /// default 20.
        targetBandHigh: f64 = plain(|policy| policy.0.target_band_high);
    }
}

/// Resolves `Query.organization`.
#[expect(clippy::unused_async, reason = "field resolvers are async")]
pub async fn organization(field: &FieldContext<'_>) -> Result<Organization> {
    Ok(Organization(field.request.viewer()?.organization.clone()))
}

impl Organization {
    /// Returns the viewer's organization if it has this id.
    #[must_use]
    pub fn own(ctx: &crate::context::RequestContext, id: uuid::Uuid) -> Option<Self> {
        let organization = &ctx.viewer().ok()?.organization;
        (organization.id.uuid() == id).then(|| Self(organization.clone()))
    }
}
