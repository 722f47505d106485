//! Inviting members and reissuing invitations.

use async_graphql::{ID, InputObject};
use entity::{Id, Scoped, UserId, user};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::write::is_last_admin;
use super::{Role, User, hours};
use crate::context::RequestContext;
use crate::domain::account::team::active_member;
use crate::domain::calendar_feed;
use crate::domain::session::{self, invitation};
use crate::error::{Result, UserErrorCode};
use crate::graphql::payload;
use crate::values::text::fold;
use crate::write::Write;
use crate::write::validator::{NAME, Validator};

payload! {
    /// The result of inviting a member.
    InvitationPayload as "InvitationPayload" {
        /// The invited member; null if there are `userErrors`.
        user(user): User,
        /// The token for acceptInvitation, which is returned only once and expires after 7 days. Anyone who has it can
        /// set the member's password. Null if there are `userErrors`.
        token(token): String,
    }
}

/// A new member.
#[derive(Clone, Debug, InputObject)]
pub struct InviteUserInput {
    /// The name: 1 to 200 characters.
    pub name: String,
    /// The e-mail address to sign in with; unique within the organization.
    pub email: String,
    /// The role: what the member sees and may change.
    pub role: Role,
    /// The id of the member to whom they report: an active member.
    pub manager_id: Option<ID>,
    /// The job title: up to 200 characters.
    pub title: Option<String>,
    /// The IANA name of the time zone; the organization's by default.
    pub time_zone: Option<String>,
    /// The working hours; Monday to Friday from 09:00 to 17:00 by default.
    pub working_hours: Option<Vec<hours::WorkingHoursInput>>,
}

/// A member to invite anew.
#[derive(Clone, Debug, InputObject)]
pub struct ReissueInvitationInput {
    /// The id of the member.
    pub user_id: ID,
    /// The expected version. The change fails with STALE_VERSION if the member has another version.
    pub if_version: Option<i32>,
}

/// Executes `inviteUser`.
pub async fn invite(ctx: &RequestContext, input: InviteUserInput) -> Result<InvitationPayload> {
    let InviteUserInput { name, email, role, manager_id, title, time_zone, working_hours } = input;
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input"])?;
    let mut check = Validator::input();
    let mut user = blank(ctx, viewer);
    user.name = check.required("name", &name, NAME);
    user.name_key = fold(&user.name);
    user.email = check.email("email", &email);
    user.role = role.into();
    user.title = check.optional("title", title.as_deref(), NAME);
    if let Some(zone) = &time_zone {
        user.time_zone = check.time_zone("timeZone", zone);
    }
    if let Some(hours) = &working_hours {
        user.working_hours = check.working_hours("workingHours", hours);
    }
    let mut write = Write::begin(ctx)?;
    if let Some(id) = &manager_id {
        user.manager_id = active_member(ctx, &write, &mut check, "managerId", id).await?.map(|manager| manager.id);
    }
    let other = user::Entity::of(viewer.organization.id).filter(user::Column::Email.eq(&user.email));
    if !user.email.is_empty() && other.one(&write.tx).await?.is_some() {
        check.fault(UserErrorCode::Taken, "email", format!("Another user has the address {}.", user.email));
    }
    check.finish()?;
    let user = write.add(user).await?;
    let token = invitation::invite(&write.tx, &user).await?;
    write.commit().await?;
    ctx.services.forget(user.organization_id);
    Ok(InvitationPayload { user: Some(User(user)), token: Some(token), ..InvitationPayload::default() })
}

/// Returns a new member with the organization's defaults.
pub(super) fn blank(ctx: &RequestContext, viewer: &crate::context::Viewer) -> user::Model {
    user::Model {
        id: UserId::make(),
        organization_id: viewer.organization.id,
        name: String::new(),
        name_key: String::new(),
        email: String::new(),
        role: user::Role::Seller,
        title: None,
        time_zone: viewer.organization.time_zone.clone(),
        manager_id: None,
        working_hours: hours::usual(),
        external_ids: "[]".to_owned(),
        active: true,
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 0,
    }
}

/// Executes `reissueInvitation`: removes the password and any open invitation and ends all sessions, so that the new
/// token is the only way to sign in.
pub async fn reissue(ctx: &RequestContext, input: ReissueInvitationInput) -> Result<InvitationPayload> {
    let viewer = ctx.viewer()?;
    viewer.must_administer(&["input", "userId"])?;
    let mut check = Validator::input();
    let id: Option<UserId> = check.id("userId", &input.user_id);
    check.finish()?;
    let mut write = Write::begin(ctx)?;
    let user = match id {
        Some(id) => {
            let user = user::Entity::of(viewer.organization.id).filter(user::Column::Id.eq(id));
            user.lock_exclusive().one(&write.tx).await?
        }
        None => None,
    };
    match &user {
        None => check.not_found("userId", "user"),
        Some(user) if !user.active => {
            let message = format!("{} is not active: reactivate them first.", user.name);
            check.fault(UserErrorCode::Conflict, "userId", message);
        }
        Some(_) => {}
    }
    if let Some(user) = &user {
        check.version(input.if_version, user.version);
    }
    if let Some(user) = &user
        && check.is_clean()
        && is_last_admin(&write, user).await?
    {
        let message = "This is the last active administrator: use changePassword to change the password.";
        check.fault(UserErrorCode::Conflict, "userId", message);
    }
    check.finish()?;
    let mut payload = InvitationPayload::default();
    if let Some(user) = user {
        payload.token = Some(invitation::invite(&write.tx, &user).await?);
        session::end_all(&write.tx, user.organization_id, user.id, None).await?;
        calendar_feed::end_with_event(&mut write, user.id).await?;
        write.check_author().await?;
        write.commit().await?;
        ctx.services.forget(user.organization_id);
        payload.user = Some(User(user));
    }
    Ok(payload)
}
