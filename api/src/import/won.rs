//! `--own-by won`: the seller with the largest won sum owns the account.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rust_decimal::Decimal;

use super::target::{AccountRefInput, AccountRowInput, MaybeUndefined, OpportunityRowInput, Stage};

/// What each seller won of each account.
#[derive(Debug, Default)]
pub struct Wins(IndexMap<AccountRefInput, BTreeMap<String, (Decimal, u32)>>);

impl Wins {
    /// Adds an opportunity, if it is won.
    pub fn add(&mut self, row: &OpportunityRowInput) {
        let (MaybeUndefined::Value(Stage::Won), MaybeUndefined::Value(account), MaybeUndefined::Value(owner)) =
            (&row.stage, &row.account, &row.owner_email)
        else {
            return;
        };
        let amount = row.amount.take().map_or(Decimal::ZERO, |amount| amount.0);
        let sellers = match self.0.get_mut(account) {
            Some(sellers) => sellers,
            None => self.0.entry(account.clone()).or_default(),
        };
        let (sum, wins) = match sellers.get_mut(owner) {
            Some(won) => won,
            None => sellers.entry(owner.clone()).or_default(),
        };
        *sum = sum.saturating_add(amount);
        *wins += 1;
    }

    /// Returns the new owner of each account that something was won from, as rows of an upsert. Of equal sums the greater
    /// number of wins decides, then the address. Accounts that only our own id names are not known to an upsert, and are
    /// counted.
    #[must_use]
    pub fn owners(self) -> (Vec<AccountRowInput>, usize) {
        let mut unnamed = 0;
        let mut rows = Vec::with_capacity(self.0.len());
        for (account, sellers) in self.0 {
            // Backwards, so that the first address wins where all else is equal.
            let Some((owner, _)) = sellers.into_iter().rev().max_by_key(|(_, won)| *won) else {
                continue;
            };
            let mut row = AccountRowInput { owner_email: MaybeUndefined::Value(owner), ..AccountRowInput::default() };
            match account {
                AccountRefInput::ExternalId(id) => row.external_id = MaybeUndefined::Value(id),
                AccountRefInput::Domain(domain) => row.domain = MaybeUndefined::Value(domain),
                AccountRefInput::Id(_) => {
                    unnamed += 1;
                    continue;
                }
            }
            rows.push(row);
        }
        (rows, unnamed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::target::{Decimal as Amount, ExternalIdInput};

    fn won(account: &str, owner: &str, amount: i64, stage: Stage) -> OpportunityRowInput {
        let id = |id: &str| ExternalIdInput { source: "test".to_owned(), id: id.to_owned() };
        OpportunityRowInput {
            external_id: MaybeUndefined::Value(id("o")),
            account: MaybeUndefined::Value(AccountRefInput::ExternalId(id(account))),
            amount: MaybeUndefined::Value(Amount(amount.into())),
            stage: MaybeUndefined::Value(stage),
            owner_email: MaybeUndefined::Value(owner.to_owned()),
            ..OpportunityRowInput::default()
        }
    }

    #[test]
    fn the_largest_sum_owns_then_the_most_wins_then_the_address() {
        let rows = [
            won("a", "x", 10, Stage::Won),
            won("a", "y", 6, Stage::Won),
            won("a", "y", 5, Stage::Won),
            won("a", "z", 99, Stage::Lost),
            won("b", "z", 4, Stage::Won),
            won("b", "y", 2, Stage::Won),
            won("b", "y", 2, Stage::Won),
            won("c", "z", 1, Stage::Won),
            won("c", "y", 1, Stage::Won),
        ];
        let mut wins = Wins::default();
        for row in &rows {
            wins.add(row);
        }
        let (accounts, unnamed) = wins.owners();
        let owners: Vec<_> = accounts.iter().map(|row| row.owner_email.value().unwrap().as_str()).collect();
        assert_eq!((owners, unnamed), (vec!["y", "y", "y"], 0));
    }
}
