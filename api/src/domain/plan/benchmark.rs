//! Benchmarks: measures of a plan's success, entered by users or computed from the account's figures.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use entity::plan_benchmark::BenchmarkSource as Source;
use entity::{
    AccountId, BenchmarkId, Day, Id, Instant, PlanId, Scoped, contact, opportunity, plan, plan_benchmark,
    plan_measurement,
};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};

use super::Plan;
use super::change::{Change, MOST, days, not_to_come};
use super::measure::{MILLION, Way, decimal, millionths};
use super::part::{items, parts_of};
use crate::context::{RequestContext, Viewer};
use crate::domain::goal::progress::Booked;
use crate::domain::goal::sums_by_day;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal};
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, node_input, object, payload};
use crate::write::validator::{NAME, NOTE, Validator};

/// The source of a benchmark's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan_benchmark::BenchmarkSource")]
pub enum BenchmarkSource {
    /// Entered by users.
    Manual,
    /// The amount booked at the account from the plan's first day until today, or until its last day if that is
    /// earlier, in the organization's currency.
    Booked,
    /// The sum of the amounts of the account's open opportunities, in the organization's currency.
    OpenPipeline,
    /// The number of the account's contacts at relationship KNOWN or better, excluding archived ones.
    ContactsKnown,
}
graphql_enum! { Source as BenchmarkSource }

/// The value of a benchmark on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The day of the measurement.
    pub measured_on: Day,
    /// The value in millionths.
    pub value: i128,
    note: Option<String>,
}

object! {
    /// The value of a benchmark on a day.
    Measurement as "Measurement" {
        /// The day of the measurement.
        measuredOn: Day = plain(|measurement| measurement.measured_on);
        /// The value, in the benchmark's unit.
        value: Decimal = plain(|measurement| Decimal(decimal(measurement.value)));
        /// A note on the measurement; null if there is none.
        note: Option<&str> = plain(|measurement| measurement.note.as_deref());
    }
}

/// A benchmark with its measurements.
#[derive(Clone, Debug)]
pub struct Benchmark {
    /// The benchmark.
    pub row: plan_benchmark::Model,
    from: Day,
    /// The measurements, earliest first.
    pub measurements: Vec<Measurement>,
}

object! {
    /// A measure of a plan's success, with a baseline and a target.
    Benchmark as "Benchmark" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<BenchmarkId> = plain(|benchmark| NodeId(benchmark.row.id));
        /// The quantity that is measured.
        name: &str = plain(|benchmark| &benchmark.row.name);
        /// The source of its values.
        source: Source = plain(|benchmark| benchmark.row.source);
        /// The unit of its values; null if not set.
        unit: Option<&str> = plain(|benchmark| benchmark.row.unit.as_deref());
        /// The value on the plan's first day.
        baseline: Decimal = plain(|benchmark| Decimal(decimal(benchmark.row.baseline.into())));
        /// The value to reach by the due day.
        target: Decimal = plain(|benchmark| Decimal(decimal(benchmark.row.target.into())));
        /// The day by which the target is to be reached.
        dueOn: Day = plain(|benchmark| benchmark.row.due_on);
        /// The measurements, earliest first; at most 500. A benchmark computed from the account's figures has only
        /// today's value.
        measurements: Vec<Measurement> = plain(|benchmark| benchmark.measurements.clone());
        /// The latest measurement; null if there is none.
        latest: Option<Measurement> = plain(|benchmark| benchmark.measurements.last().cloned());
        /// The progress from baseline to target: (latest − baseline) ÷ (target − baseline). Can exceed 1 and be
        /// negative. Null if there is no measurement.
        attainment: Option<f64> = plain(|benchmark| benchmark.attainment());
        /// Whether the latest measurement has reached the straight line from the baseline on the plan's first day to
        /// the target on the due day, at the day of the measurement. Null if there is no measurement.
        onTrack: Option<bool> = plain(|benchmark| benchmark.on_track());
    }
}

impl Benchmark {
    fn way(&self) -> Way {
        let (baseline, target) = (self.row.baseline.into(), self.row.target.into());
        Way { baseline, target, from: self.from, due: self.row.due_on }
    }

    /// Returns the progress of the latest measurement from baseline to target.
    #[must_use]
    pub fn attainment(&self) -> Option<f64> {
        self.way().attainment(self.measurements.last()?.value)
    }

    /// Whether the latest measurement has reached the straight line from baseline to target.
    #[must_use]
    pub fn on_track(&self) -> Option<bool> {
        let latest = self.measurements.last()?;
        Some(self.way().on_track(latest.value, latest.measured_on))
    }

    /// Loads benchmarks by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = BenchmarkId>,
    ) -> Result<HashMap<BenchmarkId, Self>> {
        let rows: Vec<_> = items::<plan_benchmark::Model>(ctx, ids).await?.into_values().collect();
        let plans = Plan::fetch(ctx, rows.iter().map(|row| row.plan_id)).await?;
        let plans: Vec<&plan::Model> = plans.values().map(|plan| &plan.0).collect();
        let all = Self::measured(ctx.reader(), ctx.viewer()?, ctx.now, &plans, rows).await?;
        Ok(all.into_iter().map(|benchmark| (benchmark.row.id, benchmark)).collect())
    }

    /// Loads the benchmarks of plans, ordered by id, in a fixed number of statements.
    pub async fn of_plans<C: ConnectionTrait>(
        connection: &C,
        viewer: &Viewer,
        now: Instant,
        plans: &[&plan::Model],
    ) -> Result<HashMap<PlanId, Vec<Self>>> {
        let ids: Vec<PlanId> = plans.iter().map(|plan| plan.id).collect();
        let rows = parts_of::<plan_benchmark::Model, _>(connection, viewer.organization.id, &ids).await?;
        let mut rows: Vec<_> = rows.into_values().flatten().collect();
        rows.sort_by_key(|row| row.id);
        let mut found: HashMap<PlanId, Vec<Self>> = HashMap::new();
        for benchmark in Self::measured(connection, viewer, now, plans, rows).await? {
            found.entry(benchmark.row.plan_id).or_default().push(benchmark);
        }
        Ok(found)
    }

    /// Returns a benchmark of the plan that is being changed, with its measurements.
    async fn of_change(ctx: &RequestContext, change: &Change<'_>, row: plan_benchmark::Model) -> Result<Option<Self>> {
        let plans = [&change.plan];
        Ok(Self::measured(&change.write.tx, change.viewer, ctx.now, &plans, vec![row]).await?.pop())
    }

    /// Adds the measurements: those that users entered, or today's figure of the account.
    async fn measured<C: ConnectionTrait>(
        connection: &C,
        viewer: &Viewer,
        now: Instant,
        plans: &[&plan::Model],
        rows: Vec<plan_benchmark::Model>,
    ) -> Result<Vec<Self>> {
        let manual = rows.iter().filter(|row| row.source == Source::Manual).map(|row| row.id).collect();
        let mut entered = entered(connection, viewer, manual).await?;
        let figures = Figures::of(connection, viewer, now, plans, &rows).await?;
        let plans: HashMap<PlanId, &plan::Model> = plans.iter().map(|plan| (plan.id, *plan)).collect();
        let with_measurements = |row: plan_benchmark::Model| {
            let plan = plans.get(&row.plan_id)?;
            let measurements = match figures.today(viewer, plan, row.source) {
                Some(today) => vec![today],
                None => entered.remove(&row.id).unwrap_or_default(),
            };
            Some(Self { from: plan.starts_on, row, measurements })
        };
        Ok(rows.into_iter().filter_map(with_measurements).collect())
    }
}

/// Loads the measurements that users entered, ordered by day.
async fn entered<C: ConnectionTrait>(
    connection: &C,
    viewer: &Viewer,
    benchmarks: Vec<BenchmarkId>,
) -> Result<HashMap<BenchmarkId, Vec<Measurement>>> {
    let mut found: HashMap<BenchmarkId, Vec<Measurement>> = HashMap::new();
    if benchmarks.is_empty() {
        return Ok(found);
    }
    let select = plan_measurement::Entity::of(viewer.organization.id).filter(is_any_of(
        connection,
        plan_measurement::Column::BenchmarkId,
        benchmarks,
    ));
    for row in select.all(connection).await? {
        let measurement = Measurement { measured_on: row.measured_on, value: row.value.into(), note: row.note };
        found.entry(row.benchmark_id).or_default().push(measurement);
    }
    for list in found.values_mut() {
        list.sort_by_key(|measurement| measurement.measured_on);
    }
    Ok(found)
}

/// The figures of accounts that benchmarks are computed from.
#[derive(Default)]
struct Figures {
    today: Day,
    booked: HashMap<AccountId, BTreeMap<Day, Booked>>,
    pipeline: HashMap<AccountId, i64>,
    known: HashMap<AccountId, i64>,
}

impl Figures {
    /// Loads the figures that the benchmarks need, in one statement per source.
    async fn of<C: ConnectionTrait>(
        connection: &C,
        viewer: &Viewer,
        now: Instant,
        plans: &[&plan::Model],
        rows: &[plan_benchmark::Model],
    ) -> Result<Self> {
        let wanted = |source: Source| -> Vec<AccountId> {
            let accounts = rows.iter().filter(|row| row.source == source).map(|row| row.account_id);
            accounts.collect::<HashSet<_>>().into_iter().collect()
        };
        let organization = viewer.organization.id;
        let mut figures = Self { today: viewer.day(now), ..Self::default() };
        let booked = wanted(Source::Booked);
        if !booked.is_empty() {
            let from = plans.iter().map(|plan| plan.starts_on).min().unwrap_or(Day::FIRST);
            figures.booked = sums_by_day(connection, organization, booked, from, figures.today).await?;
        }
        let pipeline = wanted(Source::OpenPipeline);
        if !pipeline.is_empty() {
            let closed = [opportunity::Stage::Won, opportunity::Stage::Lost];
            let query = opportunity::Entity::of(organization)
                .filter(opportunity::Column::AccountId.is_in(pipeline))
                .filter(opportunity::Column::Stage.is_not_in(closed))
                .filter(opportunity::Column::Amount.is_not_null())
                .select_only()
                .column(opportunity::Column::AccountId)
                .expr(Expr::expr(Func::sum(Expr::col(opportunity::Column::Amount))).cast_as("bigint"))
                .group_by(opportunity::Column::AccountId)
                .into_query();
            for row in connection.query_all(&query).await? {
                figures.pipeline.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            }
        }
        let known = wanted(Source::ContactsKnown);
        if !known.is_empty() {
            let query = contact::Entity::of(organization)
                .filter(contact::Column::AccountId.is_in(known))
                .filter(contact::Column::Relationship.ne(contact::RelationshipLevel::Unknown))
                .filter(contact::Column::ArchivedAt.is_null())
                .select_only()
                .column(contact::Column::AccountId)
                .expr(Expr::cust("count(*)"))
                .group_by(contact::Column::AccountId)
                .into_query();
            for row in connection.query_all(&query).await? {
                figures.known.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            }
        }
        Ok(figures)
    }

    /// Returns today's figure of the plan's account, or `None` for a manual benchmark.
    fn today(&self, viewer: &Viewer, plan: &plan::Model, source: Source) -> Option<Measurement> {
        let money = |minor: i64| i128::from(minor) * MILLION / 10_i128.pow(viewer.currency.decimals);
        let value = match source {
            Source::Manual => return None,
            Source::Booked => {
                let last = std::cmp::min(self.today, plan.ends_on);
                let sums = self.booked.get(&plan.account_id).filter(|_| plan.starts_on <= last);
                money(sums.map_or(0, |sums| sums.range(plan.starts_on..=last).map(|(_, booked)| booked.sum).sum()))
            }
            Source::OpenPipeline => money(self.pipeline.get(&plan.account_id).copied().unwrap_or_default()),
            Source::ContactsKnown => {
                i128::from(self.known.get(&plan.account_id).copied().unwrap_or_default()) * MILLION
            }
        };
        Some(Measurement { measured_on: self.today, value, note: None })
    }
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Benchmark>>> {
    let rows: Vec<&plan::Model> = of.iter().map(|plan| &plan.0).collect();
    let found = Benchmark::of_plans(field.request.reader(), field.request.viewer()?, field.request.now, &rows).await?;
    let lists: Vec<&[Benchmark]> = of.iter().map(|plan| found.get(&plan.0.id).map_or(&[][..], Vec::as_slice)).collect();
    field.object_lists(&lists).await
}

payload! {
    /// The result of a mutation of a benchmark.
    BenchmarkPayload as "BenchmarkPayload" {
        /// The benchmark after the change, or as it was before it was removed; null if there are userErrors.
        benchmark(benchmark): Benchmark,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

payload! {
    /// The result of recording a measurement.
    MeasurementPayload as "MeasurementPayload" {
        /// The measurement; null if there are userErrors.
        measurement(measurement): Measurement,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

/// A new benchmark.
#[derive(Clone, Debug, InputObject)]
pub struct AddBenchmarkInput {
    /// Id of the plan: not closed, with fewer than 500 benchmarks.
    pub plan_id: ID,
    /// The source of its values.
    #[graphql(default_with = "Some(BenchmarkSource::Manual)")]
    pub source: Option<BenchmarkSource>,
    /// The quantity that is measured: 1 to 200 characters.
    pub name: String,
    /// The unit of its values: at most 200 characters.
    pub unit: Option<String>,
    /// The value on the plan's first day: at most 18 digits, 6 of them decimals.
    pub baseline: Decimal,
    /// The value to reach by the due day, different from the baseline: at most 18 digits, 6 of them decimals.
    pub target: Decimal,
    /// The day by which the target is to be reached: after the plan's first day.
    pub due_on: Date,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// Changes to a benchmark. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateBenchmarkInput {
    /// Id of the benchmark.
    pub id: ID,
    /// The quantity that is measured: 1 to 200 characters. Cannot be cleared.
    pub name: MaybeUndefined<String>,
    /// The unit of its values: at most 200 characters.
    pub unit: MaybeUndefined<String>,
    /// The value on the plan's first day: at most 18 digits, 6 of them decimals. Cannot be cleared.
    pub baseline: MaybeUndefined<Decimal>,
    /// The value to reach by the due day, different from the baseline: at most 18 digits, 6 of them decimals. Cannot be
    /// cleared.
    pub target: MaybeUndefined<Decimal>,
    /// The day by which the target is to be reached: after the plan's first day. Cannot be cleared.
    pub due_on: MaybeUndefined<Date>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// A measurement of a benchmark. It replaces an earlier measurement of the same day; the plan's events keep the earlier
/// value.
#[derive(Clone, Debug, InputObject)]
pub struct RecordMeasurementInput {
    /// Id of the benchmark: a MANUAL one, with fewer than 500 measurements.
    pub benchmark_id: ID,
    /// The value, in the benchmark's unit: at most 18 digits, 6 of them decimals.
    pub value: Decimal,
    /// The day of the measurement: not before the plan's first day and not in the future. Defaults to today in the
    /// organization's time zone.
    pub measured_on: Option<Date>,
    /// A note on the measurement: at most 20,000 characters.
    pub note: Option<String>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A benchmark to remove from its plan.
    RemoveBenchmarkInput {
        /// The id of the benchmark.
        id,
        /// The expected version. The change fails with STALE_VERSION if the plan has another version.
        if_version
    }
}

fn value(check: &mut Validator, field: &str, given: Decimal) -> Option<i64> {
    match millionths(given.0) {
        Ok(value) => Some(value),
        Err(message) => {
            check.invalid(field, message);
            None
        }
    }
}

/// Checks that baseline and target differ and that there is time between the plan's first day and the due day.
fn check_way(check: &mut Validator, row: &plan_benchmark::Model, plan: &plan::Model) {
    if row.baseline == row.target {
        check.invalid("target", "The target must differ from the baseline.");
    }
    if row.due_on <= plan.starts_on {
        let message = format!("{} must be after the plan's first day, {}.", row.due_on, plan.starts_on);
        check.invalid("dueOn", message);
    }
}

/// Resolves `Mutation.addBenchmark`.
pub async fn add(ctx: &RequestContext, input: AddBenchmarkInput) -> Result<BenchmarkPayload> {
    let AddBenchmarkInput { plan_id, source, name, unit, baseline, target, due_on, if_version } = input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    change.parts_with_room::<plan_benchmark::Model>(&path).await?;
    let name = check.required("name", &name, NAME);
    let unit = check.optional("unit", unit.as_deref(), NAME);
    let (baseline, target) = (value(&mut check, "baseline", baseline), value(&mut check, "target", target));
    let row = plan_benchmark::Model {
        id: BenchmarkId::make(),
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        account_id: change.plan.account_id,
        name,
        source: source.unwrap_or(BenchmarkSource::Manual).into(),
        unit,
        // If one of them is invalid, the error is noted already; the placeholders only have to differ.
        baseline: baseline.unwrap_or(0),
        target: target.unwrap_or_else(|| i64::from(baseline != Some(1))),
        due_on: due_on.0,
    };
    if baseline.is_some() && target.is_some() {
        check_way(&mut check, &row, &change.plan);
    }
    check.finish()?;
    change.put(None, row.clone()).await?;
    let benchmark = Benchmark::of_change(ctx, &change, row).await?;
    Ok(BenchmarkPayload { benchmark, plan: Some(change.commit("benchmark_added").await?), ..Default::default() })
}

/// Resolves `Mutation.updateBenchmark`.
pub async fn update(ctx: &RequestContext, input: UpdateBenchmarkInput) -> Result<BenchmarkPayload> {
    let UpdateBenchmarkInput { id, name, unit, baseline, target, due_on, if_version } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, before) = Change::of_item::<plan_benchmark::Model>(ctx, &path, &id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    let mut after = before.clone();
    check.change_required("name", &name, NAME, &mut after.name);
    check.change("unit", &unit, NAME, &mut after.unit);
    for (field, given, to) in [("baseline", baseline, &mut after.baseline), ("target", target, &mut after.target)] {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => check.fault(UserErrorCode::Required, field, "This cannot be cleared."),
            MaybeUndefined::Value(given) => *to = value(&mut check, field, given).unwrap_or(*to),
        }
    }
    check.change_set("dueOn", &due_on.map_value(|day| day.0), &mut after.due_on);
    if check.is_clean() {
        check_way(&mut check, &after, &change.plan);
    }
    check.finish()?;
    change.put(Some(&before), after.clone()).await?;
    let benchmark = Benchmark::of_change(ctx, &change, after).await?;
    Ok(BenchmarkPayload { benchmark, plan: Some(change.commit("benchmark_updated").await?), ..Default::default() })
}

/// Resolves `Mutation.removeBenchmark`. Deletes its measurements too.
pub async fn remove(ctx: &RequestContext, input: RemoveBenchmarkInput) -> Result<BenchmarkPayload> {
    let path = ["input", "id"];
    let mut check = Validator::input();
    let (mut change, row) = Change::of_item::<plan_benchmark::Model>(ctx, &path, &input.id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, input.if_version);
    check.finish()?;
    let benchmark = Benchmark::of_change(ctx, &change, row.clone()).await?;
    let own = plan_measurement::Column::BenchmarkId.eq(row.id);
    change.take_some::<plan_measurement::Model>(own).await?;
    change.take(&row).await?;
    Ok(BenchmarkPayload { benchmark, plan: Some(change.commit("benchmark_removed").await?), ..Default::default() })
}

/// Resolves `Mutation.recordMeasurement`.
pub async fn record(ctx: &RequestContext, input: RecordMeasurementInput) -> Result<MeasurementPayload> {
    let RecordMeasurementInput { benchmark_id, value: given, measured_on, note, if_version } = input;
    let path = ["input", "benchmarkId"];
    let mut check = Validator::input();
    let (mut change, benchmark) = Change::of_item::<plan_benchmark::Model>(ctx, &path, &benchmark_id).await?;
    change.must_write(&path)?;
    change.must_be_at(&mut check, if_version);
    if benchmark.source != Source::Manual {
        let message = "This benchmark is computed from the account's figures: only a MANUAL one takes measurements.";
        check.invalid("benchmarkId", message);
    }
    let (today, latest) = days(ctx, change.viewer);
    let measured_on = measured_on.map_or(today, |day| day.0);
    not_to_come(&mut check, "measuredOn", measured_on, latest);
    if measured_on < change.plan.starts_on {
        let message = format!("{measured_on} must not be before the plan's first day, {}.", change.plan.starts_on);
        check.invalid("measuredOn", message);
    }
    let value = value(&mut check, "value", given);
    let note = check.optional("note", note.as_deref(), NOTE);
    check.finish()?;
    let Some(value) = value else { return check.fail() };
    let of_benchmark: Vec<plan_measurement::Model> = plan_measurement::Entity::of(change.plan.organization_id)
        .filter(plan_measurement::Column::BenchmarkId.eq(benchmark.id))
        .all(&change.write.tx)
        .await?;
    let before = of_benchmark.iter().find(|row| row.measured_on == measured_on);
    if before.is_none() && of_benchmark.len() >= MOST {
        let message = format!("A benchmark has at most {MOST} measurements.");
        return Err(Error::refused(UserErrorCode::LimitExceeded, &path, message));
    }
    let after = plan_measurement::Model {
        benchmark_id: benchmark.id,
        measured_on,
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        value,
        note,
    };
    let measurement = Measurement { measured_on, value: value.into(), note: after.note.clone() };
    change.put(before, after).await?;
    let plan = Some(change.commit("measured").await?);
    Ok(MeasurementPayload { measurement: Some(measurement), plan, ..Default::default() })
}
