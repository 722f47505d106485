//! The fields of the rows of each kind, with the columns that hold them.

use std::collections::HashMap;

use entity::{Id as _, Scoped, account, booking, contact, opportunity, touch, user};
use sea_orm::QueryFilter as _;
use serde_json::Value;

use super::records::{Given, ImportedField, RecordKey, Recorded, RowPlan};
use super::revenue;
use super::target::{
    AccountRowInput, BookingRowInput, ContactRowInput, ExternalIdInput, Json, MaybeUndefined, OpportunityRowInput,
    TouchRowInput, TouchStatus, UserRowInput,
};
use crate::context::RequestContext;
use crate::error::{Error, Result, UserErrorCode};
use crate::write::Write;
use database::columns::is_any_of;

/// Lists fields of a row: the field's name and the columns whose change by a person protects it.
macro_rules! fields {
    ($row:expr; $($field:ident: $($column:literal)+),* $(,)?) => {
        vec![$(ImportedField { name: stringify!($field), columns: &[$($column),+], value: &mut $row.$field }),*]
    };
}

fn key_of(id: &ExternalIdInput) -> RecordKey {
    (id.source.clone(), id.id.clone())
}

impl Recorded for UserRowInput {
    type Model = user::Model;

    async fn remove<'c>(context: &'c RequestContext, row: &user::Model) -> Result<Write<'c>> {
        let _ = (context, row);
        let message = "Users are deactivated here by an administrator, who names a successor.";
        Err(Error::refused(UserErrorCode::Conflict, &[], message))
    }

    fn key(&self) -> Option<RecordKey> {
        Some((String::new(), crate::values::text::email(&self.email).ok()?))
    }

    fn fields(&mut self) -> Vec<ImportedField<'_>> {
        fields! { self; name: "name", role: "role", manager_email: "manager_id", title: "title" }
    }

    async fn find(context: &RequestContext, keys: &[RecordKey]) -> Result<HashMap<RecordKey, user::Model>> {
        let emails = keys.iter().map(|(_, email)| email.clone());
        let found = user::Entity::of(context.viewer()?.organization.id)
            .filter(is_any_of(context.reader(), user::Column::Email, emails))
            .all(context.reader())
            .await?;
        Ok(found.into_iter().map(|row| ((String::new(), row.email.clone()), row)).collect())
    }
}

impl Recorded for AccountRowInput {
    type Model = account::Model;

    async fn remove<'c>(context: &'c RequestContext, row: &account::Model) -> Result<Write<'c>> {
        let one = crate::domain::account::write::ArchiveAccountInput { id: row.id.show().into(), if_version: None };
        crate::domain::account::write::begin_archive(context, one).await
    }

    fn key(&self) -> Option<RecordKey> {
        self.external_id.value().map(key_of)
    }

    fn fields(&mut self) -> Vec<ImportedField<'_>> {
        fields! { self;
            name: "name",
            domain: "domain",
            industry: "industry",
            employees: "employees",
            annual_revenue: "annual_revenue",
            country: "country",
            city: "city",
            phone: "phone",
            description: "description",
            potential: "potential",
            owner_email: "owner_id",
            parent: "parent_id",
        }
    }

    fn custom_fields(&mut self) -> Option<&mut MaybeUndefined<Json<String>>> {
        Some(&mut self.custom_fields)
    }
}

impl Recorded for ContactRowInput {
    type Model = contact::Model;

    async fn remove<'c>(context: &'c RequestContext, row: &contact::Model) -> Result<Write<'c>> {
        let one = crate::domain::contact::write::ArchiveContactInput { id: row.id.show().into(), if_version: None };
        crate::domain::contact::write::begin_archive(context, one).await
    }

    fn key(&self) -> Option<RecordKey> {
        self.external_id.value().map(key_of)
    }

    fn fields(&mut self) -> Vec<ImportedField<'_>> {
        fields! { self;
            account: "account_id",
            name: "name",
            title: "title",
            department: "department",
            email: "email",
            phone: "phone",
            buying_role: "buying_role",
            relationship: "relationship",
            reports_to: "reports_to_id",
            do_not_contact: "do_not_contact",
        }
    }

    fn custom_fields(&mut self) -> Option<&mut MaybeUndefined<Json<String>>> {
        Some(&mut self.custom_fields)
    }
}

impl Recorded for OpportunityRowInput {
    type Model = opportunity::Model;

    async fn remove<'c>(context: &'c RequestContext, row: &opportunity::Model) -> Result<Write<'c>> {
        let one =
            crate::domain::opportunity::close::DeleteOpportunityInput { id: row.id.show().into(), if_version: None };
        crate::domain::opportunity::close::begin_delete(context, one).await.map(|(write, _)| write)
    }

    fn key(&self) -> Option<RecordKey> {
        self.external_id.value().map(key_of)
    }

    fn fields(&mut self) -> Vec<ImportedField<'_>> {
        // Stage, day of closing and reason belong together: a change of one by hand protects all of them.
        fields! { self;
            account: "account_id",
            name: "name",
            amount: "amount",
            stage: "stage" "closed_on",
            probability: "probability" "stage",
            opened_on: "opened_on",
            expected_close_on: "expected_close_on",
            closed_on: "closed_on" "stage",
            loss_reason: "loss_reason" "stage",
            owner_email: "owner_id",
        }
    }

    fn custom_fields(&mut self) -> Option<&mut MaybeUndefined<Json<String>>> {
        Some(&mut self.custom_fields)
    }

    fn invented(&self) -> Vec<&'static str> {
        if self.opened_on.is_undefined() { vec!["opened_on"] } else { Vec::new() }
    }

    async fn settle(
        context: &RequestContext,
        rows: &mut [Self],
        plans: &mut [RowPlan<opportunity::Model>],
        dry_run: bool,
    ) -> Result<()> {
        revenue::take_back(context, rows, plans, dry_run).await
    }

    /// A day of opening that the import made up gives way to a day of closing before it.
    fn adapt(&mut self, before: &opportunity::Model, given: &Given) {
        let invented = given.invented.iter().any(|column| column == "opened_on")
            && given.values.get("opened_on") == Some(&Value::from(before.opened_on.0));
        if let Some(closed) = self.closed_on.value().filter(|_| invented && self.opened_on.is_undefined())
            && closed.0 < before.opened_on
        {
            self.opened_on = MaybeUndefined::Value(*closed);
        }
    }
}

impl Recorded for BookingRowInput {
    type Model = booking::Model;

    async fn remove<'c>(context: &'c RequestContext, row: &booking::Model) -> Result<Write<'c>> {
        let one = crate::domain::booking::write::DeleteBookingInput { id: row.id.show().into(), if_version: None };
        crate::domain::booking::write::begin_delete(context, one).await.map(|(write, _)| write)
    }

    fn key(&self) -> Option<RecordKey> {
        self.external_id.value().map(key_of)
    }

    fn fields(&mut self) -> Vec<ImportedField<'_>> {
        fields! { self;
            account: "account_id",
            amount: "amount",
            booked_on: "booked_on",
            description: "description",
            opportunity_external_id: "opportunity_id",
            seller_email: "seller_id",
        }
    }
}

impl Recorded for TouchRowInput {
    type Model = touch::Model;

    async fn remove<'c>(context: &'c RequestContext, row: &touch::Model) -> Result<Write<'c>> {
        let one = crate::domain::touch::input::DeleteTouchInput { id: row.id.show().into(), if_version: None };
        crate::domain::touch::write::begin_delete(context, one).await.map(|(write, _)| write)
    }

    fn key(&self) -> Option<RecordKey> {
        self.external_id.value().map(key_of)
    }

    fn fields(&mut self) -> Vec<ImportedField<'_>> {
        // A touch that people completed or called off happened when they say.
        fields! { self;
            account: "account_id",
            contacts: "contact_ids",
            contact_emails: "contact_ids",
            opportunity: "opportunity_id",
            user_email: "user_id",
            kind: "kind",
            status: "status",
            direction: "direction",
            at: "at" "status",
            duration_minutes: "duration_minutes",
            subject: "subject",
            notes: "notes",
            responded: "responded",
            value: "value",
            value_acknowledged: "value_acknowledged",
            recorded_at: "recorded_at",
        }
    }

    /// A touch that the source called off is on again; and one that was made moves into the future.
    fn guess_applies(&self, name: &str, before: &touch::Model, given: &Given) -> bool {
        let moves_ahead = self.at.value().is_some_and(|at| at.0 > before.at);
        name == "status"
            && given.values.contains_key("status")
            && match before.status {
                touch::TouchStatus::Canceled => true,
                touch::TouchStatus::Completed => {
                    moves_ahead && self.status == MaybeUndefined::Value(TouchStatus::Scheduled)
                }
                touch::TouchStatus::Scheduled => false,
            }
    }
}
