//! Finders for the tables of an organization. They are the only access to these tables and always name the organization.

use std::sync::LazyLock;

use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, DeleteMany, EntityName, EntityTrait, IdenStatic, Iterable, QueryFilter, QuerySelect, Select,
    UpdateMany,
};

use crate::{Columns, OrganizationId};

/// A table whose rows belong to organizations.
#[expect(clippy::disallowed_methods, reason = "this module adds the scope")]
pub trait Scoped: EntityTrait {
    /// The column that holds the organization's id.
    const ORGANIZATION: Self::Column;

    /// Returns a selection of all columns of all rows. It is built once, because SeaORM looks up every column to build it.
    #[must_use]
    fn everything() -> &'static Select<Self>;

    /// Returns the quoted names of the columns, in the order of the model's fields.
    #[must_use]
    fn names() -> &'static [String];

    /// Returns the select list for `columns` of the table under the alias `table`: `"row"."id", "row"."name"`. The list
    /// is one piece of text because that is cheaper to copy and to write than one expression per column.
    #[must_use]
    fn listed(table: &str, columns: Columns) -> SimpleExpr {
        let mut text = String::with_capacity(512);
        for (_, name) in Self::names().iter().enumerate().filter(|(index, _)| columns.has(*index)) {
            text.push_str(if text.is_empty() { "\"" } else { ", \"" });
            text.push_str(table);
            text.push_str("\".");
            text.push_str(name);
        }
        Expr::cust(text)
    }

    /// Returns a selection of the organization's rows.
    #[must_use]
    fn of(organization: OrganizationId) -> Select<Self> {
        Self::everything().clone().filter(Self::ORGANIZATION.eq(organization))
    }

    /// Returns an update of the organization's rows.
    #[must_use]
    fn change_of(organization: OrganizationId) -> UpdateMany<Self> {
        Self::update_many().filter(Self::ORGANIZATION.eq(organization))
    }

    /// Returns a deletion of the organization's rows.
    #[must_use]
    fn remove_of(organization: OrganizationId) -> DeleteMany<Self> {
        Self::delete_many().filter(Self::ORGANIZATION.eq(organization))
    }
}

macro_rules! scoped {
    ($($table:ident by $column:ident)*) => {$(
        #[expect(clippy::disallowed_methods, reason = "this module adds the scope")]
        impl Scoped for crate::$table::Entity {
            const ORGANIZATION: Self::Column = crate::$table::Column::$column;

            fn everything() -> &'static Select<Self> {
                static EVERYTHING: LazyLock<Select<crate::$table::Entity>> = LazyLock::new(|| {
                    let all = <crate::$table::Entity as Scoped>::listed(crate::$table::Entity.table_name(), Columns::ALL);
                    crate::$table::Entity::find().select_only().expr(all)
                });
                &EVERYTHING
            }

            fn names() -> &'static [String] {
                static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
                    crate::$table::Column::iter().map(|column| format!("\"{}\"", column.as_str())).collect()
                });
                &NAMES
            }
        }
    )*};
    ($($table:ident)*) => {
        scoped! { $($table by OrganizationId)* }
    };
}

scoped! {
    account acquaintance assessment booking calendar_feed contact credential criterion erasure event external_id goal import_change import_record import_run list_review one_on_one opportunity
    plan plan_action plan_benchmark plan_commitment plan_measurement plan_objective plan_question plan_relationship plan_review
    promise refresh_token seat session snooze target touch touch_contact touch_version touch_version_contact trigger_event user
}

scoped! { organization by Id }
