//! The dimensions of all groups, as the keys of groups name them.

use async_graphql::Enum;
use async_graphql::resolver_utils::EnumType;

use crate::error::{Error, Result};
use crate::graphql::graphql_enum;

/// A dimension that groups have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum AnalyticsDimension {
    /// The user of touches.
    User,
    /// The seller of bookings, goals and targets.
    Seller,
    /// The owner of opportunities.
    Owner,
    /// The present direct manager of the user, seller or owner.
    Manager,
    /// The account.
    Account,
    /// The kind.
    Kind,
    /// The status.
    Status,
    /// Whether the account was an agreed target.
    OnTarget,
    /// The account's industry.
    Industry,
    /// The account's present standing.
    Standing,
    /// The stage.
    Stage,
    /// The level of presence.
    Level,
    /// The pace of goals.
    Pace,
    /// The day.
    Day,
    /// The week, named by its Monday.
    Week,
    /// The calendar month.
    Month,
    /// The quarter of the fiscal year.
    Quarter,
    /// The fiscal year.
    Year,
    /// The calendar month of opening.
    OpenedMonth,
    /// The fiscal quarter of opening.
    OpenedQuarter,
    /// The week of closing, named by its Monday.
    ClosedWeek,
    /// The calendar month of closing.
    ClosedMonth,
    /// The fiscal quarter of closing.
    ClosedQuarter,
    /// The calendar month in which closing is expected.
    ExpectedCloseMonth,
    /// The fiscal quarter in which closing is expected.
    ExpectedCloseQuarter,
}

impl AnalyticsDimension {
    /// Returns the name of the value in the schema.
    #[must_use]
    pub fn word(self) -> &'static str {
        name(self)
    }
}
graphql_enum! { AnalyticsDimension as AnalyticsDimension }

fn name<D: EnumType + PartialEq>(dimension: D) -> &'static str {
    D::items().iter().find(|item| item.value == dimension).map_or("", |item| item.name)
}

/// Returns the dimension of the same name.
fn dimension_of<D: EnumType + PartialEq>(dimension: D) -> Option<AnalyticsDimension> {
    let name = name(dimension);
    AnalyticsDimension::items().iter().find(|item| item.name == name).map(|item| item.value)
}

/// Returns the dimensions to group by, as keys name them.
///
/// # Errors
/// `BAD_USER_INPUT` if a dimension is repeated.
pub fn dimensions<D: EnumType + PartialEq>(group_by: &[D]) -> Result<Vec<AnalyticsDimension>> {
    let mut found = Vec::with_capacity(group_by.len());
    for dimension in group_by.iter().filter_map(|dimension| dimension_of(*dimension)) {
        if found.contains(&dimension) {
            let name = dimension.word();
            return Err(Error::BadInput(format!("groupBy names {name} twice; name each dimension once.")));
        }
        found.push(dimension);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::bookings::BookingDimension;
    use super::super::goals::GoalDimension;
    use super::super::opportunities::OpportunityDimension;
    use super::super::targets::TargetDimension;
    use super::super::touches::TouchDimension;
    use super::*;

    fn all_are_named<D: EnumType + PartialEq>() {
        for item in D::items() {
            assert_eq!(dimension_of(item.value).map(AnalyticsDimension::word), Some(item.name));
        }
    }

    #[test]
    fn every_dimension_has_a_name_in_keys() {
        all_are_named::<BookingDimension>();
        all_are_named::<GoalDimension>();
        all_are_named::<OpportunityDimension>();
        all_are_named::<TargetDimension>();
        all_are_named::<TouchDimension>();
    }

    #[test]
    fn no_dimension_is_named_twice() {
        assert!(dimensions(&[BookingDimension::Year, BookingDimension::Month]).is_ok());
        assert!(dimensions(&[BookingDimension::Year, BookingDimension::Year]).is_err());
    }
}
