//! Calendar feeds: private addresses at which calendar programs read a user's touches as iCalendar.
//!
//! | module | contents |
//! |---|---|
//! | this one | creating and revoking an address, and reading the touches of a feed |
//! | [`document`] | the pure function that formats touches as iCalendar |
//!
//! The address contains a secret, of which only the digest is stored, so reading a feed needs no other token. A feed contains only
//! touches that its user sees. `server/http/calendar.rs` serves the feeds.

pub mod document;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use entity::touch::TouchStatus as Stored;
use entity::{
    AccountId, ContactId, Id, OrganizationId, Scoped, UserId, account, calendar_feed, contact, organization, touch,
    user,
};
use sea_orm::sea_query::{Cond, Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use serde_json::Map;

use self::document::Entry;
use crate::auth::secrets::SecretKind;
use crate::auth::viewer::with_reporting_line;
use crate::context::{RequestContext, Services, Viewer};
use crate::domain::account::is_active;
use crate::domain::touch::people;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::payload;
use crate::write::Write;
use database::columns::is_any_of;

/// Days back from which touches are shown.
const DAYS_BACK: i64 = 30;
/// Touches that are shown at most: the earliest.
const MOST: u64 = 2_000;

payload! {
    /// The address of a calendar feed, or the errors of the input.
    CalendarFeedPayload as "CalendarFeedPayload" {
        /// The address, shown this once; null where it was revoked, or there are userErrors.
        url(url): String,
    }
}

/// Resolves `Mutation.createCalendarFeed`, which creates a new address for the caller's calendar and revokes the previous one.
pub async fn create(ctx: &RequestContext) -> Result<CalendarFeedPayload> {
    let viewer = ctx.viewer()?;
    let secret = SecretKind::Calendar.make().map_err(Error::internal)?;
    let mut write = Write::begin(ctx)?;
    let row = calendar_feed::Model {
        user_id: viewer.user.id,
        organization_id: viewer.organization.id,
        digest: secret.digest.to_vec(),
        created_at: write.at,
    };
    // There already or not: of two made at once, the later stays.
    let row = vec![row.into_active_model().reset_all()];
    database::bulk::insert::<calendar_feed::Entity, _>(&write.tx, row, true).await?;
    record(&mut write, viewer.user.id, "calendar_feed_created");
    write.commit().await?;
    let url = format!("{}/calendar/{}.ics", ctx.services.settings.http.public_url(), secret.shown);
    Ok(CalendarFeedPayload { url: Some(url), ..CalendarFeedPayload::default() })
}

/// Resolves `Mutation.revokeCalendarFeed`. If the caller has no address, nothing changes.
pub async fn revoke(ctx: &RequestContext) -> Result<CalendarFeedPayload> {
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;
    end_with_event(&mut write, viewer.user.id).await?;
    write.commit().await?;
    Ok(CalendarFeedPayload::default())
}

/// Ends a user's address, if there is one, and adds the event.
pub async fn end_with_event(write: &mut Write<'_>, user: UserId) -> Result<()> {
    if end(&write.tx, write.organization(), user).await? {
        record(write, user, "calendar_feed_revoked");
    }
    Ok(())
}

/// Adds the event that an address was created or ended, visible to the user and their line.
fn record(write: &mut Write<'_>, user: UserId, what: &str) {
    write.note(UserId::PREFIX, what, user.uuid(), None, &Map::new());
    write.about(user);
}

/// Ends a user's address; was there one?
pub async fn end<C: ConnectionTrait>(tx: &C, organization: OrganizationId, user: UserId) -> Result<bool> {
    let gone = calendar_feed::Entity::remove_of(organization).filter(calendar_feed::Column::UserId.eq(user));
    Ok(gone.exec(tx).await?.rows_affected > 0)
}

/// Returns the viewer whose calendar a token gives access to.
///
/// # Errors
/// [`Error::Refused`] where the token names none, whatever the reason; [`Error::RateLimited`] after too many of those;
/// the database's.
pub async fn reader(services: &Services, token: &str, peer: Option<IpAddr>) -> Result<Viewer> {
    services.auth.calendars.watch(peer, Some(token), find(services, token)).await
}

async fn find(services: &Services, token: &str) -> Result<Viewer> {
    let none = || Error::refused(UserErrorCode::NotFound, &[], "There is no calendar at this address.");
    let Some(digest) = SecretKind::Calendar.digest(token) else { return Err(none()) };
    let reader = services.db.reader();
    #[expect(clippy::disallowed_methods, reason = "the token itself says whose calendar it is")]
    let feed = calendar_feed::Entity::find().filter(calendar_feed::Column::Digest.eq(digest.to_vec())).one(reader);
    let feed = feed.await?.ok_or_else(none)?;
    let organization = organization::Entity::of(feed.organization_id).one(reader).await?.ok_or_else(none)?;
    let active = user::Entity::of(feed.organization_id).filter(user::Column::Active.eq(true));
    let user = active.filter(user::Column::Id.eq(feed.user_id)).one(reader).await?.ok_or_else(none)?;
    with_reporting_line(reader, organization, user, None).await
}

/// A user's calendar, as they see it: what they are to do, what was called off, and what was scheduled and then done, from
/// thirty days back on. Three statements.
pub async fn calendar(services: &Arc<Services>, viewer: Viewer) -> Result<String> {
    use touch::Column;
    let viewer = Arc::new(viewer);
    let ctx = RequestContext::new(Arc::clone(services), "calendar".to_owned(), None, Some(Arc::clone(&viewer)));
    // What was only written down afterwards was never in a calendar.
    let planned = Cond::all()
        .add(Column::Status.eq(Stored::Completed))
        .add(Expr::col(Column::CreatedAt).lt(Expr::col(Column::At)));
    let touches = viewer
        .rows::<touch::Entity>(Column::AccountId)
        .filter(Column::UserId.eq(viewer.user.id))
        .filter(is_active(Column::AccountId))
        .filter(Column::At.gte(ctx.now.plus_seconds(-DAYS_BACK * 86_400)))
        .filter(Cond::any().add(Column::Status.is_in([Stored::Scheduled, Stored::Canceled])).add(planned))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .limit(MOST)
        .all(ctx.reader())
        .await?;
    let accounts = names::<account::Entity, _>(
        &ctx,
        viewer.accounts().filter(is_any_of(
            ctx.reader(),
            account::Column::Id,
            touches.iter().map(|touch| touch.account_id),
        )),
        account::Column::Id,
        account::Column::Name,
    );
    let accounts: HashMap<AccountId, String> = accounts.await?;
    let invited: BTreeSet<ContactId> = touches.iter().flat_map(|touch| people::read(&touch.contact_ids)).collect();
    let contacts = viewer.contacts().filter(is_any_of(ctx.reader(), contact::Column::Id, invited));
    let contacts: HashMap<ContactId, String> =
        names::<contact::Entity, _>(&ctx, contacts, contact::Column::Id, contact::Column::Name).await?;
    let entries = touches.into_iter().map(|touch| {
        let people = people::read(&touch.contact_ids);
        Entry {
            account: accounts.get(&touch.account_id).cloned().unwrap_or_default(),
            people: people.iter().filter_map(|id| contacts.get(id).cloned()).collect(),
            touch,
        }
    });
    Ok(document::write(&viewer.user, &entries.collect::<Vec<_>>()))
}

/// Names by ids.
async fn names<E: EntityTrait, I: Id>(
    ctx: &RequestContext,
    select: sea_orm::Select<E>,
    id: E::Column,
    name: E::Column,
) -> Result<HashMap<I, String>> {
    let query = select.select_only().column(id).column(name).into_query();
    let rows = ctx.reader().query_all(&query).await?;
    rows.into_iter().map(|row| Ok((I::from_uuid(row.try_get_by_index(0)?), row.try_get_by_index(1)?))).collect()
}
