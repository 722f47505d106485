//! The run: files in, batches out, a report at the end.
//!
//! Each batch is one transaction. A crash leaves whole batches, and running again finishes, since rows that are in
//! already are found UNCHANGED.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    io::IsTerminal,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Arguments, OwnBy,
    bind::{self, Binding},
    dry::Linked,
    map::{self, Mapping},
    order,
    people::People,
    presets::{Field, Kind},
    read::{self, Reading, Record, Refusal, Table},
    relations::read_relations,
    report::{Counts, Line, Report, result_path, told},
    rows::{self, AccountNames, Lights, Prepared, external_id_text, folded},
    stand_in::{
        AccountRef, AccountRow, MaybeUndefined, OpportunityRow, Sink, SinkError, Stage, Upsert,
        UpsertResult, UpsertStatus,
    },
    won,
};

/// Rows of a batch.
pub const BATCH: usize = 500;
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
    println!("{}", report.summary(arguments.kind, arguments.dry_run));
    match &written {
        Ok(()) => println!("What became of each line: {}", path.display()),
        Err(refusal) => eprintln!("{refusal}"),
    }
    if let Some(stop) = stopped {
        eprintln!("{stop}");
        return EXIT_COULD_NOT;
    }
    if report.failed() || written.is_err() {
        EXIT_SOME_FAILED
    } else {
        EXIT_DONE
    }
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Nothing was written: the files or the arguments are not right.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The batches before are in.
    #[error("stopped: {0}. What the result file does not call FAILED is in; run again to finish.")]
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
    let mapping = map::mapping(&arguments.from, arguments.map.as_deref(), arguments.kind)?;
    let reading = Reading {
        encoding: arguments.encoding,
        delimiter: arguments.delimiter,
    };
    let mut sources = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        let table = read::read(path, reading)?;
        let binding = bind::bind(&table, &mapping, arguments.kind, arguments.date_order)?;
        remark(report, &table, &binding);
        sources.push(Source { table, binding });
    }
    let id_text = |id: &str| external_id_text(&mapping, id);
    let users = (sink.people)().await?;
    let mut people = People::new(&users, arguments.email_domain.as_deref());
    if let Some(path) = &arguments.owners {
        people.explain_ids(path, Reading::default(), id_text)?;
    }
    let relations = arguments
        .relations
        .as_deref()
        .map(|path| read_relations(path, Reading::default(), id_text));
    let relations = relations.transpose()?.unwrap_or_default();
    if arguments.kind == Kind::Users {
        for source in &sources {
            rows::users::meet(&mut people, &source.binding, &source.table);
        }
    }
    let mut accounts = AccountNames::default();
    accounts.known = known_accounts(sink, &mapping, &sources, arguments.kind).await?;
    let mut pretended = None;
    let mut default_account = None;
    if let Some(name) = &arguments.default_account {
        let (reference, is_there) =
            default_of(sink, &mapping, name, arguments.dry_run, report).await?;
        pretended = (!is_there).then(|| reference.clone());
        default_account = Some(reference);
    }
    let mut lights = Lights {
        kind: arguments.kind,
        mapping: &mapping,
        ground: &sink.ground,
        people: &people,
        accounts: &AccountNames::default(),
        relations: &relations,
        default_account,
        decimal_comma: arguments.decimal_comma,
        unknown_owners: RefCell::new(BTreeMap::new()),
    };
    if arguments.kind == Kind::Accounts {
        accounts.in_file = names_in_files(&lights, &sources);
    }
    lights.accounts = &accounts;
    let progress = progress_bar(
        sources
            .iter()
            .map(|source| source.table.records.len())
            .sum(),
    );
    let mut pass = Pass {
        report,
        progress,
        dry_run: arguments.dry_run,
        made: HashSet::new(),
        pretended,
    };
    match arguments.kind {
        Kind::Users => {
            let each = |(file, source): (usize, &Source)| {
                rows::users::users(&lights, &source.binding, file, &source.table)
            };
            pass.write(
                &sink.users,
                sources.iter().enumerate().flat_map(each).collect(),
            )
            .await?;
        }
        Kind::Accounts => {
            pass.write(
                &sink.accounts,
                each(&sources, |file, binding, record| {
                    rows::account(&lights, binding, file, record)
                }),
            )
            .await?;
        }
        Kind::Contacts => {
            pass.write(
                &sink.contacts,
                each(&sources, |file, binding, record| {
                    rows::contact(&lights, binding, file, record)
                }),
            )
            .await?;
        }
        Kind::Opportunities => {
            let rows = each(&sources, |file, binding, record| {
                rows::opportunity(&lights, binding, file, record)
            });
            let taken = pass.write(&sink.opportunities, rows).await?;
            after_opportunities(arguments, sink, &mut pass, &taken).await?;
        }
        Kind::Bookings => {
            pass.write(
                &sink.bookings,
                each(&sources, |file, binding, record| {
                    rows::booking(&lights, binding, file, record)
                }),
            )
            .await?;
        }
        Kind::Touches => {
            pass.write(
                &sink.touches,
                each(&sources, |file, binding, record| {
                    rows::touch(&lights, binding, file, record)
                }),
            )
            .await?;
        }
    }
    pass.progress.finish_and_clear();
    remark_owners(report, &lights.unknown_owners.borrow());
    Ok(())
}

fn check(arguments: &Arguments) -> Result<(), Refusal> {
    let only = |given: bool, flag: &str, kind: Kind| {
        if given && arguments.kind != kind {
            return Err(Refusal(format!(
                "{flag} goes with --as {} only",
                kind.word()
            )));
        }
        Ok(())
    };
    only(arguments.book_won, "--book-won", Kind::Opportunities)?;
    only(arguments.own_by.is_some(), "--own-by", Kind::Opportunities)?;
    only(arguments.relations.is_some(), "--relations", Kind::Contacts)?;
    if arguments.default_account.is_some() && matches!(arguments.kind, Kind::Users | Kind::Accounts)
    {
        return Err(Refusal(format!(
            "--default-account does not go with --as {}",
            arguments.kind.word()
        )));
    }
    Ok(())
}

fn each<Row>(
    sources: &[Source],
    read: impl Fn(usize, &Binding, &Record) -> Prepared<Row>,
) -> Vec<Prepared<Row>> {
    let mut rows = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        rows.extend(
            source
                .table
                .records
                .iter()
                .map(|record| read(file, &source.binding, record)),
        );
    }
    rows
}

fn remark(report: &mut Report, table: &Table, binding: &Binding) {
    if let Some(encoding) = table.guessed {
        report.remarks.push(format!(
            "{}: read as {encoding}; --encoding says otherwise",
            table.file
        ));
    }
    let ignored = &binding.ignored;
    if !ignored.is_empty() {
        let more = if ignored.len() > 8 {
            format!(" and {} more", ignored.len() - 8)
        } else {
            String::new()
        };
        let first: Vec<&str> = ignored.iter().take(8).map(String::as_str).collect();
        report.remarks.push(format!(
            "{}: columns left aside: {}{more}",
            table.file,
            first.join(", ")
        ));
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
            let by_id = cell(Field::AccountId)
                .or(cell(Field::AccountDomain))
                .or(cell(Field::ParentId))
                .is_some();
            if let Some(name) = cell(Field::AccountName)
                .or(cell(Field::ParentName))
                .filter(|_| !by_id)
            {
                names.entry(folded(name)).or_insert_with(|| name.to_owned());
            }
        }
    }
    let mut known: HashMap<String, Vec<AccountRef>> = HashMap::new();
    let names: Vec<String> = names.into_values().collect();
    for some in names.chunks(BATCH) {
        for account in (sink.accounts_named)(some.to_vec()).await? {
            known
                .entry(folded(&account.name))
                .or_default()
                .push(account.reference);
        }
    }
    Ok(known)
}

fn names_in_files(lights: &Lights, sources: &[Source]) -> HashMap<String, Vec<AccountRef>> {
    let mut names: HashMap<String, Vec<AccountRef>> = HashMap::new();
    for Source { table, binding } in sources {
        for record in &table.records {
            let name = binding
                .cell(record, Field::Name)
                .map(|(_, name)| folded(name));
            if let (Some(name), Some(id)) = (name, rows::external_of(lights, binding, record)) {
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
async fn default_of(
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
        external_id: Some(id.clone()),
        name: MaybeUndefined::Value(name.to_owned()),
        ..AccountRow::default()
    };
    let made = (sink.accounts)(vec![row], dry_run).await?;
    if let Some(failed) = made
        .iter()
        .find(|result| result.status == UpsertStatus::Failed)
    {
        return Err(Refusal(format!(
            "--default-account: “{name}” cannot be made: {}",
            told(&failed.errors, &[])
        ))
        .into());
    }
    report.remarks.push(format!(
        "The account “{name}” was not there and {} made.",
        if dry_run { "would be" } else { "was" }
    ));
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
        let book = |(file, line, row): &(usize, u64, OpportunityRow)| {
            Some(derived(*file, *line, rows::of_won(row)?))
        };
        let worthless = taken.iter().filter(|(_, _, row)| {
            row.stage == MaybeUndefined::Value(Stage::Won) && rows::of_won(row).is_none()
        });
        let worthless = worthless.count();
        if worthless > 0 {
            pass.report.remarks.push(format!(
                "{worthless} won opportunities have no amount and got no booking."
            ));
        }
        let counts = pass
            .write_derived(
                &sink.bookings,
                taken.iter().filter_map(book).collect(),
                "its booking",
            )
            .await?;
        pass.report.bookings = Some(counts);
    }
    if arguments.own_by == Some(OwnBy::Won) {
        let (owners, unnamed) = won::owners(taken.iter().map(|(_, _, row)| row));
        if unnamed > 0 {
            pass.report.remarks.push(format!(
                "{unnamed} accounts have neither an external id nor a domain and kept their owner."
            ));
        }
        let rows = owners.into_iter().map(|row| derived(0, 0, row)).collect();
        let counts = pass
            .write_derived(&sink.accounts, rows, "the owner of its account")
            .await?;
        pass.report.owners = Some(counts);
    }
    Ok(())
}

fn derived<Row>(file: usize, line: u64, row: Row) -> Prepared<Row> {
    Prepared {
        file,
        line,
        key: None,
        after: None,
        row: Ok(row),
        notes: Vec::new(),
    }
}

fn progress_bar(rows: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{wide_bar} {human_pos}/{human_len} rows, {per_sec}, {eta} left",
    );
    ProgressBar::new(rows as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// One pass over rows.
struct Pass<'a> {
    report: &'a mut Report,
    progress: ProgressBar,
    dry_run: bool,
    /// What a dry run would have made so far.
    made: HashSet<String>,
    /// An account that only a real run makes: what hangs on it is not shown to the rules.
    pretended: Option<AccountRef>,
}

/// What became of a row, with the row itself unless it failed.
type Written<Row> = (Line, Option<Row>);

impl Pass<'_> {
    /// Writes the rows of the files and answers those that did not fail, with file and line.
    async fn write<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        mut rows: Vec<Prepared<Row>>,
    ) -> Result<Vec<(usize, u64, Row)>, SinkError> {
        order::refuse_twins(&mut rows);
        let mut taken = Vec::new();
        for layer in order::layers(rows) {
            let mut failure = None;
            let written = self.layer(upsert, layer, &mut failure).await;
            for (line, row) in written {
                self.report.rows.add(line.status);
                if let Some(row) = row {
                    taken.push((line.file, line.line, row));
                }
                self.report.lines.push(line);
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(taken)
    }

    /// Writes rows that follow from others: counted by themselves, told only where they fail.
    async fn write_derived<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        rows: Vec<Prepared<Row>>,
        what: &str,
    ) -> Result<Counts, SinkError> {
        self.progress.inc_length(rows.len() as u64);
        let mut counts = Counts::default();
        let mut failure = None;
        for (mut line, _) in self.layer(upsert, rows, &mut failure).await {
            counts.add(line.status);
            if line.status == UpsertStatus::Failed {
                line.wrong = format!("{what}: {}", line.wrong);
                self.report.lines.push(line);
            }
        }
        failure.map_or(Ok(counts), Err)
    }

    /// Writes rows none of which needs another one, batch by batch. What was written before a failure is answered too.
    async fn layer<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        rows: Vec<Prepared<Row>>,
        failure: &mut Option<SinkError>,
    ) -> Vec<Written<Row>> {
        let mut written = Vec::with_capacity(rows.len());
        let mut batch: Vec<(Prepared<()>, Row)> = Vec::with_capacity(BATCH);
        let mut keys: HashSet<String> = HashSet::new();
        for Prepared {
            file,
            line,
            key,
            after,
            row,
            notes,
        } in rows
        {
            let row = match row {
                Ok(row) => row,
                Err(errors) => {
                    self.progress.inc(1);
                    let wrong = told(&errors, &notes);
                    written.push((
                        Line {
                            file,
                            line,
                            status: UpsertStatus::Failed,
                            id: None,
                            wrong,
                        },
                        None,
                    ));
                    continue;
                }
            };
            let repeated = key.as_ref().is_some_and(|key| keys.contains(key));
            if batch.len() == BATCH || repeated {
                if let Err(error) = self.send(upsert, &mut batch, &mut written).await {
                    *failure = Some(error);
                    return written;
                }
                keys.clear();
            }
            keys.extend(key.clone());
            batch.push((
                Prepared {
                    file,
                    line,
                    key,
                    after,
                    row: Ok(()),
                    notes,
                },
                row,
            ));
        }
        if let Err(error) = self.send(upsert, &mut batch, &mut written).await {
            *failure = Some(error);
        }
        written
    }

    async fn send<Row: Linked + Clone>(
        &mut self,
        upsert: &Upsert<Row>,
        batch: &mut Vec<(Prepared<()>, Row)>,
        written: &mut Vec<Written<Row>>,
    ) -> Result<(), SinkError> {
        if batch.is_empty() {
            return Ok(());
        }
        let pretended = self.pretended.clone();
        let hangs_on_air = |row: &Row| pretended.is_some() && row.account() == pretended.as_ref();
        let mut shown: Vec<Row> = Vec::with_capacity(batch.len());
        for (_, row) in batch.iter().filter(|(_, row)| !hangs_on_air(row)) {
            let mut row = row.clone();
            if self.dry_run {
                row.unlink(&self.made);
            }
            shown.push(row);
        }
        let expected = shown.len();
        let results = if shown.is_empty() {
            Vec::new()
        } else {
            upsert(shown, self.dry_run).await?
        };
        if results.len() != expected {
            return Err(format!("{} results for {expected} rows", results.len()).into());
        }
        let mut by_index: HashMap<usize, UpsertResult> = results
            .into_iter()
            .map(|result| (result.index, result))
            .collect();
        self.progress.inc(batch.len() as u64);
        let mut index = 0;
        for (meta, row) in batch.drain(..) {
            let result = if hangs_on_air(&row) {
                UpsertResult {
                    index,
                    status: UpsertStatus::Created,
                    id: None,
                    errors: Vec::new(),
                }
            } else {
                index += 1;
                by_index
                    .remove(&(index - 1))
                    .ok_or("a row without a result")?
            };
            if self.dry_run && result.status == UpsertStatus::Created {
                self.made.extend(row.called().map(str::to_owned));
            }
            let line = Line {
                file: meta.file,
                line: meta.line,
                status: result.status,
                id: result.id,
                wrong: told(&result.errors, &meta.notes),
            };
            let kept = (result.status != UpsertStatus::Failed).then_some(row);
            written.push((line, kept));
        }
        Ok(())
    }
}
