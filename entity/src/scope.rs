//! The only way into a table of an organization: finders that name the organization.

use sea_orm::{ColumnTrait, DeleteMany, EntityTrait, QueryFilter, Select, UpdateMany};

use crate::OrganizationId;

/// A table whose rows belong to organizations.
#[expect(clippy::disallowed_methods, reason = "here they get the scope that they lack")]
pub trait Scoped: EntityTrait {
    /// The column that says to which.
    const ORGANIZATION: Self::Column;

    /// The organization's rows.
    #[must_use]
    fn of(organization: OrganizationId) -> Select<Self> {
        Self::find().filter(Self::ORGANIZATION.eq(organization))
    }

    /// A change of some of the organization's rows.
    #[must_use]
    fn change_of(organization: OrganizationId) -> UpdateMany<Self> {
        Self::update_many().filter(Self::ORGANIZATION.eq(organization))
    }

    /// A removal of some of the organization's rows.
    #[must_use]
    fn remove_of(organization: OrganizationId) -> DeleteMany<Self> {
        Self::delete_many().filter(Self::ORGANIZATION.eq(organization))
    }
}

macro_rules! scoped {
    ($($table:ident)*) => {$(
        impl Scoped for crate::$table::Entity {
            const ORGANIZATION: Self::Column = crate::$table::Column::OrganizationId;
        }
    )*};
}

scoped! {
    account assessment booking calendar_feed contact credential criterion erasure event external_id goal list_review one_on_one opportunity
    promise refresh_token seat session target touch touch_contact trigger_event user
}

impl Scoped for crate::organization::Entity {
    const ORGANIZATION: Self::Column = crate::organization::Column::Id;
}
