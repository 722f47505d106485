//! A person at an account.

use sea_orm::entity::prelude::*;

use crate::{AccountId, ContactId, Instant, OrganizationId, row::row, word::word};

word! {
    /// What part the person plays in buying.
    BuyingRole {
        /// Decides.
        DecisionMaker "DECISION_MAKER",
        /// Is listened to.
        Influencer "INFLUENCER",
        /// Is concerned.
        Stakeholder "STAKEHOLDER",
        /// Wants us.
        Champion "CHAMPION",
        /// Keeps the door.
        Gatekeeper "GATEKEEPER",
        /// Will use it.
        EndUser "END_USER",
        /// Anything else.
        Other "OTHER",
    }
}

word! {
    /// How the person sees us.
    RelationshipLevel {
        /// Not at all.
        Unknown "UNKNOWN",
        /// Knows us.
        Known "KNOWN",
        /// Values us.
        Valued "VALUED",
        /// Trusts us.
        Trusted "TRUSTED",
    }
}

row! {
    /// A contact.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ContactId,
        /// Of which organization.
        pub organization_id: OrganizationId,
        /// Where the person works.
        pub account_id: AccountId,
        /// The name.
        pub name: String,
        /// The name, folded.
        pub name_key: String,
        /// The job.
        pub title: Option<String>,
        /// The job, folded.
        pub title_key: Option<String>,
        /// The department.
        pub department: Option<String>,
        /// The address, lower-cased; people may share one.
        pub email: Option<String>,
        /// The telephone number.
        pub phone: Option<String>,
        /// The part in buying.
        pub buying_role: Option<BuyingRole>,
        /// How they see us.
        pub relationship: RelationshipLevel,
        /// Whom they report to, at the same account.
        pub reports_to_id: Option<ContactId>,
        /// Asked not to be contacted.
        pub do_not_contact: bool,
        /// JSON: [{source, id}], by source.
        pub external_ids: String,
        /// JSON object.
        pub custom_fields: String,
        /// When it was made.
        pub created_at: Instant,
        /// When it last changed.
        pub updated_at: Instant,
        /// When it was archived.
        pub archived_at: Option<Instant>,
        /// When the person was erased for good.
        pub erased_at: Option<Instant>,
        /// Writes so far.
        pub version: i32,
    }
}

/// Relations that are queried: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
