//! The members who see an account, to whom work there can be given.

use std::collections::{BTreeSet, HashMap};

use database::sql::Sql;
use entity::{AccountId, Id, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext};

/// Returns the statement that finds who sees each account. A row without an account is an administrator, who sees all.
///
/// Everyone with a seat at the account sees it, and every manager above one of these, at any depth. The line goes through
/// inactive members.
fn statement(backend: DbBackend, organization: entity::OrganizationId, accounts: &[AccountId]) -> Statement {
    let mut sql = Sql::new(backend);
    let organization = sql.parameter(organization);
    let accounts = sql.one_of(accounts.iter().map(|account| account.uuid()));
    sql.push(&format!(
        "with recursive line (account_id, id) as (
            select seat.account_id, seat.user_id from seat
            where seat.organization_id = ${organization} and seat.account_id {accounts}
            union
            select line.account_id, member.manager_id from line
            join member on member.organization_id = ${organization} and member.id = line.id
            where member.manager_id is not null
        )
        select line.account_id, member.id from line
        join member on member.organization_id = ${organization} and member.id = line.id
        where member.active and (member.role = 'MANAGER' or exists (
            select 1 from seat where seat.account_id = line.account_id and seat.user_id = member.id
        ))
        union all
        select cast(null as uuid), member.id from member
        where member.organization_id = ${organization} and member.active and member.role = 'ADMIN'"
    ));
    sql.statement()
}

/// Resolves `Account.members`, ordered by id: two statements for any number of accounts.
pub(super) async fn of_accounts(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Vec<User>>> {
    let ctx = field.request;
    let statement = statement(ctx.services.db.backend(), ctx.viewer()?.organization.id, of);
    let mut admins: BTreeSet<UserId> = BTreeSet::new();
    let mut members: HashMap<AccountId, BTreeSet<UserId>> = HashMap::new();
    for row in ctx.reader().query_all_raw(statement).await? {
        let (account, member): (Option<AccountId>, UserId) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        match account {
            Some(account) => members.entry(account).or_default().insert(member),
            None => admins.insert(member),
        };
    }
    let lists: Vec<BTreeSet<UserId>> =
        of.iter().map(|account| &admins | members.get(account).unwrap_or(&BTreeSet::new())).collect();
    if lists.iter().any(|list| list.len() as u64 > LONGEST_LIST) {
        let message = format!("More than {LONGEST_LIST} members see an account: page through `users` instead.");
        return Err(Error::LimitExceeded(message));
    }
    let found = User::fetch(ctx, lists.iter().flatten().copied()).await?;
    let lists: Vec<Vec<&User>> =
        lists.iter().map(|list| list.iter().filter_map(|member| found.get(member)).collect()).collect();
    field.lists_of_references(&lists).await
}
