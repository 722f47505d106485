//! Validation of input. All errors of an input are reported together, each with its path and what would be valid.

use async_graphql::{ID, MaybeUndefined};
use entity::{Day, Id};

use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::graphql::scalars::Decimal;
use crate::values::money::Currency;
use crate::values::text;

/// The largest number of characters of a name.
pub const NAME: usize = 200;
/// The largest number of characters of a note.
pub const NOTE: usize = 20_000;

/// A collector of validation errors.
#[derive(Debug, Default)]
pub struct Validator {
    path: Vec<String>,
    errors: Vec<UserError>,
}

impl Validator {
    /// Creates a validator for the argument `input` of a mutation.
    #[must_use]
    pub fn input() -> Self {
        Self::at(&["input"])
    }

    /// Creates a validator for the value at a path.
    #[must_use]
    pub fn at(path: &[&str]) -> Self {
        Self { path: path.iter().map(|&part| part.to_owned()).collect(), errors: Vec::new() }
    }

    /// Adds an error at a field. Dots in `field` separate the segments of a path.
    pub fn fault(&mut self, code: UserErrorCode, field: &str, message: impl Into<String>) {
        let mut path = self.path.clone();
        if !field.is_empty() {
            path.extend(field.split('.').map(str::to_owned));
        }
        self.errors.push(UserError { code, message: message.into(), field: path });
    }

    /// Adds an error for a value that is not allowed.
    pub fn invalid(&mut self, field: &str, message: impl Into<String>) {
        self.fault(UserErrorCode::Invalid, field, message);
    }

    /// Adds an error for an id of an object that does not exist or that the caller may not see.
    pub fn not_found(&mut self, field: &str, what: &str) {
        self.fault(UserErrorCode::NotFound, field, format!("There is no {what} with this id."));
    }

    /// Whether no errors have been added.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// Returns the errors.
    #[must_use]
    pub fn into_errors(self) -> Vec<UserError> {
        self.errors
    }

    /// Succeeds if no errors have been added.
    ///
    /// # Errors
    /// [`Error::Refused`] with the errors collected so far.
    pub fn finish(&mut self) -> Result<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::Refused(std::mem::take(&mut self.errors))) }
    }

    /// Fails with the errors collected so far.
    ///
    /// # Errors
    /// [`Error::Refused`] always.
    pub fn fail<T>(self) -> Result<T> {
        Err(Error::Refused(self.errors))
    }

    fn normalized(&mut self, field: &str, given: &str, most: usize) -> Option<String> {
        match text::tidy(given) {
            Err(message) => self.invalid(field, message),
            Ok(text) if text.chars().count() > most => {
                let length = text.chars().count();
                self.invalid(field, format!("This must have at most {most} characters; it has {length}."));
            }
            Ok(text) if most <= NAME && text::has_direction_control(&text) => {
                self.invalid(field, "Characters that change the direction of text are not allowed here.");
            }
            Ok(text) => return Some(text),
        }
        None
    }

    /// Checks a required text of at most `max` characters and returns it normalized; empty if it is invalid.
    pub fn required(&mut self, field: &str, given: &str, max: usize) -> String {
        match self.normalized(field, given, max) {
            Some(text) if text.is_empty() => {
                self.fault(UserErrorCode::Required, field, "This must not be empty.");
                String::new()
            }
            text => text.unwrap_or_default(),
        }
    }

    /// Checks an optional text of at most `max` characters and returns it normalized; None if it is empty or invalid.
    pub fn optional(&mut self, field: &str, given: Option<&str>, max: usize) -> Option<String> {
        self.normalized(field, given?, max).filter(|text| !text.is_empty())
    }

    /// Applies a change of a required text. Null is an error.
    pub fn change_required(&mut self, field: &str, given: &MaybeUndefined<String>, max: usize, target: &mut String) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.fault(UserErrorCode::Required, field, "This cannot be cleared."),
            MaybeUndefined::Value(text) => *target = self.required(field, text, max),
        }
    }

    /// Applies a change of an optional text. Null clears it.
    pub fn change(&mut self, field: &str, given: &MaybeUndefined<String>, max: usize, target: &mut Option<String>) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *target = None,
            MaybeUndefined::Value(text) => *target = self.optional(field, Some(text), max),
        }
    }

    /// Applies a change of an optional value that `read` checks and converts. Null clears it.
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

    /// Applies a change of a required value that needs no further check. Null is an error.
    pub fn change_set<T: Clone>(&mut self, field: &str, given: &MaybeUndefined<T>, target: &mut T) {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.fault(UserErrorCode::Required, field, "This cannot be cleared."),
            MaybeUndefined::Value(value) => *target = value.clone(),
        }
    }

    /// Checks an amount and returns it in minor units of the currency.
    pub fn amount(&mut self, field: &str, given: Decimal, currency: Currency, allowed: Amounts) -> Option<i64> {
        match currency.minor(given.0) {
            Err(message) => self.invalid(field, message),
            Ok(minor) if allowed == Amounts::NotNegative && minor < 0 => {
                self.invalid(field, "This amount must be 0 or more.");
            }
            Ok(0) if allowed == Amounts::NotZero => {
                self.invalid(field, "This amount must not be 0. Use a negative amount for a credit note.");
            }
            Ok(minor) if allowed == Amounts::Positive && minor <= 0 => {
                self.invalid(field, "This amount must be above 0.");
            }
            Ok(minor) => return Some(minor),
        }
        None
    }

    /// Checks that an integer is between `min` and `max`, both included.
    pub fn within(&mut self, field: &str, given: i32, min: i32, max: i32) -> Option<i32> {
        if (min..=max).contains(&given) {
            return Some(given);
        }
        self.invalid(field, format!("This must be between {min} and {max}; {given} was given."));
        None
    }

    /// Checks that a change was prepared on the current version. No expected version always passes.
    pub fn version(&mut self, expected: Option<i32>, version: i32) {
        if let Some(expected) = expected.filter(|expected| *expected != version) {
            let message = format!(
                "The current version is {version}, not {expected}. Read the record again before you change it."
            );
            self.fault(UserErrorCode::StaleVersion, "ifVersion", message);
        }
    }

    /// Parses an id. A malformed id, or one of another type, is an error as if nothing had that id.
    pub fn id<I: Id>(&mut self, field: &str, given: &ID) -> Option<I> {
        let id = I::parse(given).ok();
        if id.is_none() {
            self.not_found(field, I::PREFIX);
        }
        id
    }

    /// Checks that a day is not after today.
    pub fn has_come(&mut self, field: &str, day: Day, today: Day) {
        if day > today {
            self.invalid(field, format!("This day ({day}) must not be after today ({today})."));
        }
    }

    /// Checks that the second of two named days is not before the first.
    pub fn in_order(&mut self, field: &str, first: (&str, Day), second: (&str, Day)) {
        if second.1 < first.1 {
            self.invalid(field, format!("{} ({}) must not be before {} ({}).", second.0, second.1, first.0, first.1));
        }
    }
}

/// The amounts that an input allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amounts {
    /// 0 and above.
    NotNegative,
    /// Above 0.
    Positive,
    /// Any but 0.
    NotZero,
}
