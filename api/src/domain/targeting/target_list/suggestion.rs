//! Suggestions: the best accounts of a seller's book that are neither targets nor proposed and are sufficiently assessed, and
//! the accounts to assess next. The book is ranked in SQL.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::{AccountId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::TargetList;
use super::band::percent_up;
use crate::domain::account::Account;
use crate::domain::criterion::score::{self, Score};
use crate::domain::reason::{self, Reason};
use crate::error::{Error, Result};
use crate::graphql::{Batch, FieldContext, object};

/// Suggestions of one list at most.
const MOST: i32 = 200;

/// Arguments of `suggestions`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct SuggestionsArguments {
    /// The part of the book to choose from, best first, in percent of its accounts: above 0, up to 100, rounded up. Defaults
    /// to as many accounts as the band's upper end.
    pub top_percent: Option<f64>,
    /// The maximum number of suggestions: 0 to 200.
    #[graphql(default_with = "Some(20)")]
    pub first: Option<i32>,
}

/// Arguments of `assessNext`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct AssessNextArguments {
    /// The largest number of accounts, 0 to 200.
    #[graphql(default_with = "Some(20)")]
    pub first: Option<i32>,
}

/// A suggestion.
pub struct TargetSuggestion {
    account: Account,
    rank: i32,
    accounts: i32,
}

impl TargetSuggestion {
    fn rank_percent(&self) -> f64 {
        100.0 * f64::from(self.rank - 1) / f64::from(self.accounts.max(1))
    }

    fn reasons(&self) -> Vec<Reason> {
        let Self { rank, accounts, .. } = self;
        vec![
            Reason::number("Rank in the book", f64::from(*rank), format!("{rank} of {accounts}")),
            Reason::number("Rank in percent", self.rank_percent(), format!("{:.1} %", self.rank_percent())),
        ]
    }
}

object! {
    /// An account that might become a target.
    TargetSuggestion as "TargetSuggestion" {
        /// The account.
        account: Account = batch(accounts);
        /// The score by the organization's criteria.
        score: Score = batch(scores);
        /// The rank in the book by score, then by potential: 0 is the best; 100 · (rank − 1) ÷ accounts.
        rankPercent: f64 = plain(|suggestion| suggestion.rank_percent());
        /// The basis of the suggestion: the rank among the accounts of the book.
        because: Vec<Reason> = batch(reasons);
    }
}

async fn accounts(field: &FieldContext<'_>, of: &[&TargetSuggestion]) -> Result<Batch<Account>> {
    field.objects(&of.iter().map(|suggestion| &suggestion.account).collect::<Vec<_>>()).await
}

async fn reasons(field: &FieldContext<'_>, of: &[&TargetSuggestion]) -> Result<Batch<Vec<Reason>>> {
    reason::answer(field, &of.iter().map(|suggestion| suggestion.reasons()).collect::<Vec<_>>()).await
}

async fn scores(field: &FieldContext<'_>, of: &[&TargetSuggestion]) -> Result<Batch<Score>> {
    score::of_accounts(field, &of.iter().map(|suggestion| &suggestion.account).collect::<Vec<_>>()).await
}

/// Returns the suggestions of lists.
///
/// # Errors
/// `BAD_USER_INPUT` for a percentage or a number out of its bounds.
pub(super) async fn of_lists(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Vec<TargetSuggestion>>> {
    let SuggestionsArguments { top_percent, first } = field.arguments()?;
    let first = first.unwrap_or(20);
    if top_percent.is_some_and(|percent| !(percent > 0.0 && percent <= 100.0)) {
        return Err(Error::BadInput("topPercent is above 0, up to 100.".to_owned()));
    }
    let first = number(first)?;
    let ranks: Vec<(UserId, i32)> = of
        .iter()
        .map(|list| (list.seller.id, top_percent.map_or(list.band.high, |percent| percent_up(percent, list.accounts))))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let ranked = ranked(field, &ranks, first).await?;
    let found = Account::fetch(field.request, ranked.values().flatten().map(|(account, _)| *account)).await?;
    let lists: Vec<Vec<TargetSuggestion>> = of
        .iter()
        .map(|list| {
            let suggestion = |(account, rank): &(AccountId, i32)| {
                let account = found.get(account)?.clone();
                Some(TargetSuggestion { account, rank: *rank, accounts: list.accounts })
            };
            ranked.get(&list.seller.id).map_or_else(Vec::new, |best| best.iter().filter_map(suggestion).collect())
        })
        .collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

/// Rejects a number of items out of its bounds.
fn number(first: i32) -> Result<i32> {
    if (0..=MOST).contains(&first) {
        return Ok(first);
    }
    Err(Error::BadInput(format!("first is between 0 and {MOST}; {first} was given.")))
}

/// Answers `TargetList.assessNext`: two statements for any number of lists.
///
/// # Errors
/// `BAD_USER_INPUT` for a number out of its bounds; database errors.
pub(super) async fn assess_next(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Vec<Account>>> {
    let AssessNextArguments { first } = field.arguments()?;
    let first = number(first.unwrap_or(20))?;
    let ctx = field.request;
    let organization = ctx.viewer()?.organization.id;
    let backend = ctx.services.db.backend();
    let mut values: Vec<Value> = vec![organization.into(), first.into()];
    let mut sellers: Vec<UserId> = of.iter().map(|list| list.seller.id).collect();
    sellers.sort_unstable();
    sellers.dedup();
    let places: Vec<String> = sellers.iter().enumerate().map(|(at, _)| format!("${}", at + 3)).collect();
    values.extend(sellers.iter().map(|seller| Value::from(*seller)));
    let sql = format!(
        "select owner_id, id from (
            select account.owner_id, account.id, row_number() over (
                partition by account.owner_id order by coalesce(account.potential, -1) desc, account.id
            ) as place
            from account
            where account.organization_id = $1 and account.archived_at is null and account.owner_id in ({})
                and {WHOLE} > 0 and 2 * {} < {WHOLE}
        ) book where place <= {} order by owner_id, place",
        places.join(", "),
        assessed("account.id"),
        parameter(backend, 2, "integer"),
    );
    let mut next: HashMap<UserId, Vec<AccountId>> = HashMap::new();
    for row in ctx.reader().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await? {
        next.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
    }
    let found = Account::fetch(ctx, next.values().flatten().copied()).await?;
    let list = |list: &&TargetList| -> Vec<&Account> {
        next.get(&list.seller.id).map_or_else(Vec::new, |ids| ids.iter().filter_map(|id| found.get(id)).collect())
    };
    field.lists_of_references(&of.iter().map(list).collect::<Vec<_>>()).await
}

/// SQL of the whole weight of the active criteria.
const WHOLE: &str = "(select coalesce(sum(criterion.weight), 0) from criterion
        where criterion.organization_id = $1 and criterion.archived_at is null)";

/// Returns SQL of the weight by which an account has been assessed.
fn assessed(account: &str) -> String {
    format!(
        "(select coalesce(sum(criterion.weight), 0) from assessment
            join criterion on criterion.id = assessment.criterion_id and criterion.archived_at is null
            where assessment.organization_id = $1 and assessment.account_id = {account})"
    )
}

/// Books that are ranked by one statement at most.
const CHUNK: usize = 200;

/// Returns, of each seller's book, the accounts of the first ranks that have no open target and at least half of the weight
/// assessed, with their ranks: one statement for two hundred books. Each book is read in the order of its index, no further
/// than its last rank.
async fn ranked(
    field: &FieldContext<'_>,
    ranks: &[(UserId, i32)],
    first: i32,
) -> Result<HashMap<UserId, Vec<(AccountId, i32)>>> {
    let mut found: HashMap<UserId, Vec<(AccountId, i32)>> = HashMap::new();
    if first == 0 {
        return Ok(found);
    }
    let organization = field.request.viewer()?.organization.id;
    let backend = field.request.services.db.backend();
    for ranks in ranks.chunks(CHUNK) {
        let mut values: Vec<Value> = vec![organization.into(), first.into()];
        let mut books = Vec::with_capacity(ranks.len());
        for (seller, last) in ranks {
            let place = values.len() + 1;
            values.extend([Value::from(*seller), Value::from(*last)]);
            let (seller, last) = (parameter(backend, place, "uuid"), parameter(backend, place + 1, "integer"));
            books.push(format!(
                "select * from (
                    select {seller} as seller_id, account.id,
                        row_number() over (order by account.score desc, coalesce(account.potential, -1) desc, account.id) as place
                    from account
                    where account.organization_id = $1 and account.owner_id = {seller} and account.archived_at is null
                    order by account.score desc, coalesce(account.potential, -1) desc, account.id
                    limit {last}
                ) book"
            ));
        }
        let (books, first) = (books.join(" union all "), parameter(backend, 2, "integer"));
        let assessed = assessed("ranked.id");
        let sql = format!(
            "select seller_id, id, place from (
                select seller_id, id, place, row_number() over (partition by seller_id order by place) as number
                from ({books}) ranked
                where {WHOLE} > 0 and 2 * {assessed} >= {WHOLE} and not exists (
                    select 1 from target
                    where target.organization_id = $1 and target.account_id = ranked.id and target.status in ('PROPOSED', 'AGREED')
                )
            ) best where number <= {first} order by seller_id, place"
        );
        for row in field.request.reader().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await? {
            let place: i64 = row.try_get_by_index(2)?;
            let seller = row.try_get_by_index(0)?;
            found.entry(seller).or_default().push((row.try_get_by_index(1)?, i32::try_from(place).unwrap_or(i32::MAX)));
        }
    }
    Ok(found)
}

/// Returns a parameter with its type, which PostgreSQL cannot infer here.
fn parameter(backend: DbBackend, place: usize, kind: &str) -> String {
    if backend == DbBackend::Postgres { format!("${place}::{kind}") } else { format!("${place}") }
}
