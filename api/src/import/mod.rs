//! `callshot import FILE… --as KIND --from SOURCE`: files that CRMs export, through the same rules as the upserts.
//!
//! The modules in the order in which a file passes through them:
//! 1. [`text`], `encoding`, [`delimited`], [`workbook`] and [`read`]: bytes become cells. A file that cannot be read for certain
//!    is refused.
//! 2. [`presets`] and [`map`]: what the columns of a source mean, as data. [`bind`] finds them in the file and decides
//!    how each writes its dates and numbers. [`suggest`] proposes a map.
//! 3. [`source`]: a file is read twice and never kept: once for what [`bind`] decides, and once for its rows. [`spill`] keeps on
//!    disk what would grow with the file.
//! 4. [`run`]: the run as a whole. [`stream`]: its rows, a batch at a time. [`nearby`] looks up what they name.
//! 5. [`rows`]: a record becomes a row of an upsert, or the reasons why it cannot. [`values`] reads the cells, [`people`]
//!    finds users by name, [`relations`] the accounts of contacts.
//! 6. [`batch`]: batches and counts. [`order`]: rows that are the same, or need others. [`dry`]: what a dry run pretends.
//! 7. [`records`] and [`fields`]: what imports wrote and what people changed since. [`undo`] takes a run back.
//! 8. [`revenue`]: bookings of won opportunities. [`won`]: `--own-by won`.
//! 9. [`calendar`]: .ics files, which join at step 6.
//! 10. [`target`]: the organization that is written to. [`report`]: counts and reasons.
//!
//! Every record ends as a row or as a reason in the result file.

pub(crate) mod batch;
pub(crate) mod bind;
pub(crate) mod calendar;
pub(crate) mod delimited;
pub(crate) mod dry;
pub(crate) mod encoding;
pub(crate) mod fields;
pub(crate) mod map;
pub(crate) mod nearby;
pub(crate) mod order;
pub(crate) mod people;
pub(crate) mod presets;
pub(crate) mod read;
pub(crate) mod records;
pub(crate) mod relations;
pub mod report;
pub(crate) mod revenue;
pub(crate) mod rows;
pub mod run;
pub(crate) mod source;
pub(crate) mod spill;
pub(crate) mod stream;
pub(crate) mod suggest;
pub mod target;
pub(crate) mod text;
pub mod undo;
pub(crate) mod values;
pub(crate) mod won;
pub(crate) mod workbook;

use std::{collections::BTreeMap, path::PathBuf};

use encoding_rs::Encoding;
use rust_decimal::Decimal;

use self::{
    bind::Declared,
    presets::Kind,
    values::{DateOrder, DecimalMark},
};

/// Read files that a CRM exported.
///
/// Importing an unchanged file again changes nothing, and what people changed in between is left alone. A bad row never
/// stops the good ones. Exit code: 0 all rows in, 3 some failed, 2 could not run.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each flag of the command line is independent of the others")]
pub struct Arguments {
    /// Files of one kind: CSV, .xlsx, or a JSON tree as sfdx writes it; for touches also calendars (.ics).
    #[arg(required_unless_present = "undo", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the rows are.
    #[arg(long = "as", value_name = "KIND", required_unless_present_any = ["undo", "suggest_map"])]
    pub given_kind: Option<Kind>,
    /// The system that wrote the files: csv (our own field names), dynamics, hubspot, maven, pipedrive, salesforce, zoho; with
    /// --map, and for calendars, any word, under which external ids are then filed.
    #[arg(
        long,
        value_name = "SOURCE",
        required = false,
        required_unless_present_any = ["undo", "suggest_map"],
        default_value_ifs = [
            ("undo", clap::builder::ArgPredicate::IsPresent, Some("csv")),
            ("suggest_map", clap::builder::ArgPredicate::Equals("true".into()), Some("csv")),
        ]
    )]
    pub from: String,
    /// A TOML file that says what the columns mean.
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// The files' encoding, such as windows-1252; otherwise detected.
    #[arg(long, value_parser = encoding)]
    pub encoding: Option<&'static Encoding>,
    /// The character between cells, or `tab`; otherwise detected.
    #[arg(long, value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// The order of day, month and year in dates such as 3/4/17, for all columns; otherwise decided for each column.
    #[arg(long)]
    pub date_order: Option<DateOrder>,
    /// Numbers are written 1.234,50; otherwise decided for each column.
    #[arg(long, conflicts_with = "decimal_point")]
    pub decimal_comma: bool,
    /// Numbers are written 1,234.50; otherwise decided for each column.
    #[arg(long)]
    pub decimal_point: bool,
    /// Converts amounts of another currency: what 1 of it is in the organization's currency, such as USD=0.92. May be
    /// given several times.
    #[arg(long = "rate", value_name = "CODE=RATE", value_parser = rate)]
    pub rates: Vec<(String, Decimal)>,
    /// Makes addresses first.last@DOMAIN of names for which the file has none.
    #[arg(long, value_name = "DOMAIN")]
    pub email_domain: Option<String>,
    /// A file with the columns Id and Email: the addresses behind the owners' ids.
    #[arg(long, value_name = "FILE")]
    pub owners: Option<PathBuf>,
    /// A file with the columns `ContactId` and `AccountId`, for contacts whose row names no account.
    #[arg(long, value_name = "FILE")]
    pub relations: Option<PathBuf>,
    /// The account of rows that name none; created if there is none of that name.
    #[arg(long, value_name = "NAME")]
    pub default_account: Option<String>,
    /// Record a booking for each won opportunity.
    #[arg(long)]
    pub book_won: bool,
    /// Afterwards give each account to the seller who won most there.
    #[arg(long, value_name = "WHAT")]
    pub own_by: Option<OwnBy>,
    /// Keep the columns that no field was found for as custom fields, under their titles.
    #[arg(long)]
    pub keep_rest: bool,
    /// For calendars: cancel scheduled touches of the same source whose events are no longer in the files.
    #[arg(long)]
    pub cancel_missing: bool,
    /// Write a starter map for the file to standard output, and import nothing.
    #[arg(long)]
    pub suggest_map: bool,
    /// Take back what the run of this id created or changed, where it was not touched since.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["files", "suggest_map"])]
    pub undo: Option<String>,
    /// Write nothing, and report what would be written.
    #[arg(long)]
    pub dry_run: bool,
    /// The result file, with what became of each line; otherwise NAME.result.csv in the working directory.
    #[arg(long, value_name = "FILE")]
    pub result: Option<PathBuf>,
    /// The organization, where there are several: its id or its name.
    #[arg(long)]
    pub organization: Option<String>,
    /// The address of the user who acts; otherwise the organization's first admin.
    #[arg(long, value_name = "EMAIL")]
    pub by: Option<String>,
}

impl Arguments {
    /// Returns what the rows are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.given_kind.unwrap_or(Kind::Accounts)
    }

    /// Returns the formats that are declared for all columns.
    #[must_use]
    pub fn declared(&self) -> Declared {
        let decimal_mark = match (self.decimal_comma, self.decimal_point) {
            (true, _) => Some(DecimalMark::Comma),
            (false, true) => Some(DecimalMark::Point),
            (false, false) => None,
        };
        Declared { date_order: self.date_order, decimal_mark }
    }

    /// Returns what one unit of other currencies is in the organization's, by code.
    #[must_use]
    pub fn rates(&self) -> BTreeMap<String, Decimal> {
        self.rates.iter().cloned().collect()
    }
}

/// The rule that decides who owns an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OwnBy {
    /// The largest won sum.
    Won,
}

fn encoding(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(label.trim().as_bytes())
        .ok_or_else(|| format!("“{label}” is no known encoding; known are such as utf-8, utf-16le, windows-1252"))
}

fn rate(text: &str) -> Result<(String, Decimal), String> {
    let wrong = || format!("“{text}” is no rate; write a currency and what 1 of it is here, such as USD=0.92");
    let (code, rate) = text.split_once('=').ok_or_else(wrong)?;
    let currency = values::of_code(code.trim()).ok_or_else(wrong)?;
    let rate: Decimal = rate.trim().parse().map_err(|_| wrong())?;
    if rate <= Decimal::ZERO {
        return Err(wrong());
    }
    Ok((currency.code().to_owned(), rate))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if matches!(text, "tab" | "\\t") => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err(format!("“{text}” is no separator; write one character, or tab")),
    }
}
