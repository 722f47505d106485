//! Who agrees with whom: targets and goals take two people, the seller and someone above them in the reporting line
//! (design, sections 3 and 4). Pure but for reading the line.
//!
//! A proposal is agreed to by the other one of the two. Where the seller has nobody above, their own word is enough. What
//! was proposed by neither of the two (the mover of an account, an administrator) takes both: the first of them to agree
//! makes it their own proposal, and the other one decides. Whoever is not one of the two never agrees.

use std::collections::HashMap;

use entity::{OrganizationId, UserId};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use crate::error::Result;

/// Where somebody stands to a seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The seller.
    Seller,
    /// Above the seller in the line.
    Above,
    /// Neither: a colleague, an administrator from elsewhere, somebody who has left the line.
    Neither,
}

/// What becomes of a proposal to which somebody agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// It is agreed.
    Agreed,
    /// It takes the other one too, and is this one's proposal from now on.
    Seconded,
    /// It is this side's own proposal: the other one decides.
    OwnProposal,
    /// It is not theirs to decide.
    NotTheirs,
}

/// What becomes of a proposal of one side to which somebody of another (or the same) agrees; `alone` where nobody is above
/// the seller.
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

/// A seller and who is above them.
#[derive(Clone, Debug)]
pub struct Parties {
    /// The seller.
    pub seller: UserId,
    /// Everyone above them in the line who is active and sees what those below own.
    pub above: Vec<UserId>,
}

impl Parties {
    /// Reads the line upwards.
    ///
    /// # Errors
    /// The database's.
    pub async fn of<C: ConnectionTrait>(connection: &C, organization: OrganizationId, seller: UserId) -> Result<Self> {
        // Inactive members are skipped over; a SELLER sees nothing of those who report to them.
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

    /// The parties of all sellers of an organization for whom a target is proposed, by seller: one statement.
    ///
    /// # Errors
    /// The database's.
    pub async fn of_proposals<C: ConnectionTrait>(
        connection: &C,
        organization: OrganizationId,
    ) -> Result<HashMap<UserId, Self>> {
        let sql = "with recursive line (seller_id, id, manager_id, depth) as (
                select member.id, member.id, member.manager_id, 0 from member
                where member.organization_id = $1 and member.id in (
                    select seller_id from target where organization_id = $1 and status = 'PROPOSED'
                )
                union
                select line.seller_id, member.id, member.manager_id, line.depth + 1
                from member join line on member.id = line.manager_id
                where member.organization_id = $1 and line.depth < 1000
            )
            select line.seller_id, line.id, line.depth > 0 and member.active and member.role <> 'SELLER'
            from line join member on member.id = line.id order by line.depth";
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, [organization.into()]);
        let mut all: HashMap<UserId, Self> = HashMap::new();
        for row in connection.query_all_raw(statement).await? {
            let seller = row.try_get_by_index(0)?;
            let parties = all.entry(seller).or_insert_with(|| Self { seller, above: Vec::new() });
            if row.try_get_by_index(2)? {
                parties.above.push(row.try_get_by_index(1)?);
            }
        }
        Ok(all)
    }

    /// Where somebody stands.
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

    /// What becomes of a proposal of one to which another agrees.
    #[must_use]
    pub fn consent(&self, proposer: UserId, who: UserId) -> Consent {
        consent(self.side(proposer), self.side(who), self.above.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use entity::Id;

    use super::*;

    #[test]
    fn two_different_people_agree_the_seller_and_someone_above() {
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
    fn everyone_above_is_on_the_same_side() {
        let [seller, manager, boss, stranger] = std::array::from_fn(|_| UserId::make());
        let parties = Parties { seller, above: vec![manager, boss] };
        assert_eq!(parties.consent(manager, boss), Consent::OwnProposal);
        assert_eq!(parties.consent(manager, manager), Consent::OwnProposal);
        assert_eq!(parties.consent(seller, boss), Consent::Agreed);
        assert_eq!(parties.consent(stranger, boss), Consent::Seconded);
        assert_eq!(parties.consent(seller, stranger), Consent::NotTheirs);
        let alone = Parties { seller, above: Vec::new() };
        assert_eq!(alone.consent(seller, seller), Consent::Agreed);
        assert_eq!(alone.consent(seller, manager), Consent::NotTheirs);
    }
}
