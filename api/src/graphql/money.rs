//! The object type of amounts.

use super::object;
use super::scalars::Decimal;
use crate::values::money::Money;

object! {
    /// An exact amount with at most 15 digits in the organization's currency.
    Money as "Money" {
        /// The amount in major units, with the currency's number of decimals.
        amount: Decimal = plain(|money| Decimal(money.currency.decimal(money.minor)));
        /// The ISO 4217 code of the currency.
        currency: &str = plain(|money| money.currency.code());
    }
}
