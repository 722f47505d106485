//! Lists of contacts: filters and orderings.

use std::collections::{HashMap, HashSet};

use async_graphql::{Enum, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use entity::{AccountId, ContactId, Id, OpportunityId, Scoped, contact, touch, touch_contact};
use sea_orm::sea_query::{self, Cond, Expr, ExprTrait, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};
use uuid::Uuid;

use super::{BuyingRole, Contact, RelationshipLevel};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::AccountFilter;
use crate::domain::account::list::{account_rests_on, at_matching, condition_of, named};
use crate::error::{Error, Result};
use crate::graphql::filter::{Archived, DateTimeFilter, Facts, Filter, IdFilter, Nested, StringFilter, operand};
use crate::graphql::pagination::{
    Connection, Key, LONGEST_LIST, Order, PageArguments, RowsPerParent, SortKey, VisibleRows, ordering, plain_lists,
};
use crate::graphql::{Batch, FieldContext};
use crate::write::external_ids::ExternalIdInput;

/// A filter on contacts. All given conditions must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ContactFilter {
    /// All of these filters must match.
    pub and: MaybeUndefined<Vec<ContactFilter>>,
    /// At least one of these filters must match. An empty list matches nothing.
    pub or: MaybeUndefined<Vec<ContactFilter>>,
    /// This filter must not match.
    pub not: MaybeUndefined<Box<ContactFilter>>,
    /// A condition on the id.
    pub id: MaybeUndefined<IdFilter>,
    /// A condition on the name.
    pub name: MaybeUndefined<StringFilter>,
    /// A condition on the e-mail address, which is stored in lower case.
    pub email: MaybeUndefined<StringFilter>,
    /// A condition on the job title.
    pub title: MaybeUndefined<StringFilter>,
    /// A condition on the id of the account where the person works.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Only contacts with one of these roles in buying decisions. An empty list matches nothing.
    pub buying_role: MaybeUndefined<Vec<BuyingRole>>,
    /// Only contacts with one of these relationships to the organization. An empty list matches nothing.
    pub relationship: MaybeUndefined<Vec<RelationshipLevel>>,
    /// Only the contact with this identifier in another system.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// A condition on the time of the latest completed touch with the contact that the caller sees, which is null if there is
    /// none.
    pub last_touch_at: MaybeUndefined<DateTimeFilter>,
    /// A condition on the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
    /// Whether archived contacts are left out (EXCLUDE), returned alone (ONLY) or included (INCLUDE).
    #[graphql(default_with = "MaybeUndefined::Value(Archived::Exclude)")]
    pub archived: MaybeUndefined<Archived>,
}

impl Filter for ContactFilter {
    fn nested(&self) -> Nested<'_, Self> {
        Nested { and: &self.and, or: &self.or, not: &self.not }
    }

    fn rests_on(&self, facts: Facts) -> bool {
        account_rests_on(&self.account, facts)
    }

    fn on_related(&self, ctx: &RequestContext, remaining: &mut usize) -> Result<Option<Condition>> {
        at_matching(ctx, &self.account, contact::Column::AccountId, remaining)
    }

    fn own(&self, ctx: &RequestContext) -> Result<Condition> {
        use contact::Column;
        let viewer = ctx.viewer()?;
        let Self {
            and: _,
            or: _,
            not: _,
            id,
            name,
            email,
            title,
            account_id,
            account: _,
            buying_role,
            relationship,
            external_id,
            last_touch_at,
            updated_at,
            archived,
        } = self;
        // An empty filter still excludes archived contacts.
        let archived = operand("archived", archived)?.copied().unwrap_or_default();
        let mut all = Cond::all().add(archived.condition(Column::ArchivedAt));
        for (label, filter, column, folded) in [
            ("name", name, Column::Name, Column::NameKey),
            ("email", email, Column::Email, Column::Email),
            ("title", title, Column::Title, Column::TitleKey),
        ] {
            if let Some(filter) = operand(label, filter)? {
                all = all.add(filter.condition(column, folded)?);
            }
        }
        if let Some(filter) = operand("id", id)? {
            all = all.add(filter.condition::<_, ContactId>(Column::Id)?);
        }
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(roles) = operand("buyingRole", buying_role)? {
            all = all.add(Column::BuyingRole.is_in(roles.iter().map(|&role| contact::BuyingRole::from(role))));
        }
        if let Some(levels) = operand("relationship", relationship)? {
            all = all
                .add(Column::Relationship.is_in(levels.iter().map(|&level| contact::RelationshipLevel::from(level))));
        }
        if let Some(external) = operand("externalId", external_id)? {
            all = all.add(named(viewer.organization.id, ContactId::PREFIX, Column::Id, external));
        }
        if let Some(filter) = operand("lastTouchAt", last_touch_at)? {
            all = all.add(filter.condition_of(&last_touch_at_contact(viewer))?);
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }
}

/// Returns the time of the latest completed touch with a contact that the viewer sees.
fn last_touch_at_contact(viewer: &Viewer) -> SimpleExpr {
    use touch_contact::Column;
    let of_touch = Expr::col((touch::Entity, touch::Column::Id)).equals((touch_contact::Entity, Column::TouchId));
    let of_contact =
        Expr::col((touch_contact::Entity, Column::ContactId)).equals((contact::Entity, contact::Column::Id));
    let mut touches = Query::select();
    touches
        .column((touch_contact::Entity, Column::At))
        .from(touch_contact::Entity)
        .inner_join(touch::Entity, of_touch)
        .and_where(Column::OrganizationId.eq(viewer.organization.id))
        .and_where(of_contact)
        .and_where(touch::Column::Status.eq(touch::TouchStatus::Completed))
        .cond_where(viewer.sees(touch::Column::AccountId))
        .order_by((touch_contact::Entity, Column::At), sea_query::Order::Desc)
        .limit(1);
    SimpleExpr::SubQuery(None, Box::new(touches.into()))
}

/// A field by which contacts can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ContactOrderField {
    /// The name, case-folded (NFKC) and compared byte by byte.
    Name,
    /// The time of creation.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of contacts.
    ContactOrder by ContactOrderField, sort_key => contact::Entity
}

fn sort_key(field: ContactOrderField) -> SortKey<contact::Entity> {
    use contact::Column;
    match field {
        ContactOrderField::Name => {
            SortKey::column("NAME", Column::NameKey, |row: &contact::Model| Key::Text(row.name_key.clone()))
        }
        ContactOrderField::CreatedAt => {
            SortKey::column("CREATED_AT", Column::CreatedAt, |row: &contact::Model| Key::Number(row.created_at.0))
        }
        ContactOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &contact::Model| Key::Number(row.updated_at.0))
        }
    }
}

/// Arguments of a list of contacts.
#[derive(Clone, Debug, InputObject)]
pub struct ContactsArguments {
    /// Only contacts that match this filter.
    pub filter: Option<ContactFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<ContactOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

impl ContactsArguments {
    fn order(&self) -> Result<Order<contact::Entity>> {
        Order::by(
            ContactOrder::keys(self.order_by.as_deref()),
            SortKey::column("ID", contact::Column::Id, |row: &contact::Model| Key::Id(row.id.uuid())),
        )
    }

    async fn select(&self, ctx: &RequestContext) -> Result<Select<contact::Entity>> {
        let all = contact::Entity::of(ctx.viewer()?.organization.id);
        Ok(all.filter(condition_of(ctx, &self.filter.clone().unwrap_or_default()).await?))
    }
}

/// Resolves `Query.contacts`.
pub async fn contacts(field: &FieldContext<'_>, arguments: ContactsArguments) -> Result<Connection<Contact>> {
    let is_selective = arguments.filter.as_ref().is_some_and(|filter| {
        filter.id.is_value() || filter.account_id.is_value() || filter.email.is_value() || filter.external_id.is_value()
    });
    let seen = VisibleRows {
        select: arguments.select(field.request).await?,
        account: contact::Column::AccountId,
        is_selective,
    };
    seen.page(field, &arguments.order()?, &arguments.page).await
}

/// Resolves the contacts of each account.
pub async fn at_accounts(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Connection<Contact>>> {
    let arguments: ContactsArguments = field.arguments()?;
    let below = RowsPerParent::<contact::Entity> {
        select: arguments.select(field.request).await?,
        foreign: contact::Column::AccountId,
    };
    let pages: Vec<Connection<Contact>> =
        below.pages(field, of, |row| Some(row.account_id), &arguments.order()?, &arguments.page).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

/// Resolves `Opportunity.contacts` by two statements for any number of opportunities.
pub async fn of_opportunities(field: &FieldContext<'_>, of: &[OpportunityId]) -> Result<Batch<Vec<Contact>>> {
    use touch_contact::Column::{ContactId as Who, TouchId as Touch};
    let organization = field.request.viewer()?.organization.id;
    let distinct: HashSet<Uuid> = of.iter().map(|id| id.uuid()).collect();
    let max_rows = LONGEST_LIST * distinct.len() as u64;
    let query = touch::Entity::of(organization)
        .filter(is_any_of(field.request.reader(), touch::Column::OpportunityId, distinct))
        .filter(touch::Column::Status.ne(touch::TouchStatus::Canceled))
        .select_only()
        .column(touch::Column::OpportunityId)
        .into_query()
        .inner_join(
            touch_contact::Entity,
            Expr::col((touch_contact::Entity, Touch)).equals((touch::Entity, touch::Column::Id)),
        )
        .column((touch_contact::Entity, Who))
        .distinct()
        .limit(max_rows + 1)
        .to_owned();
    let mut people: HashMap<OpportunityId, Vec<ContactId>> = HashMap::new();
    for row in field.request.reader().query_all(&query).await? {
        people.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
    }
    if people.values().any(|list| list.len() as u64 > LONGEST_LIST) {
        let message =
            format!("An opportunity has more than {LONGEST_LIST} contacts: page through its touches instead.");
        return Err(Error::LimitExceeded(message));
    }
    let found = Contact::fetch(field.request, people.values().flatten().copied()).await?;
    let list = |id: &OpportunityId| -> Vec<&Contact> {
        let mut list: Vec<&Contact> = people
            .get(id)
            .into_iter()
            .flatten()
            .filter_map(|person| found.get(person))
            .filter(|contact| contact.0.archived_at.is_none())
            .collect();
        list.sort_unstable_by_key(|contact| contact.0.id);
        list
    };
    field.lists_of_references(&of.iter().map(list).collect::<Vec<_>>()).await
}

/// Resolves `Contact.directReports`. They work at the same account, which the viewer sees.
pub(super) async fn reporting_to(field: &FieldContext<'_>, of: &[ContactId]) -> Result<Batch<Vec<Contact>>> {
    let select = contact::Entity::of(field.request.viewer()?.organization.id)
        .filter(contact::Column::ArchivedAt.is_null())
        .order_by_asc(contact::Column::Id);
    let too_long =
        format!("More than {LONGEST_LIST} contacts report to a person: page through the account's contacts.");
    let column = contact::Column::ReportsToId;
    plain_lists::<_, Contact, _>(field, select, column, of, |row| row.reports_to_id, &too_long).await
}
