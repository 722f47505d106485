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
    records::{Hints, Run},
    relations::read_relations,
    report::{Report, format_errors, result_path},
    revenue::WonBooking,
    rows::{self, AccountNames, Prepared, ReadContext, Related, external_id_text, folded},
    suggest,
    target::{AccountRef, AccountRow, ImportTarget, MaybeUndefined, OpportunityRow, TargetError, UpsertStatus},
    undo, won,
};

/// All rows are in.
pub const EXIT_DONE: u8 = 0;
/// Nothing could be run, or it stopped half-way.
pub const EXIT_COULD_NOT: u8 = 2;
/// Some rows failed.
pub const EXIT_SOME_FAILED: u8 = 3;

/// Prints a starter map for the first file, and returns the exit code.
#[must_use]
pub fn suggest_map(arguments: &Arguments) -> u8 {
    let reading = Reading { encoding: arguments.encoding, delimiter: arguments.delimiter };
    let Some(path) = arguments.files.first() else { return EXIT_COULD_NOT };
    match read::read(path, reading) {
        Ok(table) => {
            say(&suggest::map(&table, arguments.given_kind, &arguments.from));
            EXIT_DONE
        }
        Err(refusal) => {
            eprintln!("{refusal}");
            EXIT_COULD_NOT
        }
    }
}

/// Undoes a run, prints what became of it, and returns the exit code.
async fn undo_run(run: &str, target: &ImportTarget) -> u8 {
    match undo::undo(target, run).await {
        Ok(undone) => {
            say(&undone.to_string());
            if undone.left.is_empty() { EXIT_DONE } else { EXIT_SOME_FAILED }
        }
        Err(error) => {
            eprintln!("{error}");
            EXIT_COULD_NOT
        }
    }
}

/// Imports, prints the report, and returns the exit code.
pub async fn run(arguments: &Arguments, target: &ImportTarget) -> u8 {
    if let Some(run) = &arguments.undo {
        return undo_run(run, target).await;
    }
    let path = match result_path(arguments.result.as_deref(), &arguments.files) {
        Ok(path) => path,
        Err(refusal) => {
            eprintln!("{refusal}");
            return EXIT_COULD_NOT;
        }
    };
    let mut report = Report::default();
    let stopped = import(arguments, target, &mut report).await.err();
    if let Some(stop @ Stop::Refused(_)) = &stopped {
        eprintln!("{stop}");
        return EXIT_COULD_NOT;
    }
    let written = report.write(&path, &arguments.files);
    say(&report.summary(arguments.kind(), arguments.dry_run));
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

/// Prints a line. A closed output, as after `| head`, is ignored: the rows have been imported.
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
    Broken(#[from] TargetError),
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
pub async fn import(arguments: &Arguments, target: &ImportTarget, report: &mut Report) -> Result<(), Stop> {
    check(arguments)?;
    if let Some(texts) = calendar::calendars(arguments)? {
        return calendar::import(arguments, texts, target, report).await;
    }
    let mapping = map::mapping(&arguments.from, arguments.map.as_deref(), arguments.kind())?;
    let reading = Reading { encoding: arguments.encoding, delimiter: arguments.delimiter };
    let mut sources = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        let table = read::read(path, reading)?;
        let mut binding = bind::bind(&table, &mapping, arguments.kind(), arguments.declared())?;
        let kept = if arguments.keep_rest { binding.keep_rest() } else { Vec::new() };
        remark(report, &table, &binding, &kept);
        sources.push(Source { table, binding });
    }
    let people = people_of(arguments, target, &mapping, &sources).await?;
    let id_text = |id: &str| external_id_text(&mapping, id);
    let relations = arguments.relations.as_deref().map(|path| read_relations(path, Reading::default(), id_text));
    let relations = relations.transpose()?.unwrap_or_default();
    let in_file = if arguments.kind() == Kind::Accounts { names_in_files(&mapping, &sources) } else { HashMap::new() };
    let accounts = AccountNames { in_file, known: known_accounts(target, &mapping, &sources, arguments.kind()).await? };
    let run = start(arguments, target, &mapping.source, report).await?;
    let (mut pretended, mut default_account) = (None, None);
    if let Some(name) = &arguments.default_account {
        let (reference, is_there) = default_of(target, &mapping, name, arguments.dry_run, report).await?;
        pretended = (!is_there).then(|| reference.clone());
        default_account = Some(reference);
    }
    let rates = arguments.rates();
    let related = related(target, &mapping, &sources).await?;
    let context = ReadContext {
        kind: arguments.kind(),
        mapping: &mapping,
        settings: &target.settings,
        people: &people,
        accounts: &accounts,
        relations: &relations,
        default_account,
        rates: &rates,
        related: &related,
        unknown_owners: RefCell::new(BTreeMap::new()),
    };
    let progress = progress_bar(sources.iter().map(|source| source.table.records.len()).sum());
    let pass = Pass {
        report,
        progress,
        dry_run: arguments.dry_run,
        made: HashSet::new(),
        pretended,
        target,
        run,
        source: mapping.source.clone(),
        sent: 0,
    };
    write_all(arguments, &context, &sources, pass).await?;
    remark_owners(report, &context.unknown_owners.borrow());
    Ok(())
}

/// Starts the run, unless it is a dry one.
pub(super) async fn start(
    arguments: &Arguments,
    target: &ImportTarget,
    source: &str,
    report: &mut Report,
) -> Result<Option<Run>, TargetError> {
    if arguments.dry_run {
        return Ok(None);
    }
    let files: Vec<String> = arguments.files.iter().map(|file| file.display().to_string()).collect();
    let run = target.start_run(arguments.kind().word(), source, &files.join(", ")).await?;
    report.run = Some(run.id.simple().to_string());
    Ok(Some(run))
}

async fn write_all(
    arguments: &Arguments,
    context: &ReadContext<'_>,
    sources: &[Source],
    mut pass: Pass<'_>,
) -> Result<(), Stop> {
    match arguments.kind() {
        Kind::Users => {
            let of =
                |(file, source): (usize, &Source)| rows::users::users(context, &source.binding, file, &source.table);
            let users = sources.iter().enumerate().flat_map(of).collect();
            pass.write(users).await?;
        }
        Kind::Accounts => drop(pass.write(each(context, sources, rows::account)).await?),
        Kind::Contacts => drop(pass.write(each(context, sources, rows::contact)).await?),
        Kind::Opportunities => {
            let taken = pass.write(each(context, sources, rows::opportunity)).await?;
            after_opportunities(arguments, &mut pass, &taken).await?;
        }
        Kind::Bookings => drop(pass.write(each(context, sources, rows::booking)).await?),
        Kind::Touches => drop(pass.write(each(context, sources, rows::touch)).await?),
    }
    pass.finish().await;
    Ok(())
}

/// Returns the people who may own something: the organization's users, those of a file of ids, and those being imported.
async fn people_of(
    arguments: &Arguments,
    target: &ImportTarget,
    mapping: &Mapping,
    sources: &[Source],
) -> Result<People, Stop> {
    let users = target.people().await?;
    let mut people = People::new(&users, arguments.email_domain.as_deref());
    if let Some(path) = &arguments.owners {
        people.explain_ids(path, Reading::default(), |id| external_id_text(mapping, id))?;
    }
    if arguments.kind() == Kind::Users {
        for source in sources {
            rows::users::meet(&mut people, &source.binding, &source.table);
        }
    }
    Ok(people)
}

fn check(arguments: &Arguments) -> Result<(), Refusal> {
    let only = |given: bool, flag: &str, kind: Kind| {
        if given && arguments.kind() != kind {
            return Err(Refusal(format!("{flag} goes with --as {} only", kind.word())));
        }
        Ok(())
    };
    let has_custom_fields = matches!(arguments.kind(), Kind::Accounts | Kind::Contacts | Kind::Opportunities);
    if arguments.keep_rest && !has_custom_fields {
        return Err(Refusal(format!("--keep-rest does not go with --as {}", arguments.kind().word())));
    }
    only(arguments.cancel_missing, "--cancel-missing", Kind::Touches)?;
    only(arguments.book_won, "--book-won", Kind::Opportunities)?;
    only(arguments.own_by.is_some(), "--own-by", Kind::Opportunities)?;
    only(arguments.relations.is_some(), "--relations", Kind::Contacts)?;
    if arguments.default_account.is_some() && matches!(arguments.kind(), Kind::Users | Kind::Accounts) {
        return Err(Refusal(format!("--default-account does not go with --as {}", arguments.kind().word())));
    }
    Ok(())
}

fn each<Row>(
    context: &ReadContext<'_>,
    sources: &[Source],
    read: fn(&ReadContext, &Binding, usize, &Record) -> Prepared<Row>,
) -> Vec<Prepared<Row>> {
    let mut rows = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        rows.extend(source.table.records.iter().map(|record| read(context, &source.binding, file, record)));
    }
    rows
}

fn remark(report: &mut Report, table: &Table, binding: &Binding, kept: &[String]) {
    if let Some(encoding) = table.guessed {
        report.remarks.push(format!("{}: read as {encoding}; --encoding says otherwise", table.file));
    }
    if !binding.ignored.is_empty() {
        report.remarks.push(format!("{}: columns left aside: {}", table.file, binding.ignored.join(", ")));
    }
    if !kept.is_empty() {
        report.remarks.push(format!("{}: columns kept as custom fields: {}", table.file, kept.join(", ")));
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

/// Finds out what the ids are of that rows name without saying what they are of.
async fn related(target: &ImportTarget, mapping: &Mapping, sources: &[Source]) -> Result<Related, TargetError> {
    let mut ids: HashSet<String> = HashSet::new();
    for Source { table, binding } in sources {
        let cells = table.records.iter().filter_map(|record| binding.cell(record, Field::RelatedId));
        ids.extend(cells.map(|(_, cell)| external_id_text(mapping, cell)));
    }
    let mut related = Related::default();
    let ids: Vec<String> = ids.into_iter().collect();
    for some in ids.chunks(BATCH) {
        related.accounts.extend(target.known_ids("account", &mapping.source, some).await?);
        related.opportunities.extend(target.known_ids("opportunity", &mapping.source, some).await?);
        related.contacts.extend(target.known_ids("contact", &mapping.source, some).await?);
    }
    Ok(related)
}

/// The organization's accounts of all the names that rows refer to by name.
async fn known_accounts(
    target: &ImportTarget,
    mapping: &Mapping,
    sources: &[Source],
    kind: Kind,
) -> Result<HashMap<String, Vec<AccountRef>>, TargetError> {
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
        for account in target.accounts_named(some.to_vec()).await? {
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
    target: &ImportTarget,
    mapping: &Mapping,
    name: &str,
    dry_run: bool,
    report: &mut Report,
) -> Result<(AccountRef, bool), Stop> {
    let mut found = target.accounts_named(vec![name.to_owned()]).await?;
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
    let made = target.upsert(vec![row], dry_run).await?;
    if let Some(failed) = made.iter().find(|result| result.status == UpsertStatus::Failed) {
        return Err(Refusal(format!(
            "--default-account: “{name}” cannot be made: {}",
            format_errors(&failed.errors, &[])
        ))
        .into());
    }
    report
        .remarks
        .push(format!("The account “{name}” was not there and {} made.", if dry_run { "would be" } else { "was" }));
    Ok((AccountRef::ExternalId(id), !dry_run))
}

/// Bookings of what was won, and owners.
async fn after_opportunities(
    arguments: &Arguments,
    pass: &mut Pass<'_>,
    taken: &[(usize, u64, OpportunityRow)],
) -> Result<(), Stop> {
    if arguments.book_won {
        let mut rows = Vec::new();
        let (mut worthless, mut elsewhere) = (0, 0);
        for some in taken.chunks(BATCH) {
            let of_file: Vec<&OpportunityRow> = some.iter().map(|(_, _, row)| row).collect();
            for ((file, line, _), booked) in some.iter().zip(pass.target.won(&of_file, arguments.dry_run).await?) {
                match booked {
                    Some(WonBooking::Row(row)) => rows.push(derived(*file, *line, *row)),
                    Some(WonBooking::Worthless) => worthless += 1,
                    Some(WonBooking::Elsewhere(_)) => elsewhere += 1,
                    None => {}
                }
            }
        }
        if worthless > 0 {
            pass.report.remarks.push(format!("{worthless} won opportunities have no amount and got no booking."));
        }
        if elsewhere > 0 {
            let remark = "won opportunities got no booking: they were booked here already, or are not won here.";
            pass.report.remarks.push(format!("{elsewhere} {remark}"));
        }
        let counts = pass.write_derived(rows, "its booking").await?;
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
        let counts = pass.write_derived(rows, "the owner of its account").await?;
        pass.report.owners = Some(counts);
    }
    Ok(())
}

fn derived<Row>(file: usize, line: u64, row: Row) -> Prepared<Row> {
    Prepared { file, line, key: None, after: None, row: Ok(row), notes: Vec::new(), hints: Hints::default() }
}

pub(super) fn progress_bar(rows: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left");
    ProgressBar::new(rows as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
