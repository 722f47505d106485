//! The members of the organization: signed up, invited, and with the demo's password.

use std::sync::Arc;

use async_graphql::MaybeUndefined;
use entity::{Instant, Scoped, organization, user};
use sea_orm::{ColumnTrait, QueryFilter};
use simulator::{Duty, Staff, World};

use super::fill::{Stopped, id, missing, money, unchanged_organization};
use super::{Filling, UNFINISHED};
use crate::app::App;
use crate::auth::viewer::with_reporting_line;
use crate::context::{RequestContext, Viewer};
use crate::domain::organization::write::{self as settings, UpdateOrganizationInput};
use crate::domain::session::invitation::{self, AcceptInvitationInput};
use crate::domain::session::sign_up::{SignUpInput, sign_up};
use crate::domain::session::{self, SessionPayload};
use crate::domain::user::Role;
use crate::domain::user::invite::{self, InviteUserInput};
use crate::write::Write;

/// The bookings of a year, in euros, from which an account is a key account.
const KEY_ACCOUNT: i64 = 120_000;

/// Creates the organization and its members, and returns them in the order of the simulation. None of them is signed in.
pub(super) async fn employ(
    app: &Arc<App>,
    filling: &Filling,
    world: &World,
    at: Instant,
) -> Result<Vec<Arc<Viewer>>, Stopped> {
    let Some((first, others)) = world.staff.split_first() else { return Err(missing("the administrator")) };
    let email = |member: &Staff| member.email(&filling.organization);
    let anonymous = context(app, None, at);
    let input = SignUpInput {
        organization_name: format!("{}{UNFINISHED}", filling.organization),
        currency: Some("EUR".to_owned()),
        time_zone: Some(filling.scenario.zone.name().to_owned()),
        name: first.name.clone(),
        email: email(first),
        password: filling.password.clone(),
    };
    let mut viewers = vec![signed_in(&sign_up(&anonymous, input).await?)?];
    let admin = context(app, Some(Arc::clone(&viewers[0])), at);
    let input = UpdateOrganizationInput {
        key_account_threshold: MaybeUndefined::Value(money(KEY_ACCOUNT)),
        ..unchanged_organization()
    };
    settings::update(&admin, input).await?;
    for member in others {
        let manager = member.manager.and_then(|manager| viewers.get(manager.0)).map(|manager| id(manager.user.id));
        let input = InviteUserInput {
            name: member.name.clone(),
            email: email(member),
            role: if member.duty == Duty::Management { Role::Manager } else { Role::Seller },
            manager_id: manager,
            title: Some(member.title.to_owned()),
            time_zone: None,
            working_hours: None,
        };
        let invited = invite::invite(&admin, input).await?;
        let token = invited.token.ok_or_else(|| missing("an invitation"))?;
        let input = AcceptInvitationInput { token, password: filling.password.clone(), name: None };
        viewers.push(signed_in(&invitation::accept(&anonymous, input).await?)?);
    }
    for viewer in &viewers {
        let write = Write::begin(&admin)?;
        session::end_all(&write.tx, viewer.organization.id, viewer.user.id, None).await?;
        write.commit().await?;
    }
    app.forget(viewers[0].organization.id);
    self::viewers(app, &viewers).await
}

/// Returns the context of a request at an instant.
pub(super) fn context(app: &Arc<App>, viewer: Option<Arc<Viewer>>, at: Instant) -> RequestContext {
    let mut context = RequestContext::new(Arc::clone(&app.services), "demo".to_owned(), None, viewer);
    context.now = at;
    context
}

fn signed_in(payload: &SessionPayload) -> Result<Arc<Viewer>, Stopped> {
    payload.session.as_ref().map(|session| Arc::clone(session.viewer())).ok_or_else(|| missing("a session"))
}

/// Returns the members as the database has them now, with their reporting lines and what they see, without sessions.
pub(super) async fn viewers(app: &Arc<App>, of: &[Arc<Viewer>]) -> Result<Vec<Arc<Viewer>>, Stopped> {
    let mut viewers = Vec::with_capacity(of.len());
    for viewer in of {
        let organization = organization::Entity::of(viewer.organization.id).one(app.db.reader()).await?;
        let member = user::Entity::of(viewer.organization.id).filter(user::Column::Id.eq(viewer.user.id));
        let member = member.one(app.db.reader()).await?.ok_or_else(|| missing("a member"))?;
        let organization = organization.ok_or_else(|| missing("the organization"))?;
        viewers.push(Arc::new(with_reporting_line(app.db.reader(), organization, member, None).await?));
    }
    Ok(viewers)
}
