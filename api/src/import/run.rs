//! The run: files in, batches out, a report at the end.
//!
//! Each batch is one transaction. A crash leaves whole batches, and running again finishes, since rows that are in
//! already are found UNCHANGED.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    io::{IsTerminal, Write as _},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Arguments, OwnBy,
    batch::{BATCH, Pass},
    bind::{self, Binding},
    calendar,
    map::{self, Mapping},
    people::People,
    presets::{Field, Kind},
    read::{self, Reading, Record, Refusal, Table},
    relations::read_relations,
    report::{Report, result_path, told},
    rows::{self, AccountNames, Lights, Prepared, external_id_text, folded},
    sink::{AccountRef, AccountRow, MaybeUndefined, OpportunityRow, Sink, SinkError, Stage, UpsertStatus},
    won,
};

/// All rows are in.
pub const EXIT_DONE: u8 = 0;
/// Nothing could be run, or it stopped half-way.
pub const EXIT_COULD_NOT: u8 = 2;
/// Some rows failed.
pub const EXIT_SOME_FAILED: u8 = 3;

/// Imports, prints the story, and answers the exit code.
pub async fn run(arguments: &Arguments, sink: &Sink) -> u8 {
    let path = match result_path(arguments.result.as_deref(), &arguments.files) {
        Ok(path) => path,
        Err(refusal) => {
            eprintln!("{refusal}");
            return EXIT_COULD_NOT;
        }
    };
    let mut report = Report::default();
    let stopped = import(arguments, sink, &mut report).await.err();
    if let Some(stop @ Stop::Refused(_)) = &stopped {
        eprintln!("{stop}");
        return EXIT_COULD_NOT;
    }
    let written = report.write(&path, &arguments.files);
    say(&report.summary(arguments.kind, arguments.dry_run));
    match &written {
        Ok(()) => say(&format!("What became of each line: {}", path.display())),
        Err(refusal) => eprintln!("{refusal}"),
    }
    if let Some(stop) = stopped {
        eprintln!("{stop}");
        return EXIT_COULD_NOT;
    }
    if report.failed() || written.is_err() { EXIT_SOME_FAILED } else { EXIT_DONE }
}

/// Prints a line. Whoever listens no more, as `head` once it has enough, has missed nothing: the rows are in.
fn say(line: &str) {
    let _gone = writeln!(std::io::stdout(), "{line}");
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Nothing was written: the files or the arguments are not right.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The batches before are in.
    #[error("stopped: {0}. What the result file calls CREATED, UPDATED or UNCHANGED is in; run again to finish.")]
    Broken(#[from] SinkError),
}

/// A file with its columns found.
struct Source {
    table: Table,
    binding: Binding,
}

/// Reads everything before it writes anything, so that a file that cannot be read stops the run with nothing done.
///
/// # Errors
/// [`Stop`]; what was done until then is in the report.
pub async fn import(arguments: &Arguments, sink: &Sink, report: &mut Report) -> Result<(), Stop> {
    check(arguments)?;
    if let Some(texts) = calendar::calendars(arguments)? {
        return calendar::import(arguments, texts, sink, report).await;
    }
    let mapping = map::mapping(&arguments.from, arguments.map.as_deref(), arguments.kind)?;
    let reading = Reading { encoding: arguments.encoding, delimiter: arguments.delimiter };
    let mut sources = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        let table = read::read(path, reading)?;
        let binding = bind::bind(&table, &mapping, arguments.kind, arguments.date_order)?;
        remark(report, &table, &binding);
        sources.push(Source { table, binding });
    }
    let people = people_of(arguments, sink, &mapping, &sources).await?;
    let id_text = |id: &str| external_id_text(&mapping, id);
    let relations = arguments.relations.as_deref().map(|path| read_relations(path, Reading::default(), id_text));
    let relations = relations.transpose()?.unwrap_or_default();
    let in_file = if arguments.kind == Kind::Accounts { names_in_files(&mapping, &sources) } else { HashMap::new() };
    let accounts = AccountNames { in_file, known: known_accounts(sink, &mapping, &sources, arguments.kind).await? };
    let (mut pretended, mut default_account) = (None, None);
    if let Some(name) = &arguments.default_account {
        let (reference, is_there) = default_of(sink, &mapping, name, arguments.dry_run, report).await?;
        pretended = (!is_there).then(|| reference.clone());
        default_account = Some(reference);
    }
    let lights = Lights {
        kind: arguments.kind,
        mapping: &mapping,
        ground: &sink.ground,
        people: &people,
        accounts: &accounts,
        relations: &relations,
        default_account,
        decimal_comma: arguments.decimal_comma,
        unknown_owners: RefCell::new(BTreeMap::new()),
    };
    let progress = progress_bar(sources.iter().map(|source| source.table.records.len()).sum());
    let pass = Pass {
        report,
        progress,
        dry_run: arguments.dry_run,
        made: HashSet::new(),
        pretended,
        settle: &sink.settle,
        sent: 0,
    };
    write_all(arguments, sink, &lights, &sources, pass).await?;
    remark_owners(report, &lights.unknown_owners.borrow());
    Ok(())
}

async fn write_all(
    arguments: &Arguments,
    sink: &Sink,
    lights: &Lights<'_>,
    sources: &[Source],
    mut pass: Pass<'_>,
) -> Result<(), Stop> {
    match arguments.kind {
        Kind::Users => {
            let of =
                |(file, source): (usize, &Source)| rows::users::users(lights, &source.binding, file, &source.table);
            let users = sources.iter().enumerate().flat_map(of).collect();
            pass.write(&sink.users, users).await?;
        }
        Kind::Accounts => drop(pass.write(&sink.accounts, each(lights, sources, rows::account)).await?),
        Kind::Contacts => drop(pass.write(&sink.contacts, each(lights, sources, rows::contact)).await?),
        Kind::Opportunities => {
            let taken = pass.write(&sink.opportunities, each(lights, sources, rows::opportunity)).await?;
            after_opportunities(arguments, sink, &mut pass, &taken).await?;
        }
        Kind::Bookings => drop(pass.write(&sink.bookings, each(lights, sources, rows::booking)).await?),
        Kind::Touches => drop(pass.write(&sink.touches, each(lights, sources, rows::touch)).await?),
    }
    pass.progress.finish_and_clear();
    Ok(())
}

/// Who may own something: the organization's users, whom a file of ids explains, and who is being imported.
async fn people_of(arguments: &Arguments, sink: &Sink, mapping: &Mapping, sources: &[Source]) -> Result<People, Stop> {
    let users = (sink.people)().await?;
    let mut people = People::new(&users, arguments.email_domain.as_deref());
    if let Some(path) = &arguments.owners {
        people.explain_ids(path, Reading::default(), |id| external_id_text(mapping, id))?;
    }
    if arguments.kind == Kind::Users {
        for source in sources {
            rows::users::meet(&mut people, &source.binding, &source.table);
        }
    }
    Ok(people)
}

fn check(arguments: &Arguments) -> Result<(), Refusal> {
    let only = |given: bool, flag: &str, kind: Kind| {
        if given && arguments.kind != kind {
            return Err(Refusal(format!("{flag} goes with --as {} only", kind.word())));
        }
        Ok(())
    };
    only(arguments.book_won, "--book-won", Kind::Opportunities)?;
    only(arguments.own_by.is_some(), "--own-by", Kind::Opportunities)?;
    only(arguments.relations.is_some(), "--relations", Kind::Contacts)?;
    if arguments.default_account.is_some() && matches!(arguments.kind, Kind::Users | Kind::Accounts) {
        return Err(Refusal(format!("--default-account does not go with --as {}", arguments.kind.word())));
    }
    Ok(())
}

fn each<Row>(
    lights: &Lights<'_>,
    sources: &[Source],
    read: fn(&Lights, &Binding, usize, &Record) -> Prepared<Row>,
) -> Vec<Prepared<Row>> {
    let mut rows = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        rows.extend(source.table.records.iter().map(|record| read(lights, &source.binding, file, record)));
    }
    rows
}

fn remark(report: &mut Report, table: &Table, binding: &Binding) {
    if let Some(encoding) = table.guessed {
        report.remarks.push(format!("{}: read as {encoding}; --encoding says otherwise", table.file));
    }
    let ignored = &binding.ignored;
    if !ignored.is_empty() {
        let more = if ignored.len() > 8 { format!(" and {} more", ignored.len() - 8) } else { String::new() };
        let first: Vec<&str> = ignored.iter().take(8).map(String::as_str).collect();
        report.remarks.push(format!("{}: columns left aside: {}{more}", table.file, first.join(", ")));
    }
}

fn remark_owners(report: &mut Report, unknown: &BTreeMap<String, usize>) {
    let rows: usize = unknown.values().sum();
    if rows > 0 {
        report.remarks.push(format!(
            "{rows} rows name their owner by one of {} ids of which the address is not known; their owner was left out. \
             --owners FILE, with the columns Id and Email, says who they are.",
            unknown.len()
        ));
    }
}

/// The organization's accounts of all the names that rows refer to by name.
async fn known_accounts(
    sink: &Sink,
    mapping: &Mapping,
    sources: &[Source],
    kind: Kind,
) -> Result<HashMap<String, Vec<AccountRef>>, SinkError> {
    let mut names: HashMap<String, String> = HashMap::new();
    if mapping.habits.accounts_by_name || kind == Kind::Users {
        return Ok(HashMap::new());
    }
    for Source { table, binding } in sources {
        for record in &table.records {
            let cell = |field| binding.cell(record, field).map(|(_, cell)| cell);
            let by_id = cell(Field::AccountId).or(cell(Field::AccountDomain)).or(cell(Field::ParentId)).is_some();
            if let Some(name) = cell(Field::AccountName).or(cell(Field::ParentName)).filter(|_| !by_id) {
                names.entry(folded(name)).or_insert_with(|| name.to_owned());
            }
        }
    }
    let mut known: HashMap<String, Vec<AccountRef>> = HashMap::new();
    let names: Vec<String> = names.into_values().collect();
    for some in names.chunks(BATCH) {
        for account in (sink.accounts_named)(some.to_vec()).await? {
            known.entry(folded(&account.name)).or_default().push(account.reference);
        }
    }
    Ok(known)
}

fn names_in_files(mapping: &Mapping, sources: &[Source]) -> HashMap<String, Vec<AccountRef>> {
    let mut names: HashMap<String, Vec<AccountRef>> = HashMap::new();
    for Source { table, binding } in sources {
        for record in &table.records {
            let name = binding.cell(record, Field::Name).map(|(_, name)| folded(name));
            if let (Some(name), Some(id)) = (name, rows::external_of(mapping, binding, record)) {
                let reference = AccountRef::ExternalId(id);
                let known = names.entry(name).or_default();
                if !known.contains(&reference) {
                    known.push(reference);
                }
            }
        }
    }
    names
}

/// The account for rows that name none, and whether it is there. It is made if need be, but not in a dry run.
pub(super) async fn default_of(
    sink: &Sink,
    mapping: &Mapping,
    name: &str,
    dry_run: bool,
    report: &mut Report,
) -> Result<(AccountRef, bool), Stop> {
    let mut found = (sink.accounts_named)(vec![name.to_owned()]).await?;
    match found.len() {
        1 => return Ok((found.swap_remove(0).reference, true)),
        0 => {}
        several => {
            return Err(Refusal(format!(
                "--default-account: {several} accounts are called “{name}”; name another one"
            ))
            .into());
        }
    }
    let id = rows::external(mapping, name);
    let row = AccountRow {
        external_id: MaybeUndefined::Value(id.clone()),
        name: MaybeUndefined::Value(name.to_owned()),
        ..AccountRow::default()
    };
    let made = (sink.accounts)(vec![row], dry_run).await?;
    if let Some(failed) = made.iter().find(|result| result.status == UpsertStatus::Failed) {
        return Err(
            Refusal(format!("--default-account: “{name}” cannot be made: {}", told(&failed.errors, &[]))).into()
        );
    }
    report
        .remarks
        .push(format!("The account “{name}” was not there and {} made.", if dry_run { "would be" } else { "was" }));
    Ok((AccountRef::ExternalId(id), !dry_run))
}

/// Bookings of what was won, and owners.
async fn after_opportunities(
    arguments: &Arguments,
    sink: &Sink,
    pass: &mut Pass<'_>,
    taken: &[(usize, u64, OpportunityRow)],
) -> Result<(), Stop> {
    if arguments.book_won {
        let book = |(file, line, row): &(usize, u64, OpportunityRow)| Some(derived(*file, *line, rows::of_won(row)?));
        let worthless = taken
            .iter()
            .filter(|(_, _, row)| row.stage == MaybeUndefined::Value(Stage::Won) && rows::of_won(row).is_none());
        let worthless = worthless.count();
        if worthless > 0 {
            pass.report.remarks.push(format!("{worthless} won opportunities have no amount and got no booking."));
        }
        let counts = pass.write_derived(&sink.bookings, taken.iter().filter_map(book).collect(), "its booking").await?;
        pass.report.bookings = Some(counts);
    }
    if arguments.own_by == Some(OwnBy::Won) {
        let (owners, unnamed) = won::owners(taken.iter().map(|(_, _, row)| row));
        if unnamed > 0 {
            pass.report
                .remarks
                .push(format!("{unnamed} accounts have neither an external id nor a domain and kept their owner."));
        }
        let rows = owners.into_iter().map(|row| derived(0, 0, row)).collect();
        let counts = pass.write_derived(&sink.accounts, rows, "the owner of its account").await?;
        pass.report.owners = Some(counts);
    }
    Ok(())
}

fn derived<Row>(file: usize, line: u64, row: Row) -> Prepared<Row> {
    Prepared { file, line, key: None, after: None, row: Ok(row), notes: Vec::new() }
}

pub(super) fn progress_bar(rows: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left");
    ProgressBar::new(rows as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
