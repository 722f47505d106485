//! What a database does for a statement: which tables it reads from end to end, what it sorts, how much it reads.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::Value;

/// The plan of one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tables that are read from end to end, by their names (PostgreSQL) or aliases (SQLite).
    pub full_scans: Vec<String>,
    /// What is sorted. PostgreSQL also tells how many rows, [`Sort::rows`].
    pub sorts: Vec<Sort>,
    /// How many rows were read from tables and indexes, those included that a filter then threw away. PostgreSQL
    /// alone tells it.
    pub rows_read: Option<u64>,
    /// The plan in the database's own words, to show where an assertion fails.
    pub text: String,
}

/// A sort within a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what, in the database's words.
    pub by: String,
    /// How many rows went into it; not known on SQLite.
    pub rows: Option<u64>,
}

/// Plans the statement, with its values; on PostgreSQL also runs it, as the numbers come from the run. Statistics must be
/// there: run ANALYZE after filling tables.
///
/// # Panics
/// Where the database refuses.
pub async fn explain(connection: &DatabaseConnection, statement: &Statement) -> Plan {
    let prefix = match connection.get_database_backend() {
        DbBackend::Postgres => "EXPLAIN (ANALYZE, FORMAT JSON)",
        _ => "EXPLAIN QUERY PLAN",
    };
    let question = Statement { sql: format!("{prefix} {}", statement.sql), ..statement.clone() };
    let rows = connection.query_all_raw(question).await.unwrap_or_else(|error| panic!("{}: {error}", statement.sql));
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
    // PostgreSQL tells rows per loop.
    let rows = |name: &str| whole(&node[name]) * whole(&node["Actual Loops"]);
    if kind.ends_with("Scan") && kind != "Subquery Scan" && kind != "CTE Scan" {
        let read = rows("Actual Rows") + rows("Rows Removed by Filter") + rows("Rows Removed by Index Recheck");
        // What a bitmap's index scan finds is counted once, where its rows are read.
        if kind != "Bitmap Index Scan" {
            plan.rows_read = plan.rows_read.map(|sum| sum + read);
        }
    }
    // An index read without a condition is read from end to end too, unless a limit ends it early; then `rows_read` is
    // small, and it is that which a test looks at.
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

/// A count, which newer versions of PostgreSQL write with decimals.
fn whole(number: &Value) -> u64 {
    number.to_string().split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn of_sqlite(lines: &[String]) -> Plan {
    let mut plan = Plan { text: lines.join("\n"), ..Plan::default() };
    for line in lines {
        if let Some(scan) = line.strip_prefix("SCAN ") {
            // With an index, rows come in its order and a limit ends the reading; without, all are read.
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
    fn postgres_rows_are_counted_with_those_thrown_away() {
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
