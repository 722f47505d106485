//! The names that systems give things. A preset is data: for each field the titles under which a system exports it, for each
//! of its stages one of ours. `--map FILE` makes the same thing out of TOML (see [`super::map`]).
//!
//! A file a system; [`Field`] lists everything that a column can mean.

pub mod csv;
pub mod dynamics;
pub mod hubspot;
pub mod maven;
pub mod pipedrive;
pub mod salesforce;
pub mod zoho;

use super::target::{Stage, TouchKind};

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sellers and managers.
    Users,
    /// Companies.
    Accounts,
    /// People at companies.
    Contacts,
    /// What may become revenue, or did, or did not.
    Opportunities,
    /// Revenue on a day.
    Bookings,
    /// Calls, meetings, messages: made or scheduled.
    Touches,
}

impl Kind {
    /// The word of the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
            Self::Opportunities => "opportunities",
            Self::Bookings => "bookings",
            Self::Touches => "touches",
        }
    }
}

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// What a column can mean. The names are those of `--from csv` and of map files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field { $($(#[doc = $doc])+ $variant,)+ }

        impl Field {
            /// The name in files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

fields! {
    /// The row's id in the system that it comes from.
    Id = "id";
    /// The whole name; a person's may also come in two parts.
    Name = "name";
    /// A person's first name.
    FirstName = "firstName";
    /// A person's last name.
    LastName = "lastName";
    /// An e-mail address.
    Email = "email";
    /// A telephone number, as it is.
    Phone = "phone";
    /// A person's job.
    Title = "title";
    /// A person's department.
    Department = "department";
    /// An account's domain or web address.
    Domain = "domain";
    /// An account's industry.
    Industry = "industry";
    /// An account's number of employees.
    Employees = "employees";
    /// An account's revenue of a year.
    AnnualRevenue = "annualRevenue";
    /// What an account could spend with us in a year.
    Potential = "potential";
    /// An account's country.
    Country = "country";
    /// An account's city.
    City = "city";
    /// A description.
    Description = "description";
    /// Owner, seller or user: an e-mail address or the name of a user.
    Owner = "owner";
    /// Owner, seller or user by an id that a file given with `--owners` explains.
    OwnerId = "ownerId";
    /// A user's manager: an e-mail address or a name.
    Manager = "manager";
    /// A user's role: SELLER, MANAGER or ADMIN.
    Role = "role";
    /// The parent account's id.
    ParentId = "parentId";
    /// The parent account's name.
    ParentName = "parent";
    /// The account's id.
    AccountId = "accountId";
    /// The account's name.
    AccountName = "account";
    /// The account's domain.
    AccountDomain = "accountDomain";
    /// The id of the contact that a contact reports to.
    ReportsTo = "reportsTo";
    /// A contact's part in a purchase, in the schema's words.
    BuyingRole = "buyingRole";
    /// How a contact sees us, in the schema's words.
    Relationship = "relationship";
    /// Whether the contact must not be approached.
    DoNotContact = "doNotContact";
    /// An opportunity's or a booking's amount.
    Amount = "amount";
    /// The currency that the row's amounts are in: an ISO 4217 code.
    Currency = "currency";
    /// An opportunity's stage.
    Stage = "stage";
    /// Percent, 0-100.
    Probability = "probability";
    /// The day on which an opportunity was opened.
    OpenedOn = "openedOn";
    /// The day on which it closed, or is to close: what it is follows from the stage.
    CloseOn = "closeOn";
    /// The day on which it is to close.
    ExpectedCloseOn = "expectedCloseOn";
    /// The day on which it closed.
    ClosedOn = "closedOn";
    /// Why it was lost.
    LossReason = "lossReason";
    /// The day of a booking.
    BookedOn = "bookedOn";
    /// The id of the opportunity that a booking or a touch belongs to.
    OpportunityId = "opportunityId";
    /// When a touch is to start, or did.
    At = "at";
    /// The time of day, where `at` is only a day.
    AtTime = "atTime";
    /// A touch's kind.
    Kind = "kind";
    /// SCHEDULED, COMPLETED or CANCELED, or the system's own word.
    Status = "status";
    /// OUTBOUND or INBOUND.
    Direction = "direction";
    /// Minutes.
    DurationMinutes = "durationMinutes";
    /// Seconds; rounded to minutes.
    DurationSeconds = "durationSeconds";
    /// A touch's subject.
    Subject = "subject";
    /// A touch's notes.
    Notes = "notes";
    /// Whether the other side took part.
    Responded = "responded";
    /// What the client got out of it, in the schema's words.
    Value = "value";
    /// Whether the client said that it was of use.
    ValueAcknowledged = "valueAcknowledged";
    /// When a touch was recorded.
    RecordedAt = "recordedAt";
    /// Ids of the contacts of a touch, separated by `;`.
    ContactIds = "contacts";
    /// E-mail addresses of the contacts of a touch, separated by `;`.
    ContactEmails = "contactEmails";
    /// Names of the contacts of a touch, separated by `;`.
    ContactNames = "contactNames";
    /// The name of the opportunity of a touch.
    OpportunityName = "opportunity";
    /// Salesforce: a contact's or a lead's id.
    WhoId = "whoId";
    /// Salesforce: the id of anything.
    WhatId = "whatId";
    /// The id of an account, an opportunity or a contact that a touch belongs to.
    RelatedId = "relatedId";
    /// The name of an account, an opportunity or a contact that a touch belongs to.
    RelatedName = "related";
    /// Whether the row was deleted in its system.
    Deleted = "deleted";
}

/// The title of a field, as a system writes it.
pub type Titles = &'static [&'static str];

/// A system's habits.
#[derive(Debug)]
pub struct Preset {
    /// The source of the external ids, and the word after `--from`.
    pub source: &'static str,
    /// For each kind of file: which titles mean which field. Of several titles that a file has, the first whose cell is
    /// not empty counts.
    pub columns: &'static [(Kind, &'static [(Field, Titles)])],
    /// Columns that are kept as free fields: kind, title, name.
    pub custom: &'static [(Kind, &'static str, &'static str)],
    /// The system's stages.
    pub stages: &'static [(&'static str, Stage)],
    /// The system's kinds of touches; none for what is no touch at all.
    pub touch_kinds: &'static [(&'static str, Option<TouchKind>)],
    /// How the system's data is read.
    pub habits: Habits,
}

/// Where systems differ in more than titles.
#[expect(clippy::struct_excessive_bools, reason = "each habit is independent of the others")]
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    /// Ids are Salesforce's: 15 and 18 characters can be the same id, and the first three say what it is of.
    pub salesforce_ids: bool,
    /// What an opportunity's opening is read from is when its record was made, which may be after it closed: the
    /// earlier of the two counts.
    pub opened_when_recorded: bool,
    /// Accounts have no id but their name.
    pub accounts_by_name: bool,
    /// One unit of an account's revenue.
    pub revenue_unit: i64,
    /// Cells that refer to other records may hold several, separated by `;`, and write them as `Name (12)`.
    pub associations: bool,
}

/// The habits of a system that has none of its own.
pub const PLAIN: Habits = Habits {
    salesforce_ids: false,
    opened_when_recorded: false,
    accounts_by_name: false,
    revenue_unit: 1,
    associations: false,
};

/// Every preset that `--from` knows.
pub const ALL: &[&Preset] = &[
    &csv::PRESET,
    &dynamics::PRESET,
    &hubspot::PRESET,
    &maven::PRESET,
    &pipedrive::PRESET,
    &salesforce::PRESET,
    &zoho::PRESET,
];

/// Returns the fields that a kind has.
pub fn fields(kind: Kind) -> impl Iterator<Item = Field> {
    csv::PRESET
        .columns
        .iter()
        .filter(move |(of, _)| *of == kind)
        .flat_map(|(_, fields)| fields.iter().map(|(field, _)| *field))
}

/// Returns the documented name of a field of a kind, which maps and files of our own use.
#[must_use]
pub fn name_of(field: Field, kind: Kind) -> &'static str {
    let of_kind = csv::PRESET.columns.iter().filter(|(of, _)| *of == kind).flat_map(|(_, fields)| fields.iter());
    of_kind
        .filter(|(known, _)| *known == field)
        .find_map(|(_, titles)| titles.first().copied())
        .unwrap_or_else(|| field.name())
}

/// Our own names, which every preset understands besides the system's.
pub const OWN_STAGES: &[(&str, Stage)] = &[
    ("IDENTIFIED", Stage::Identified),
    ("QUALIFIED", Stage::Qualified),
    ("PROPOSED", Stage::Proposed),
    ("NEGOTIATING", Stage::Negotiating),
    ("WON", Stage::Won),
    ("LOST", Stage::Lost),
];

/// Our own kinds of touches.
pub const OWN_TOUCH_KINDS: &[(&str, Option<TouchKind>)] = &[
    ("CALL", Some(TouchKind::Call)),
    ("EMAIL", Some(TouchKind::Email)),
    ("MEETING", Some(TouchKind::Meeting)),
    ("MESSAGE", Some(TouchKind::Message)),
    ("EVENT", Some(TouchKind::Event)),
    ("MAIL", Some(TouchKind::Mail)),
    ("OTHER", Some(TouchKind::Other)),
];
