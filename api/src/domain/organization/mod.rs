//! The tenant, as its members see it.

pub mod write;

use entity::{AccountId, Id, Instant, OrganizationId, organization};
use uuid::Uuid;

use crate::error::Result;
use crate::graphql::{FieldContext, NodeId, object};
use crate::values::money::{Currency, Money};
use crate::write::{AuditedRow, Snapshot, snapshot};

/// An organization.
#[derive(Clone, Debug)]
pub struct Organization(pub organization::Model);

object! {
    /// The tenant: nothing ever crosses it.
    Organization as "Organization" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<OrganizationId> = plain(|organization| NodeId(organization.0.id));
        /// Its name.
        name: &str = plain(|organization| &organization.0.name);
        /// ISO 4217 code of the one currency of all its amounts. It cannot change once an amount is stored.
        currency: &str = plain(|organization| &organization.0.currency);
        /// IANA name of its time zone: days, weeks and fiscal years in analytics are that zone's.
        timeZone: &str = plain(|organization| &organization.0.time_zone);
        /// The month (1-12) in which a fiscal year starts; fiscal year Y starts in calendar year Y.
        fiscalYearStartMonth: i32 = plain(|organization| organization.0.fiscal_year_start_month);
        /// Bookings in a fiscal year from which an account is a key account; null where there is no such bound.
        keyAccountThreshold: Option<Money> = plain(|organization| threshold(&organization.0));
        /// The numbers behind the metrics that are each organization's own choice.
        policy: Policy = plain(|organization| Policy(organization.0.clone()));
        /// When it was made.
        createdAt: entity::Instant = plain(|organization| organization.0.created_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|organization| organization.0.version);
    }
}

/// In its own currency, which the caller's request may have just changed.
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
        // Its own currency, which may be what changes.
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
    /// The numbers behind the metrics that the method leaves to each organization.
    Policy as "Policy" {
        /// Days in which a touch loses half its weight in presence: 1 to 365, by default 30.
        presenceHalfLifeDays: f64 = plain(|policy| policy.0.presence_half_life_days);
        /// Presence from which we count as present: 0.05 to 0.95, by default 0.5.
        presenceThreshold: f64 = plain(|policy| policy.0.presence_threshold);
        /// Share of working minutes that goes into selling: above 0, up to 1; by default 0.5.
        sellingShare: f64 = plain(|policy| policy.0.selling_share);
        /// Share of selling minutes that goes into targets: above 0, up to 1; by default 0.6.
        targetShare: f64 = plain(|policy| policy.0.target_share);
        /// People to stay present with at one target: 1 to 50, by default 3.
        keyPeoplePerTarget: i32 = plain(|policy| policy.0.key_people_per_target);
        /// Minutes of blank working time from which a blank spot is big: 15 to 1,440, by default 120.
        bigBlankMinutes: i32 = plain(|policy| policy.0.big_blank_minutes);
        /// The probability of missing the goals that is still acceptable: 0 to 0.5, by default 0.1.
        pipelineMargin: f64 = plain(|policy| policy.0.pipeline_margin);
        /// Lower end of the band of the book that deserves a target list, in percent: above 0, by default 5.
        targetBandLow: f64 = plain(|policy| policy.0.target_band_low);
        /// Upper end of that band, in percent: up to 100, by default 20.
        targetBandHigh: f64 = plain(|policy| policy.0.target_band_high);
    }
}

/// `Query.organization`.
#[expect(clippy::unused_async, reason = "what answers a field is async")]
pub async fn organization(field: &FieldContext<'_>) -> Result<Organization> {
    Ok(Organization(field.request.viewer()?.organization.clone()))
}

impl Organization {
    /// The organization of who asks, where it has this id.
    #[must_use]
    pub fn own(ctx: &crate::context::RequestContext, id: uuid::Uuid) -> Option<Self> {
        let organization = &ctx.viewer().ok()?.organization;
        (organization.id.uuid() == id).then(|| Self(organization.clone()))
    }
}
