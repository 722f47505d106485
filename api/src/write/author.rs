//! The author of a change.

use entity::{Id, OrganizationId, SessionId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::context::{RequestContext, Viewer};
use crate::error::{Error, Result};
use database::db;
use database::sql::Sql;

/// The user on whose behalf a change is made, checked in the change's own transaction: an ended session or a deactivated user
/// writes nothing from the commit on that ended or deactivated them, on any server. Viewers are remembered for some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// A signed-in user with a session.
    Session(UserId, SessionId),
    /// A user who acts without a session, as in an import.
    User(UserId),
    /// No user, or one who is not signed in yet.
    Unchecked,
}

impl Author {
    pub(super) fn of(viewer: &Viewer) -> Self {
        viewer.session.map_or(Self::User(viewer.user.id), |session| Self::Session(viewer.user.id, session))
    }

    /// Writes a query that finds one row where the author may still write, and this release may write to the tables. The row is
    /// locked until the transaction ends.
    pub(super) fn write(self, organization: OrganizationId, sql: &mut Sql, backend: DbBackend) {
        match self {
            Self::Session(user, session) => {
                sql.push("select 1 from session join member on member.organization_id = session.organization_id");
                sql.push(" and member.id = session.user_id where session.id = ").value(session.uuid());
                sql.push(" and session.organization_id = ").value(organization.uuid());
                sql.push(" and session.user_id = ").value(user.uuid());
                sql.push(" and session.ended_at is null and member.active and ").push(db::may_write());
                if backend == DbBackend::Postgres {
                    // Deactivating a user ends their sessions.
                    sql.push(" for share of session");
                }
            }
            Self::User(user) => {
                sql.push("select 1 from member where organization_id = ").value(organization.uuid());
                sql.push(" and id = ").value(user.uuid()).push(" and active and ").push(db::may_write());
                if backend == DbBackend::Postgres {
                    sql.push(" for share");
                }
            }
            Self::Unchecked => {
                sql.push("select 1 where ").push(db::may_write());
            }
        }
    }
}

/// Returns an error if the author may no longer write, and false otherwise. Called after a change wrote no row, to find
/// out which of its conditions failed.
pub(super) async fn may_write(ctx: &RequestContext, organization: OrganizationId, author: Author) -> Result<bool> {
    let backend = ctx.services.db.backend();
    let mut sql = Sql::new(backend);
    author.write(organization, &mut sql, backend);
    match ctx.services.db.writer().query_one_raw(sql.statement()).await? {
        Some(_) => Ok(false),
        None => Err(refusal(ctx).await),
    }
}

/// Returns the reason why an author may not write.
pub(super) async fn refusal(ctx: &RequestContext) -> Error {
    match check_tables(ctx.services.db.writer()).await {
        Ok(()) => Error::Unauthenticated,
        Err(error) => error,
    }
}

/// Checks that no newer release has made the tables incompatible with this one, for a write that has no author.
///
/// # Errors
/// [`Error::Outdated`]; the database's.
pub async fn check_tables(connection: &impl ConnectionTrait) -> Result<()> {
    let sql = format!("select 1 where {}", db::may_write());
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    if connection.query_one_raw(statement).await?.is_some() {
        return Ok(());
    }
    tracing::error!("a newer release has migrated the tables: this server no longer writes");
    Err(Error::Outdated)
}
