//! The run: files in, batches out, a report at the end.
//!
//! Each batch is one transaction. A crash leaves whole batches, and running again finishes, since rows that are in
//! already are found UNCHANGED.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    io::{IsTerminal, Write as _},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Arguments, OwnBy,
    batch::{Pass, Taken},
    calendar,
    dry::CreatedKeys,
    map::{self, Mapping},
    nearby::{KnownAccount, Nearby},
    people::People,
    presets::{Field, Kind},
    read::{self, Record, Refusal},
    records::{Hints, Run},
    relations::read_relations,
    report::{Counts, Report, format_errors, result_path},
    revenue::WonBooking,
    rows::{self, Prepared, ReadContext, external_id_text, folded},
    source::Source,
    stream::ImportContext,
    suggest,
    target::{
        AccountRefInput, AccountRowInput, ImportTarget, MaybeUndefined, OpportunityRowInput, TargetError, UpsertStatus,
    },
    undo,
    won::Wins,
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
    let reading = read::Reading { encoding: arguments.encoding, delimiter: arguments.delimiter };
    let Some(path) = arguments.files.first() else { return EXIT_COULD_NOT };
    match read::read_some(path, reading, suggest::LOOKED_AT) {
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

/// Reads all files before it writes anything, so that a file that cannot be read stops the run with nothing done.
///
/// # Errors
/// [`Stop`]; what was done until then is in the report.
pub async fn import(arguments: &Arguments, target: &ImportTarget, report: &mut Report) -> Result<(), Stop> {
    check(arguments)?;
    if let Some(texts) = calendar::calendars(arguments)? {
        return calendar::import(arguments, texts, target, report).await;
    }
    let mapping = map::mapping(&arguments.from, arguments.map.as_deref(), arguments.kind())?;
    let mut sources = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        let mut source = Source::survey(path, &mapping, arguments)?;
        let kept = if arguments.keep_rest { source.binding.keep_rest() } else { Vec::new() };
        remark(report, &source, &kept);
        sources.push(source);
    }
    let mut people = People::new(&target.people().await?, arguments.email_domain.as_deref());
    if let Some(path) = &arguments.owners {
        people.explain_ids(path, read::Reading::default(), |id| external_id_text(&mapping, id))?;
    }
    let id_text = |id: &str| external_id_text(&mapping, id);
    let relations = arguments.relations.as_deref().map(|path| read_relations(path, read::Reading::default(), id_text));
    let relations = relations.transpose()?.unwrap_or_default();
    let mut in_files: HashMap<String, Vec<AccountRefInput>> = HashMap::new();
    for (name, references) in sources.iter_mut().flat_map(|source| std::mem::take(&mut source.names)) {
        let known = in_files.entry(name).or_default();
        known.extend(references.into_iter().filter(|reference| !known.contains(reference)).collect::<Vec<_>>());
    }
    let run = start(arguments, target, &mapping.source, report).await?;
    let (mut pretended, mut default_account) = (None, None);
    if let Some(name) = &arguments.default_account {
        let (reference, is_there) = default_of(target, &mapping, name, arguments.dry_run, report).await?;
        pretended = (!is_there).then(|| reference.clone());
        default_account = Some(reference);
    }
    let links = [Field::ParentId, Field::ParentName, Field::ReportsTo, Field::Manager];
    let has_links = sources.iter().any(|source| links.iter().any(|field| source.binding.has(*field)));
    let pass = Pass {
        report,
        progress: progress_bar(sources.iter().map(|source| source.count).sum()),
        dry_run: arguments.dry_run,
        made: CreatedKeys::default(),
        has_links: has_links || arguments.book_won,
        pretended,
        target,
        run,
        source: mapping.source.clone(),
        sent: 0,
    };
    let unknown_owners = RefCell::new(BTreeMap::new());
    if arguments.kind() == Kind::Users {
        return import_users(arguments, &mapping, people, &mut sources, pass).await;
    }
    let reading = ImportContext {
        kind: arguments.kind(),
        mapping: &mapping,
        settings: &target.settings,
        people: &people,
        in_files,
        relations,
        default_account,
        rates: arguments.rates(),
        unknown_owners,
    };
    import_rows(arguments, &reading, &mut sources, pass).await?;
    remark_owners(report, &reading.unknown_owners.borrow());
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

async fn import_rows(
    arguments: &Arguments,
    reading: &ImportContext<'_>,
    sources: &mut [Source],
    mut pass: Pass<'_>,
) -> Result<(), Stop> {
    let pass = &mut pass;
    match reading.kind {
        Kind::Users => {}
        Kind::Accounts => reading.import(sources, pass, rows::account, async |_, _| Ok(())).await?,
        Kind::Contacts => reading.import(sources, pass, rows::contact, async |_, _| Ok(())).await?,
        Kind::Bookings => reading.import(sources, pass, rows::booking, async |_, _| Ok(())).await?,
        Kind::Touches => reading.import(sources, pass, rows::touch, async |_, _| Ok(())).await?,
        Kind::Opportunities => {
            let mut after = AfterOpportunities {
                books: arguments.book_won,
                owns: arguments.own_by == Some(OwnBy::Won),
                ..AfterOpportunities::default()
            };
            let then =
                async |pass: &mut Pass<'_>, taken: Vec<Taken<OpportunityRowInput>>| after.note(pass, &taken).await;
            reading.import(sources, pass, rows::opportunity, then).await?;
            after.end(pass).await?;
        }
    }
    pass.finish().await;
    Ok(())
}

/// Imports users, of whom there are never many: the name of a manager may stand on any line.
async fn import_users(
    arguments: &Arguments,
    mapping: &Mapping,
    mut people: People,
    sources: &mut [Source],
    mut pass: Pass<'_>,
) -> Result<(), Stop> {
    let mut files: Vec<Vec<Record>> = Vec::with_capacity(sources.len());
    for source in &mut *sources {
        files.push(source.rows()?.map(|row| row.map(|(record, _)| record)).collect::<Result<_, _>>()?);
    }
    for (source, records) in sources.iter().zip(&files) {
        rows::users::meet(&mut people, &source.binding, records);
    }
    let context = ReadContext {
        kind: arguments.kind(),
        mapping,
        settings: &pass.target.settings,
        people: &people,
        in_files: &HashMap::new(),
        nearby: &Nearby::default(),
        relations: &HashMap::new(),
        default_account: None,
        rates: &BTreeMap::new(),
        unknown_owners: &RefCell::new(BTreeMap::new()),
        is_first: true,
    };
    let mut users = Vec::new();
    for (file, (source, records)) in sources.iter().zip(&files).enumerate() {
        users.extend(rows::users::users(&context, &source.binding, file, records));
    }
    pass.write_all(users).await?;
    pass.finish().await;
    Ok(())
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

fn remark(report: &mut Report, Source { name, binding, guessed, .. }: &Source, kept: &[String]) {
    if let Some(encoding) = guessed {
        report.remarks.push(format!("{name}: read as {encoding}; --encoding says otherwise"));
    }
    if !binding.ignored.is_empty() {
        report.remarks.push(format!("{name}: columns left aside: {}", binding.ignored.join(", ")));
    }
    if !kept.is_empty() {
        report.remarks.push(format!("{name}: columns kept as custom fields: {}", kept.join(", ")));
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

/// The account for rows that name none, and whether it is there. It is made if need be, but not in a dry run.
pub(super) async fn default_of(
    target: &ImportTarget,
    mapping: &Mapping,
    name: &str,
    dry_run: bool,
    report: &mut Report,
) -> Result<(AccountRefInput, bool), Stop> {
    let names = HashMap::from([(folded(name), name.trim().to_owned())]);
    let found: Vec<KnownAccount> = target.accounts_named(&names).await?.into_values().flatten().collect();
    match found.as_slice() {
        [] => {}
        [one] => return Ok((one.reference.clone(), true)),
        several => {
            let message =
                format!("--default-account: {} accounts are called “{name}”; name another one", several.len());
            return Err(Refusal(message).into());
        }
    }
    let id = rows::external(mapping, name);
    let row = AccountRowInput {
        external_id: MaybeUndefined::Value(id.clone()),
        name: MaybeUndefined::Value(name.to_owned()),
        ..AccountRowInput::default()
    };
    let made = target.make_account(row, dry_run).await?;
    if made.status == UpsertStatus::Failed {
        let reasons = format_errors(&made.errors, &[]);
        return Err(Refusal(format!("--default-account: “{name}” cannot be made: {reasons}")).into());
    }
    report
        .remarks
        .push(format!("The account “{name}” was not there and {} made.", if dry_run { "would be" } else { "was" }));
    Ok((AccountRefInput::ExternalId(id), !dry_run))
}

/// Bookings of what was won, and owners.
#[derive(Default)]
struct AfterOpportunities {
    books: bool,
    owns: bool,
    booked: Counts,
    worthless: usize,
    elsewhere: usize,
    wins: Wins,
}

impl AfterOpportunities {
    async fn note(&mut self, pass: &mut Pass<'_>, taken: &[Taken<OpportunityRowInput>]) -> Result<(), TargetError> {
        if self.owns {
            for (_, _, row) in taken {
                self.wins.add(row);
            }
        }
        if !self.books {
            return Ok(());
        }
        let of_file: Vec<&OpportunityRowInput> = taken.iter().map(|(_, _, row)| row).collect();
        let mut rows = Vec::new();
        for ((file, line, _), booked) in taken.iter().zip(pass.target.won(&of_file, pass.dry_run).await?) {
            match booked {
                Some(WonBooking::Row(row)) => rows.push(derived(*file, *line, *row)),
                Some(WonBooking::Worthless) => self.worthless += 1,
                Some(WonBooking::Elsewhere(_)) => self.elsewhere += 1,
                None => {}
            }
        }
        self.booked.add_all(pass.write_derived(rows, "its booking").await?);
        // Only these bookings belong to opportunities that a dry run would have created.
        pass.made.clear();
        Ok(())
    }

    async fn end(self, pass: &mut Pass<'_>) -> Result<(), TargetError> {
        let Self { books, owns, booked, worthless, elsewhere, wins } = self;
        if worthless > 0 {
            pass.report.remarks.push(format!("{worthless} won opportunities have no amount and got no booking."));
        }
        if elsewhere > 0 {
            let remark = "won opportunities got no booking: they were booked here already, or are not won here.";
            pass.report.remarks.push(format!("{elsewhere} {remark}"));
        }
        pass.report.bookings = books.then_some(booked);
        if owns {
            let (owners, unnamed) = wins.owners();
            if unnamed > 0 {
                pass.report
                    .remarks
                    .push(format!("{unnamed} accounts have neither an external id nor a domain and kept their owner."));
            }
            let rows: Vec<Prepared<AccountRowInput>> = owners.into_iter().map(|row| derived(0, 0, row)).collect();
            pass.report.owners = Some(pass.write_derived(rows, "the owner of its account").await?);
        }
        Ok(())
    }
}

fn derived<Row>(file: usize, line: u64, row: Row) -> Prepared<Row> {
    Prepared { file, line, key: None, row: Ok(row), notes: Vec::new(), hints: Hints::default() }
}

pub(super) fn progress_bar(rows: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left");
    ProgressBar::new(rows as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
