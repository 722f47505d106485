//! Contacts: people at accounts.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Instant, OrganizationId, row::row, word::word};

word! {
    /// A person's role in buying decisions.
    BuyingRole {
        /// Makes the decision.
        DecisionMaker "DECISION_MAKER",
        /// Influences the decision.
        Influencer "INFLUENCER",
        /// Is affected by the decision.
        Stakeholder "STAKEHOLDER",
        /// Advocates for buying from the organization.
        Champion "CHAMPION",
        /// Controls access to the decision makers.
        Gatekeeper "GATEKEEPER",
        /// Will use what is bought.
        EndUser "END_USER",
        /// Any other role.
        Other "OTHER",
    }
}

word! {
    /// How a person regards the organization.
    RelationshipLevel {
        /// Does not know the organization.
        Unknown "UNKNOWN",
        /// Knows the organization.
        Known "KNOWN",
        /// Values the organization.
        Valued "VALUED",
        /// Trusts the organization.
        Trusted "TRUSTED",
    }
}

row! {
    /// A contact.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact")]
    pub struct Model {
        /// The contact's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ContactId,
        /// The organization the row belongs to.
        pub organization_id: OrganizationId,
        /// The account where the person works.
        pub account_id: AccountId,
        /// The name.
        pub name: String,
        /// The case-folded name.
        pub name_key: String,
        /// The job title.
        pub title: Option<String>,
        /// The case-folded job title.
        pub title_key: Option<String>,
        /// The department.
        pub department: Option<String>,
        /// The email address, in lower case. Several contacts may share one.
        pub email: Option<String>,
        /// The telephone number.
        pub phone: Option<String>,
        /// The role in buying decisions.
        pub buying_role: Option<BuyingRole>,
        /// The relationship level.
        pub relationship: RelationshipLevel,
        /// When the relationship was last set or confirmed; null if it is the `UNKNOWN` of a new contact, or was set before
        /// this was recorded.
        pub relationship_set_at: Option<Instant>,
        /// The contact at the same account that this person reports to.
        pub reports_to_id: Option<ContactId>,
        /// Whether the person asked not to be contacted.
        pub do_not_contact: bool,
        /// The row's ids in other systems, as JSON: `[{source, id}]`, sorted by source.
        pub external_ids: String,
        /// The organization's own fields, as a JSON object.
        pub custom_fields: String,
        /// When the row was created.
        pub created_at: Instant,
        /// When the row last changed.
        pub updated_at: Instant,
        /// When the contact was archived; null while they are active.
        pub archived_at: Option<Instant>,
        /// When the person's data was erased; null if it was not.
        pub erased_at: Option<Instant>,
        /// The number of writes so far; 1 after creation.
        pub version: i32,
    }
}

/// No SeaORM relations are declared: no query uses them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
