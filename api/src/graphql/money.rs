//! The object type of amounts.

use super::object;
use super::scalars::Decimal;
use crate::values::money::Money;

object! {
    /// An exact amount in the organization's currency, of at most 15 digits.
    Money as "Money" {
        /// The amount, with as many decimals as the currency has.
        amount: Decimal = plain(|money| Decimal(money.currency.decimal(money.minor)));
        /// The currency's ISO 4217 code.
        currency: &str = plain(|money| money.currency.code());
    }
}
