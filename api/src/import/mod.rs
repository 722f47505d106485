//! `callshot import FILE… --as KIND --from SOURCE`: what CRMs export, through the same rules as the upserts.
//!
//! How to read it, in the order in which a file goes through:
//! 1. [`read`]: bytes become cells. A file that cannot be read for certain is refused.
//! 2. [`presets`] and [`map`]: what the columns of a source mean, as data; [`bind`] finds them in the file and decides
//!    how its dates are written.
//! 3. [`rows`]: a record becomes a row of an upsert or the reasons why not; [`values`] reads the cells, [`people`] finds
//!    whom a name means.
//! 4. [`order`]: parents before children. [`run`]: the whole; [`batch`]: batches, counts. [`dry`]: what a dry run must pretend. [`won`]:
//!    `--own-by won`. [`report`]: what is told in the end.
//! 5. [`calendar`]: .ics files, which go their own way up to 4.
//! 6. [`sink`]: the functions that write, as a table, and who acts.
//!
//! Every record ends as a row or as a reason in the result file.

pub mod batch;
pub mod bind;
pub mod calendar;
pub mod dry;
pub mod map;
pub mod order;
pub mod people;
pub mod presets;
pub mod read;
pub mod relations;
pub mod report;
pub mod rows;
pub mod run;
pub mod sink;
pub mod values;
pub mod won;

use std::path::PathBuf;

use encoding_rs::Encoding;

use self::{presets::Kind, values::DateOrder};

/// Read files that a CRM exported.
///
/// Importing again changes nothing: rows are known by their id in the source, or by their name where they have none.
/// A bad row never stops the good ones. Exit code: 0 all rows in, 3 some failed, 2 could not run.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Files of one kind: CSV, or a JSON tree as sfdx writes it; for touches also calendars (.ics).
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the rows are.
    #[arg(long = "as", value_name = "KIND")]
    pub kind: Kind,
    /// The system that wrote the files: csv (our own field names), hubspot, maven, pipedrive, salesforce, zoho; with
    /// --map, and for calendars, any word, under which external ids are then filed.
    #[arg(long, value_name = "SOURCE")]
    pub from: String,
    /// A TOML file that says what the columns mean.
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// The files' encoding, such as windows-1252; otherwise found out.
    #[arg(long, value_parser = encoding)]
    pub encoding: Option<&'static Encoding>,
    /// The character between cells, or `tab`; otherwise found out.
    #[arg(long, value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// How dates such as 3/4/2017 are meant, for all columns; otherwise decided for each column as a whole.
    #[arg(long)]
    pub date_order: Option<DateOrder>,
    /// Amounts are written 1.234,50.
    #[arg(long)]
    pub decimal_comma: bool,
    /// Makes addresses first.last@DOMAIN of names for which the file has none.
    #[arg(long, value_name = "DOMAIN")]
    pub email_domain: Option<String>,
    /// A file with the columns Id and Email that says who the owners' ids are.
    #[arg(long, value_name = "FILE")]
    pub owners: Option<PathBuf>,
    /// A file with the columns `ContactId` and `AccountId`, for contacts whose row names no account.
    #[arg(long, value_name = "FILE")]
    pub relations: Option<PathBuf>,
    /// The account for rows that name none; made if there is none of that name.
    #[arg(long, value_name = "NAME")]
    pub default_account: Option<String>,
    /// Record a booking for each won opportunity.
    #[arg(long)]
    pub book_won: bool,
    /// Afterwards give each account to the seller who won most there.
    #[arg(long, value_name = "WHAT")]
    pub own_by: Option<OwnBy>,
    /// Write nothing, and tell the same story.
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write what became of each line; otherwise NAME.result.csv in the working directory.
    #[arg(long, value_name = "FILE")]
    pub result: Option<PathBuf>,
    /// The organization, where there are several: its id or its name.
    #[arg(long)]
    pub organization: Option<String>,
    /// The address of the user who acts; otherwise the organization's first admin.
    #[arg(long, value_name = "EMAIL")]
    pub by: Option<String>,
}

/// What decides who owns an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OwnBy {
    /// The largest won sum.
    Won,
}

fn encoding(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(label.trim().as_bytes())
        .ok_or_else(|| format!("“{label}” is no known encoding; known are such as utf-8, utf-16le, windows-1252"))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if matches!(text, "tab" | "\\t") => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err(format!("“{text}” is no separator; write one character, or tab")),
    }
}
