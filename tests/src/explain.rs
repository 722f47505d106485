//! Query plans: which tables a statement reads completely, what it sorts, and how many rows it reads.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::Value;

/// The plan of one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tables that are read completely, by their names (PostgreSQL) or aliases (SQLite).
    pub full_scans: Vec<String>,
    /// The sorts.
    pub sorts: Vec<Sort>,
    /// The number of rows read from tables and indexes, including those that a filter then removed. None on SQLite.
    pub rows_read: Option<u64>,
    /// The plan as the database shows it, for the messages of failed assertions.
    pub text: String,
}

/// A sort within a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The sort key, as the database shows it.
    pub by: String,
    /// The number of sorted rows. None on SQLite.
    pub rows: Option<u64>,
}

/// Returns the plan of a statement with its values. On PostgreSQL the statement is executed, to count the rows. Run
/// ANALYZE after filling tables, so that the planner has statistics.
///
/// # Panics
/// If the database refuses.
pub async fn explain(connection: &DatabaseConnection, statement: &Statement) -> Plan {
    let prefix = match connection.get_database_backend() {
        DbBackend::Postgres => "EXPLAIN (ANALYZE, FORMAT JSON)",
        _ => "EXPLAIN QUERY PLAN",
    };
    let statement_of_plan = Statement { sql: format!("{prefix} {}", statement.sql), ..statement.clone() };
    let rows =
        connection.query_all_raw(statement_of_plan).await.unwrap_or_else(|error| panic!("{}: {error}", statement.sql));
    if statement.db_backend == DbBackend::Postgres {
        let plan: Value = rows[0].try_get_by_index(0).expect("a plan is one row of JSON");
        of_postgres(&plan)
    } else {
        let lines: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").expect("a step has a text")).collect();
        of_sqlite(&lines)
    }
}

fn of_postgres(explained: &Value) -> Plan {
    let mut plan = Plan { text: format!("{explained:#}"), rows_read: Some(0), ..Plan::default() };
    add_node(&explained[0]["Plan"], &mut plan);
    plan
}

/// Adds a node of PostgreSQL's plan and everything below it.
fn add_node(node: &Value, plan: &mut Plan) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let kind = text("Node Type");
    // PostgreSQL counts rows per loop.
    let rows = |name: &str| whole(&node[name]) * whole(&node["Actual Loops"]);
    if kind.ends_with("Scan") && kind != "Subquery Scan" && kind != "CTE Scan" {
        let read = rows("Actual Rows") + rows("Rows Removed by Filter") + rows("Rows Removed by Index Recheck");
        // The rows of a bitmap's index scan are counted where they are read from the table.
        if kind != "Bitmap Index Scan" {
            plan.rows_read = plan.rows_read.map(|sum| sum + read);
        }
    }
    // A scan of an index without a condition reads it completely too, unless a limit ends it. Tests detect that by
    // `rows_read`.
    if kind == "Seq Scan" || kind == "Parallel Seq Scan" {
        plan.full_scans.push(text("Relation Name").to_owned());
    }
    if kind == "Sort" || kind == "Incremental Sort" {
        let input = node["Plans"][0].clone();
        plan.sorts.push(Sort {
            by: node["Sort Key"].to_string(),
            rows: Some(whole(&input["Actual Rows"]) * whole(&input["Actual Loops"])),
        });
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        add_node(child, plan);
    }
}

/// Returns a count, which newer versions of PostgreSQL write with decimals.
fn whole(number: &Value) -> u64 {
    number.to_string().split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn of_sqlite(lines: &[String]) -> Plan {
    let mut plan = Plan { text: lines.join("\n"), ..Plan::default() };
    for line in lines {
        if let Some(scan) = line.strip_prefix("SCAN ") {
            // With an index, a limit can end the scan; without, all rows are read.
            if !scan.contains(" USING ") && !scan.starts_with("CONSTANT ROW") && !scan.starts_with('(') {
                plan.full_scans.push(scan.split(' ').next().unwrap_or_default().to_owned());
            }
        } else if let Some(by) = line.strip_prefix("USE TEMP B-TREE FOR ") {
            plan.sorts.push(Sort { by: by.to_owned(), rows: None });
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn postgres_rows_include_those_that_a_filter_removes() {
        let plan = of_postgres(&json!([{"Plan": {
            "Node Type": "Sort", "Sort Key": ["name"], "Actual Rows": 25, "Actual Loops": 1, "Plans": [{
                "Node Type": "Nested Loop", "Actual Rows": 30, "Actual Loops": 1, "Plans": [
                    {"Node Type": "Seq Scan", "Relation Name": "account", "Actual Rows": 10, "Actual Loops": 1,
                     "Rows Removed by Filter": 90},
                    {"Node Type": "Index Scan", "Relation Name": "touch", "Actual Rows": 3.00, "Actual Loops": 10}
                ]}]
        }}]));
        assert_eq!(plan.full_scans, ["account"]);
        assert_eq!(plan.sorts, [Sort { by: "[\"name\"]".to_owned(), rows: Some(30) }]);
        assert_eq!(plan.rows_read, Some(130));
    }

    #[test]
    fn sqlite_scans_without_an_index_are_full() {
        let lines = [
            "SEARCH account USING INDEX account_by_name (organization_id=?)",
            "SCAN t",
            "USE TEMP B-TREE FOR ORDER BY",
        ];
        let plan = of_sqlite(&lines.map(str::to_owned));
        assert_eq!(plan.full_scans, ["t"]);
        assert_eq!(plan.sorts, [Sort { by: "ORDER BY".to_owned(), rows: None }]);
    }
}
