//! Checks of input: several faults are reported together, each with its path and what would be right.

use async_graphql::{ID, MaybeUndefined};
use entity::{Day, Id};

use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::graphql::scalars::Decimal;
use crate::values::money::Currency;
use crate::values::text;

/// Characters of a name at most.
pub const NAME: usize = 200;
/// Characters of a note at most.
pub const NOTE: usize = 20_000;

/// Collects faults.
#[derive(Debug, Default)]
pub struct Validator {
    path: Vec<String>,
    errors: Vec<UserError>,
}

impl Validator {
    /// For the argument `input` of a mutation.
    #[must_use]
    pub fn input() -> Self {
        Self::at(&["input"])
    }

    /// For something at a path.
    #[must_use]
    pub fn at(path: &[&str]) -> Self {
        Self { path: path.iter().map(|&part| part.to_owned()).collect(), errors: Vec::new() }
    }

    /// Notes a fault of a field. A dot in the field's name parts a path.
    pub fn fault(&mut self, code: UserErrorCode, field: &str, message: impl Into<String>) {
        let mut path = self.path.clone();
        if !field.is_empty() {
            path.extend(field.split('.').map(str::to_owned));
        }
        self.errors.push(UserError { code, message: message.into(), field: path });
    }

    /// Notes that a value is not allowed.
    pub fn invalid(&mut self, field: &str, message: impl Into<String>) {
        self.fault(UserErrorCode::Invalid, field, message);
    }

    /// Notes that an id names nothing that the caller may see.
    pub fn not_found(&mut self, field: &str, what: &str) {
        self.fault(UserErrorCode::NotFound, field, format!("There is no {what} with this id."));
    }

    /// No faults so far?
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// The faults.
    #[must_use]
    pub fn into_errors(self) -> Vec<UserError> {
        self.errors
    }

    /// Goes on, or refuses with all faults noted.
    ///
    /// # Errors
    /// [`Error::Refused`] with the faults, where there are any.
    pub fn finish(&mut self) -> Result<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::Refused(std::mem::take(&mut self.errors))) }
    }

    /// Refuses with the faults noted: for where what was asked for is not there, which was noted as a fault.
    ///
    /// # Errors
    /// [`Error::Refused`] always.
    pub fn fail<T>(self) -> Result<T> {
        Err(Error::Refused(self.errors))
    }

    fn tidied(&mut self, field: &str, given: &str, most: usize) -> Option<String> {
        match text::tidy(given) {
            Err(message) => self.invalid(field, message),
            Ok(text) if text.chars().count() > most => {
                let length = text.chars().count();
                self.invalid(field, format!("This is at most {most} characters long; {length} were given."));
            }
            Ok(text) => return Some(text),
        }
        None
    }

    /// A text that must be there.
    pub fn required(&mut self, field: &str, given: &str, most: usize) -> String {
        match self.tidied(field, given, most) {
            Some(text) if text.is_empty() => {
                self.fault(UserErrorCode::Required, field, "This must not be empty.");
                String::new()
            }
            text => text.unwrap_or_default(),
        }
    }

    /// A text that may be missing; an empty one is.
    pub fn optional(&mut self, field: &str, given: Option<&str>, most: usize) -> Option<String> {
        self.tidied(field, given?, most).filter(|text| !text.is_empty())
    }

    /// A change of a text that must be there.
    pub fn change_required(&mut self, field: &str, given: &MaybeUndefined<String>, most: usize, target: &mut String) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.fault(UserErrorCode::Required, field, "This cannot be cleared."),
            MaybeUndefined::Value(text) => *target = self.required(field, text, most),
        }
    }

    /// A change of a text that may be missing.
    pub fn change(&mut self, field: &str, given: &MaybeUndefined<String>, most: usize, target: &mut Option<String>) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *target = None,
            MaybeUndefined::Value(text) => *target = self.optional(field, Some(text), most),
        }
    }

    /// A change through a reading of one's own; null clears.
    pub fn change_with<G: Clone, T>(
        &mut self,
        field: &str,
        given: &MaybeUndefined<G>,
        target: &mut Option<T>,
        read: impl FnOnce(&mut Self, &str, G) -> Option<T>,
    ) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *target = None,
            MaybeUndefined::Value(value) => {
                if let Some(value) = read(self, field, value.clone()) {
                    *target = Some(value);
                }
            }
        }
    }

    /// A change of something that must be there, already read; null is refused.
    pub fn change_set<T: Clone>(&mut self, field: &str, given: &MaybeUndefined<T>, target: &mut T) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.fault(UserErrorCode::Required, field, "This cannot be cleared."),
            MaybeUndefined::Value(value) => *target = value.clone(),
        }
    }

    /// An amount in minor units within bounds.
    pub fn amount(&mut self, field: &str, given: Decimal, currency: Currency, allowed: Amounts) -> Option<i64> {
        match currency.minor(given.0) {
            Err(message) => self.invalid(field, message),
            Ok(minor) if allowed == Amounts::NotNegative && minor < 0 => {
                self.invalid(field, "This amount is 0 or more.");
            }
            Ok(0) if allowed == Amounts::NotZero => {
                self.invalid(field, "This amount is not 0: negative for a credit note, else positive.");
            }
            Ok(minor) if allowed == Amounts::Positive && minor <= 0 => self.invalid(field, "This amount is above 0."),
            Ok(minor) => return Some(minor),
        }
        None
    }

    /// A whole number within bounds.
    pub fn within(&mut self, field: &str, given: i32, least: i32, most: i32) -> Option<i32> {
        if (least..=most).contains(&given) {
            return Some(given);
        }
        self.invalid(field, format!("This is between {least} and {most}; {given} was given."));
        None
    }

    /// An id of a type; a malformed or foreign one is noted as not found.
    pub fn id<I: Id>(&mut self, field: &str, given: &ID) -> Option<I> {
        let id = I::parse(given).ok();
        if id.is_none() {
            self.not_found(field, I::PREFIX);
        }
        id
    }

    /// A day on which something happened: not after today.
    pub fn has_come(&mut self, field: &str, day: Day, today: Day) {
        if day > today {
            self.invalid(field, format!("This day ({day}) has not come yet: it is {today}."));
        }
    }

    /// Two days of which the second must not be before the first.
    pub fn in_order(&mut self, field: &str, first: (&str, Day), second: (&str, Day)) {
        if second.1 < first.1 {
            self.invalid(field, format!("{} ({}) is before {} ({}).", second.0, second.1, first.0, first.1));
        }
    }
}

/// Which amounts are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amounts {
    /// 0 and above.
    NotNegative,
    /// Above 0.
    Positive,
    /// Any but 0.
    NotZero,
}

/// Refuses a write that was prepared on another version than the present one.
///
/// # Errors
/// [`Error::Refused`] with `STALE_VERSION`.
pub fn same_version(expected: Option<i32>, version: i32) -> Result<()> {
    same_version_at(&["input", "ifVersion"], expected, version)
}

/// The same where the version is given elsewhere.
///
/// # Errors
/// As [`same_version`].
pub fn same_version_at(path: &[&str], expected: Option<i32>, version: i32) -> Result<()> {
    match expected {
        Some(expected) if expected != version => Err(Error::refused(
            UserErrorCode::StaleVersion,
            path,
            format!("This is at version {version} by now, not {expected}: read it again and decide again."),
        )),
        _ => Ok(()),
    }
}
