//! The agreement of two parties on targets and goals: the seller and a manager above them in the reporting line.
//!
//! - A proposal by one party is agreed when the other party agrees.
//! - If no manager is above the seller, the seller's consent alone is sufficient.
//! - A proposal by a third person, such as an administrator or the user who moved an account, needs the consent of both
//!   parties. The first party to agree makes it their own proposal, which the other party then decides on.
//! - A third person can never agree.

use std::collections::{BTreeSet, HashMap};

use database::sql::Sql;
use entity::{OrganizationId, UserId};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::error::Result;

/// A user's relation to a seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The seller.
    Seller,
    /// An active manager or administrator above the seller in the reporting line.
    Above,
    /// Any other user: for example a colleague, or an administrator outside the seller's reporting line.
    Neither,
}

/// The effect of a user's consent to a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The proposal is agreed.
    Agreed,
    /// The proposal becomes this user's own, and the other party decides on it.
    Seconded,
    /// None: the proposal came from the user's own side, so the other party decides on it.
    OwnProposal,
    /// None: the user is not one of the parties.
    NotTheirs,
}

/// Returns the effect when a user on side `who` consents to a proposal from side `proposer`. `alone` means that no manager
/// is above the seller.
#[must_use]
pub fn consent(proposer: Side, who: Side, alone: bool) -> Consent {
    match (proposer, who) {
        (_, Side::Neither) => Consent::NotTheirs,
        (_, Side::Seller) if alone => Consent::Agreed,
        (Side::Neither, _) => Consent::Seconded,
        (Side::Seller, Side::Seller) | (Side::Above, Side::Above) => Consent::OwnProposal,
        (Side::Seller, Side::Above) | (Side::Above, Side::Seller) => Consent::Agreed,
    }
}

/// A seller and the managers above them.
#[derive(Clone, Debug)]
pub struct Parties {
    /// The seller.
    pub seller: UserId,
    /// The active managers and administrators above the seller in the reporting line, nearest first.
    pub above: Vec<UserId>,
}

impl Parties {
    /// Loads the parties for a seller.
    pub async fn of<C: ConnectionTrait>(connection: &C, organization: OrganizationId, seller: UserId) -> Result<Self> {
        // Inactive members are skipped but the line continues above them. A user with the role SELLER is skipped as well,
        // because that role does not see the accounts of those who report to them.
        let sql = "with recursive line (id, manager_id, depth) as (
                select id, manager_id, 0 from member where organization_id = $1 and id = $2
                union
                select member.id, member.manager_id, line.depth + 1 from member join line on member.id = line.manager_id
                where member.organization_id = $1 and line.depth < 1000
            )
            select line.id from line join member on member.id = line.id
            where line.depth > 0 and member.active and member.role <> 'SELLER' order by line.depth";
        let values = [organization.into(), seller.into()];
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
        let mut above = Vec::new();
        for row in connection.query_all_raw(statement).await? {
            above.push(UserId(row.try_get_by_index::<Uuid>(0)?));
        }
        Ok(Self { seller, above })
    }

    /// Loads the parties for all sellers of an organization with a proposed target, in one statement.
    pub async fn of_proposals<C: ConnectionTrait>(
        connection: &C,
        organization: OrganizationId,
    ) -> Result<HashMap<UserId, Self>> {
        let proposed = "in (select seller_id from target where organization_id = $1 and status = 'PROPOSED')";
        Self::of_those(connection, organization, |_| proposed.to_owned()).await
    }

    /// Loads the parties for sellers, in one statement.
    pub async fn of_sellers<C: ConnectionTrait>(
        connection: &C,
        organization: OrganizationId,
        sellers: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, Self>> {
        let sellers: BTreeSet<Uuid> = sellers.into_iter().map(|seller| seller.0).collect();
        if sellers.is_empty() {
            return Ok(HashMap::new());
        }
        Self::of_those(connection, organization, |sql| sql.one_of(sellers)).await
    }

    /// Loads the parties for the sellers whose ids match a condition. The organization is its first parameter.
    async fn of_those<C: ConnectionTrait>(
        connection: &C,
        organization: OrganizationId,
        condition: impl FnOnce(&mut Sql) -> String,
    ) -> Result<HashMap<UserId, Self>> {
        let mut sql = Sql::new(connection.get_database_backend());
        sql.parameter(organization);
        let condition = condition(&mut sql);
        sql.push(&format!(
            "with recursive line (seller_id, id, manager_id, depth) as (
                select member.id, member.id, member.manager_id, 0 from member
                where member.organization_id = $1 and member.id {condition}
                union
                select line.seller_id, member.id, member.manager_id, line.depth + 1
                from member join line on member.id = line.manager_id
                where member.organization_id = $1 and line.depth < 1000
            )
            select line.seller_id, line.id, line.depth > 0 and member.active and member.role <> 'SELLER'
            from line join member on member.id = line.id order by line.depth"
        ));
        let mut all: HashMap<UserId, Self> = HashMap::new();
        for row in connection.query_all_raw(sql.statement()).await? {
            let seller = row.try_get_by_index(0)?;
            let parties = all.entry(seller).or_insert_with(|| Self { seller, above: Vec::new() });
            if row.try_get_by_index(2)? {
                parties.above.push(row.try_get_by_index(1)?);
            }
        }
        Ok(all)
    }

    /// Returns the side that a user is on.
    #[must_use]
    pub fn side(&self, who: UserId) -> Side {
        if who == self.seller {
            Side::Seller
        } else if self.above.contains(&who) {
            Side::Above
        } else {
            Side::Neither
        }
    }

    /// Returns the effect when the user `who` consents to a proposal by the user `proposer`.
    #[must_use]
    pub fn consent(&self, proposer: UserId, who: UserId) -> Consent {
        consent(self.side(proposer), self.side(who), self.above.is_empty())
    }

    /// Whether a proposal by the user `proposer` waits for the user `who`.
    #[must_use]
    pub fn awaits(&self, proposer: UserId, who: UserId) -> bool {
        matches!(self.consent(proposer, who), Consent::Agreed | Consent::Seconded)
    }

    /// Returns the users that a proposal by the user `proposer` waits for: the seller, then those above them, nearest first.
    #[must_use]
    pub fn awaited(&self, proposer: UserId) -> Vec<UserId> {
        let parties = std::iter::once(self.seller).chain(self.above.iter().copied());
        parties.filter(|who| self.awaits(proposer, *who)).collect()
    }
}

#[cfg(test)]
mod tests {
    use entity::Id;

    use super::*;

    #[test]
    fn an_agreement_needs_the_seller_and_a_manager_above() {
        use Consent::{Agreed, NotTheirs, OwnProposal, Seconded};
        use Side::{Above, Neither, Seller};
        for (proposer, who, with_manager, alone) in [
            (Seller, Seller, OwnProposal, Agreed),
            (Seller, Above, Agreed, Agreed),
            (Seller, Neither, NotTheirs, NotTheirs),
            (Above, Seller, Agreed, Agreed),
            (Above, Above, OwnProposal, OwnProposal),
            (Above, Neither, NotTheirs, NotTheirs),
            (Neither, Seller, Seconded, Agreed),
            (Neither, Above, Seconded, Seconded),
            (Neither, Neither, NotTheirs, NotTheirs),
        ] {
            assert_eq!(consent(proposer, who, false), with_manager, "{proposer:?}, {who:?}");
            assert_eq!(consent(proposer, who, true), alone, "{proposer:?}, {who:?}, alone");
        }
    }

    #[test]
    fn all_managers_above_are_on_the_same_side() {
        let [seller, manager, boss, stranger] = std::array::from_fn(|_| UserId::make());
        let parties = Parties { seller, above: vec![manager, boss] };
        assert_eq!(parties.consent(manager, boss), Consent::OwnProposal);
        assert_eq!(parties.consent(manager, manager), Consent::OwnProposal);
        assert_eq!(parties.consent(seller, boss), Consent::Agreed);
        assert_eq!(parties.consent(stranger, boss), Consent::Seconded);
        assert_eq!(parties.consent(seller, stranger), Consent::NotTheirs);
        assert_eq!(parties.awaited(seller), [manager, boss]);
        assert_eq!(parties.awaited(boss), [seller]);
        assert_eq!(parties.awaited(stranger), [seller, manager, boss]);
        let alone = Parties { seller, above: Vec::new() };
        assert_eq!(alone.awaited(seller), [seller]);
        assert_eq!(alone.awaited(stranger), [seller]);
        assert_eq!(alone.consent(seller, seller), Consent::Agreed);
        assert_eq!(alone.consent(seller, manager), Consent::NotTheirs);
    }
}
