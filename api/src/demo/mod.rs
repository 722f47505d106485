//! `callshot demo`: fills a database with a simulated sales organization.
//!
//! The `simulator` says what people did on each day; this module enters it through the functions behind the mutations, on
//! behalf of the person who did it, with the time of the request set to the time of the act. Rights, checks, versions and
//! events are therefore those of real requests, and what was known on a past day is true.

mod fill;
mod people;
mod plans;
mod rows;

use std::fmt::Write as _;
use std::sync::Arc;

use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use entity::organization;
use sea_orm::{EntityTrait, QueryOrder};
use simulator::{Duty, Moment, ORGANIZATION, Scenario, Size, Staff, Truth};

pub use self::fill::fill;
use crate::app::App;
use crate::auth::{passwords, secrets};

/// The time zone of the organization.
pub const TIME_ZONE: Tz = chrono_tz::Europe::Vienna;

/// What an organization is called until it is complete.
const UNFINISHED: &str = " (unfinished demo)";

/// The most characters of the organization's name.
const LONGEST_NAME: usize = 150;

/// The arguments of `callshot demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArguments {
    /// How large the organization is
    #[arg(long, value_enum, default_value = "default")]
    pub size: SizeName,
    /// The years of history until today: 1 to 10
    #[arg(long, value_name = "NUMBER", default_value = "3")]
    pub years: u32,
    /// The history: another number is another one
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub seed: u64,
    /// The name of the organization, which lets it be added to a database that has data
    #[arg(long, value_name = "NAME")]
    pub organization: Option<String>,
    /// The password of everyone in the organization: 12 to 128 characters [default: a random one, which is printed]
    #[arg(long, env = "CALLSHOT_DEMO_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub password: Option<String>,
    /// Print the parameters by which the simulated clients behave, and write nothing
    #[arg(long)]
    pub truth: bool,
}

/// The sizes of organizations that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SizeName {
    /// 1 manager, 4 sellers, 120 accounts
    Small,
    /// 3 managers, 18 sellers, 900 accounts, about 60,000 touches in three years
    Default,
    /// 8 managers, 56 sellers, 3,600 accounts
    Large,
}

impl SizeName {
    const fn size(self) -> Size {
        match self {
            Self::Small => Size::SMALL,
            Self::Default => Size::DEFAULT,
            Self::Large => Size::LARGE,
        }
    }
}

/// An organization to be filled.
pub struct Filling {
    /// What is simulated.
    pub scenario: Scenario,
    /// The name of the organization.
    pub organization: String,
    /// The password of everyone.
    pub password: String,
    /// Whether the progress is shown.
    pub shows_progress: bool,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// The acts.
    pub acts: usize,
    /// The touches.
    pub touches: usize,
    /// The members.
    pub staff: Vec<Staff>,
}

impl DemoArguments {
    /// Returns the scenario of an application's present day.
    #[must_use]
    pub fn scenario(&self, now: entity::Instant) -> Scenario {
        Scenario {
            seed: self.seed,
            size: self.size.size(),
            years: self.years,
            now: Moment(now.0),
            zone: TIME_ZONE,
            truth: Truth::default(),
        }
    }

    /// Checks what can be checked without the database.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn check(&self) -> Result<(), String> {
        self.scenario(entity::Instant(0)).check()?;
        if let Some(name) = &self.organization {
            let length = name.trim().chars().count();
            if !(1..=LONGEST_NAME).contains(&length) {
                return Err(format!("--organization takes a name of 1 to {LONGEST_NAME} characters; it has {length}"));
            }
        }
        if let Some(password) = &self.password {
            passwords::check_password(password).map_err(|message| format!("--password: {message}"))?;
        }
        Ok(())
    }
}

/// Returns the parameters by which the clients of a demo behave, as text.
#[must_use]
pub fn truth() -> String {
    format!("The clients of the demo behave by these parameters:\n{}", Truth::default()).trim_end().to_owned()
}

/// Fills the database and returns the lines to print.
///
/// # Errors
/// A sentence that says why nothing was written, or where writing stopped.
pub async fn run(app: &Arc<App>, arguments: &DemoArguments) -> Result<String, String> {
    arguments.check()?;
    let organization = arguments.organization.as_deref().unwrap_or(ORGANIZATION).trim().to_owned();
    require_place(app, arguments.organization.as_deref().map(str::trim)).await?;
    let (password, is_given) = match &arguments.password {
        Some(password) => (password.clone(), true),
        None => (random_password()?, false),
    };
    let scenario = arguments.scenario(app.clock.now());
    let filling = Filling { scenario, organization, password, shows_progress: true };
    let filled = fill(app, &filling).await?;
    Ok(report(&filling, &filled, is_given))
}

/// Refuses a database that has data, unless a name is given that no organization has.
async fn require_place(app: &App, name: Option<&str>) -> Result<(), String> {
    #[expect(clippy::disallowed_methods, reason = "a demo runs beside the database, like an import")]
    let organizations = organization::Entity::find().order_by_asc(organization::Column::Id).all(app.db.reader()).await;
    let organizations = organizations.map_err(|error| format!("the database could not be read: {error}"))?;
    let is = |row: &&organization::Model, name: &str| {
        row.name == name || row.name.strip_suffix(UNFINISHED).is_some_and(|row| row == name)
    };
    match (name, organizations.first()) {
        (Some(name), _) if organizations.iter().any(|row| is(&row, name)) => Err(format!(
            "there is an organization “{name}” already, or an unfinished one: choose another name for --organization"
        )),
        (Some(_), _) | (None, None) => Ok(()),
        (None, Some(first)) => {
            let unfinished = organizations.iter().find(|row| row.name.ends_with(UNFINISHED));
            let found = unfinished.unwrap_or(first);
            let why = if unfinished.is_some() {
                "which a run left that was stopped before its end"
            } else {
                "and a demo would be mixed up with it"
            };
            Err(format!(
                "the database has data already: the organization “{}”, {why}. Give an empty database (--database-url), such \
                 as a new file, or add the demo beside it under a name of its own (--organization NAME)",
                found.name
            ))
        }
    }
}

/// Returns a password of 100 random bits.
fn random_password() -> Result<String, String> {
    let key = secrets::random_key().map_err(|error| format!("the system provides no random numbers: {error}"))?;
    let letters = data_encoding::BASE32_NOPAD.encode(&key).to_lowercase();
    let groups: Vec<&str> = [0, 5, 10, 15].iter().filter_map(|from| letters.get(*from..from + 5)).collect();
    Ok(groups.join("-"))
}

/// Says what was written, and how to sign in.
fn report(filling: &Filling, filled: &Filled, is_given: bool) -> String {
    let Filling { scenario, organization, password, .. } = filling;
    let years = if scenario.years == 1 { "a year".to_owned() } else { format!("{} years", scenario.years) };
    let mut text = format!(
        "“{organization}” has {} touches among {} entries of {years}.\n\nSign in as\n",
        filled.touches, filled.acts
    );
    for (duty, what) in
        [(Duty::Sales, "a seller"), (Duty::Management, "a manager"), (Duty::Administration, "the administrator")]
    {
        if let Some(member) = filled.staff.iter().find(|member| member.duty == duty) {
            let email = member.email(organization);
            let _ = writeln!(text, "  {what:<18} {email:<44} {}, {}", member.name, member.title);
        }
    }
    let password = if is_given { "the password that was given" } else { password };
    let _ = write!(
        text,
        "with the password  {password}\n\nNext: `callshot serve`, and `callshot demo --truth` for the parameters by which the \
         clients behave."
    );
    text
}
