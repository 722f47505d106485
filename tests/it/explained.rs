//! The query plans of lists, on 100,000 touches at 10,000 accounts, of which a seller sees fifty.

use entity::{Id, UserId};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tests::databases::Kind;
use tests::explain::explain;
use tests::{World, on_both_databases};

/// The default page size.
const PAGE: u64 = 25;

/// Fills the tables by SQL: fifty accounts for each seller, and at each account ten touches, five contacts, two
/// opportunities, a booking, a target, a goal and a plan.
pub async fn fill(connection: &DatabaseConnection, owners: &[String]) {
    let postgres = connection.get_database_backend() == DbBackend::Postgres;
    let organization = "(select id from organization)";
    let series = |to: u32| {
        if postgres {
            format!("generate_series(1, {to}) as s(i)")
        } else {
            format!(
                "(with recursive s(i) as (select 1 union all select i + 1 from s where i < {to}) select i from s) as s"
            )
        }
    };
    // Ids that ascend with the number, distinct for each kind.
    let id = |kind: u32, number: &str| {
        if postgres {
            format!("('00000000-0000-7000-8{kind:03}-' || lpad(to_hex({number}), 12, '0'))::uuid")
        } else {
            format!("unhex('00000000000070008{kind:03}' || printf('%012x', {number}))")
        }
    };
    let literal = |text: &str| {
        let uuid = UserId::parse(text).unwrap().uuid();
        if postgres { format!("'{uuid}'::uuid") } else { format!("x'{}'", uuid.simple()) }
    };
    // Every two hundredth account is the seller's: fifty in all.
    let owner = |account: &str| {
        format!("case when {account} % 200 = 0 then {} else {} end", literal(&owners[0]), literal(&owners[1]))
    };
    // The owner of an account is the user of its rows as well.
    let (owner, worker) = (owner("s.i"), owner("(1 + s.i % 10000)"));
    let scatter = "cast(s.i * 7919 % 100003 as bigint) * 1000000000";
    let (account, of_account) = (id(1, "s.i"), id(1, "1 + s.i % 10000"));
    let statements = [
        format!("insert into account select {account}, {organization}, 'n' || (s.i * 7919 % 10007), 'n' || (s.i * 7919 % 10007), null,
            'I' || (s.i % 20), 'i' || (s.i % 20), s.i % 1000, null, null, null, null, null, null, null,
            case when s.i % 3 = 0 then s.i end, null, {owner}, '[]', '{{}}', {scatter}, {scatter}, null, 1, s.i % 1000 from {}", series(10_000)),
        "insert into seat select id, owner_id, organization_id, true, null, 0 from account".to_owned(),
        format!("insert into contact select {}, {organization}, {of_account}, 'n' || (s.i * 7919 % 50021), 'n' || (s.i * 7919 % 50021), null, null,
            null, null, null, null, 'KNOWN', null, false, '[]', '{{}}', {scatter}, {scatter}, null, null, 1, null from {}", id(2, "s.i"), series(50_000)),
        format!("insert into touch select {}, {organization}, {of_account}, {worker}, 'CALL', 'COMPLETED', 'OUTBOUND', {scatter}, {scatter}, 15, {scatter},
            null, null, true, null, false, null, null, null, '[]', '[]', {scatter}, {scatter}, 1, null, 700, true, 15, {scatter}, 912 from {}", id(3, "s.i"), series(100_000)),
        format!("insert into opportunity select {}, {organization}, {of_account}, {worker}, 'n' || (s.i * 7919 % 20011), 'n' || (s.i * 7919 % 20011),
            case when s.i % 4 > 0 then s.i end, 'WON', null, s.i % 5000, case when s.i % 2 = 0 then s.i % 4000 end, case when s.i % 3 = 0 then s.i % 3000 end,
            null, '[]', '{{}}', {scatter}, {scatter}, 1, null from {}", id(4, "s.i"), series(20_000)),
        format!("insert into booking select {}, {organization}, {of_account}, s.i, s.i % 5000, null, null, {worker}, '[]', {scatter}, {scatter}, 1 from {}",
            id(5, "s.i"), series(10_000)),
        format!("insert into target select {}, {organization}, {of_account}, {worker}, 'GROWTH', 'AGREED', 'SELLER', 'r', {worker}, {scatter}, {worker},
            {scatter}, null, {scatter}, null, null, null, {scatter}, 1, s.i % 1000 from {}", id(6, "s.i"), series(10_000)),
        format!("insert into goal select {}, {organization}, {of_account}, 2017, s.i, null, {worker}, {worker}, {scatter}, '[]', null, {scatter}, {scatter}, 1
            from {}", id(7, "s.i"), series(10_000)),
        format!("insert into plan select {}, {organization}, {of_account}, {worker}, 'p', 1, 2, 'DRAFT', null, 'QUARTERLY', s.i % 5000, '[]', {scatter}, null,
            {scatter}, 1 from {}", id(8, "s.i"), series(10_000)),
        format!("insert into promise select {}, {organization}, {of_account}, null, null, 'w', s.i % 5000, 6000, null, {worker}, {scatter}, {scatter}, 1
            from {}", id(9, "s.i"), series(10_000)),
        format!("insert into trigger_event select {}, {organization}, {of_account}, 'FUNDING', s.i % 5000, null, null, null, null, null, {scatter}, {scatter}, 1
            from {}", id(10, "s.i"), series(10_000)),
        "analyze".to_owned(),
    ];
    for statement in statements {
        connection.execute_unprepared(&statement).await.unwrap();
    }
}

/// A list in an ordering, ascending and descending.
fn both_ways(list: &str, order: &str) -> [String; 2] {
    ["ASC", "DESC"].map(|direction| format!("{list}(orderBy: {{field: {order}, direction: {direction}}})"))
}

#[on_both_databases]
async fn no_list_reads_or_sorts_many_more_rows_than_it_returns(world: &World) {
    let manager = world.manager("Mia").await;
    let seller = world.seller("Ann").await;
    let other = world.seller("Bob").under(&manager).await;
    world.server().database().leave_rows_beside_the_feed();
    let connection = world.server().database().connect().await;
    fill(&connection, &[seller.id().to_owned(), other.id().to_owned()]).await;
    let account = seller.query("{ accounts(first: 1) { nodes { id } } }").await.text("accounts.nodes.0.id").to_owned();

    let mut lists = Vec::new();
    for (list, orders, filters) in [
        (
            "accounts",
            &["NAME", "POTENTIAL", "EMPLOYEES", "SCORE", "CREATED_AT", "UPDATED_AT"][..],
            vec![
                format!("ownerId: {{eq: \"{}\"}}", seller.id()),
                "name: {eq: \"n7919\"}".to_owned(),
                "industry: {eq: \"I3\"}".to_owned(),
                "score: {gte: 99}".to_owned(),
            ],
        ),
        (
            "contacts",
            &["NAME", "CREATED_AT", "UPDATED_AT"],
            vec![format!("accountId: {{eq: \"{account}\"}}"), "name: {eq: \"n7919\"}".to_owned()],
        ),
        (
            "touches",
            &["AT", "CREATED_AT", "UPDATED_AT"],
            vec![format!("accountId: {{eq: \"{account}\"}}"), format!("userId: {{eq: \"{}\"}}", seller.id())],
        ),
        (
            "opportunities",
            &["NAME", "AMOUNT", "OPENED_ON", "EXPECTED_CLOSE_ON", "CLOSED_ON", "UPDATED_AT"],
            vec![
                format!("accountId: {{eq: \"{account}\"}}"),
                format!("ownerId: {{eq: \"{}\"}}", seller.id()),
                "name: {eq: \"n7919\"}".to_owned(),
            ],
        ),
    ] {
        lists.push(list.to_owned());
        // Filtered by equality, in the first order of the list.
        for filter in &filters {
            lists.push(format!("{list}(filter: {{{filter}}}, orderBy: {{field: {}}})", orders[0]));
        }
        for order in orders {
            lists.extend(both_ways(list, order));
        }
    }
    for (list, orders) in [
        ("accounts", &["ANNUAL_REVENUE"][..]),
        ("bookings", &["BOOKED_ON", "AMOUNT", "UPDATED_AT"]),
        ("targets", &["SINCE", "PROPOSED_AT", "SCORE", "UPDATED_AT"]),
        ("goals", &["YEAR", "AMOUNT", "UPDATED_AT"]),
        ("plans", &["NEXT_REVIEW_ON", "STARTS_ON", "ENDS_ON", "UPDATED_AT"]),
        ("promises", &["DUE_ON", "MADE_ON", "UPDATED_AT"]),
        ("triggerEvents", &["OCCURRED_ON", "UPDATED_AT"]),
    ] {
        lists.extend(orders.iter().flat_map(|order| both_ways(list, order)));
    }
    for (list, order) in [
        ("accounts", "POTENTIAL"),
        ("accounts", "EMPLOYEES"),
        ("accounts", "ANNUAL_REVENUE"),
        ("opportunities", "AMOUNT"),
        ("opportunities", "EXPECTED_CLOSE_ON"),
        ("opportunities", "CLOSED_ON"),
        ("targets", "SINCE"),
        ("plans", "NEXT_REVIEW_ON"),
    ] {
        for ends in ["nulls: FIRST", "direction: DESC, nulls: LAST"] {
            lists.push(format!("{list}(orderBy: {{field: {order}, {ends}}})"));
        }
    }
    lists.push("bookings".to_owned());
    lists.push(format!("bookings(filter: {{accountId: {{eq: \"{account}\"}}}})"));
    lists.push("targets".to_owned());
    lists.push(format!("targets(filter: {{accountId: {{eq: \"{account}\"}}}})"));
    lists.push(format!("targets(filter: {{sellerId: {{eq: \"{}\"}}}})", seller.id()));
    lists.push("goals".to_owned());
    lists.push(format!("goals(filter: {{accountId: {{eq: \"{account}\"}}}})"));
    lists.push("plans".to_owned());
    lists.push(format!("plans(filter: {{accountId: {{eq: \"{account}\"}}}})"));
    lists.push(format!("plans(filter: {{ownerId: {{eq: \"{}\"}}}})", seller.id()));
    lists.push("promises".to_owned());
    lists.push(format!("promises(filter: {{accountId: {{eq: \"{account}\"}}}})"));
    lists.push(format!("promises(filter: {{madeById: {{eq: \"{}\"}}}})", seller.id()));
    lists.push("triggerEvents".to_owned());
    lists.push(format!("triggerEvents(filter: {{accountId: {{eq: \"{account}\"}}}})"));
    lists.push("events".to_owned());

    let app = world.server().app();
    app.db.watch();
    for (who, name) in [(&**world.admin(), "admin"), (&*seller, "seller")] {
        for list in &lists {
            let _ = app.db.watched();
            let answer =
                who.query(&format!("{{ {list} {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}")).await;
            let _ = answer.data("");
            for statement in app.db.watched().iter().filter(|statement| statement.sql.contains("LIMIT")) {
                check(&connection, statement, &format!("{name}: {list}")).await;
            }
        }
    }
    // For a user who sees thousands of accounts, the seats are looked up for each row's account, and not for all
    // accounts.
    let _ = app.db.watched();
    let _ = manager.query("{ targets(filter: {absent: false}) { nodes { id } } }").await.data("");
    let statements = app.db.watched();
    let page = statements.iter().find(|statement| statement.sql.contains("EXISTS") && statement.sql.contains("LIMIT"));
    let plan = explain(&connection, page.unwrap()).await;
    if world.server().database().kind() == Kind::Sqlite {
        let seats: Vec<&str> = plan.text.lines().filter(|line| line.starts_with("SEARCH seat")).collect();
        assert!(!seats.is_empty() && seats.iter().all(|line| line.ends_with("(account_id=?)")), "{}", plan.text);
        assert!(!plan.text.contains("REUSE LIST"), "{}", plan.text);
    } else {
        assert!(plan.rows_read.unwrap() <= 20_000, "{}", plan.text);
    }
    empty(&connection).await;
}

/// Removes the rows that were inserted by SQL, which the feed does not contain, before the invariants are checked.
pub async fn empty(connection: &DatabaseConnection) {
    let filled = [
        "promise",
        "trigger_event",
        "plan",
        "goal",
        "target",
        "booking",
        "opportunity",
        "touch",
        "contact",
        "seat",
        "account",
    ];
    if connection.get_database_backend() == DbBackend::Postgres {
        // Deleting row by row would search the indexes of every dependent table for each account.
        connection.execute_unprepared(&format!("truncate {} cascade", filled.join(", "))).await.unwrap();
        return;
    }
    for table in filled {
        connection.execute_unprepared(&format!("delete from {table}")).await.unwrap();
    }
}

async fn check(connection: &DatabaseConnection, statement: &Statement, what: &str) {
    let plan = explain(connection, statement).await;
    // Reading small tables completely is efficient. On SQLite with one organization, the feed is read by its sequence
    // numbers.
    let large = [
        "account",
        "contact",
        "touch",
        "opportunity",
        "booking",
        "target",
        "goal",
        "plan",
        "promise",
        "trigger_event",
        "seat",
        "row",
    ];
    let tables: Vec<&String> = plan.full_scans.iter().filter(|table| large.contains(&table.as_str())).collect();
    assert!(tables.is_empty(), "{what} reads {tables:?} from end to end:\n{}\n{}", statement.sql, plan.text);
    if let Some(read) = plan.rows_read {
        // Fifty seats are read in addition to the rows of the list.
        assert!(read <= 20 * PAGE + 50, "{what} reads {read} rows:\n{}\n{}", statement.sql, plan.text);
    }
    // The rows of one seller or one filter may be sorted; the sort keeps no more than a page of them.
    for sort in &plan.sorts {
        if let Some(rows) = sort.rows {
            assert!(rows <= 20 * PAGE, "{what} sorts {rows} rows by {}:\n{}\n{}", sort.by, statement.sql, plan.text);
        }
    }
}

#[on_both_databases]
async fn a_deep_page_is_found_by_the_index(world: &World) {
    let seller = world.seller("Ann").await;
    let connection = world.server().database().connect().await;
    fill(&connection, &[seller.id().to_owned(), seller.id().to_owned()]).await;
    let app = world.server().app();
    let mut cursor = String::new();
    for _ in 0..5 {
        let answer = world
            .admin()
            .query(&format!("{{ touches(orderBy: {{field: AT, direction: DESC}}, first: 200 {cursor}) {{ pageInfo {{ endCursor }} }} }}"))
            .await;
        cursor = format!(", after: {}", answer.data("touches.pageInfo.endCursor"));
    }
    app.db.watch();
    let _ = app.db.watched();
    let page = format!("{{ touches(orderBy: {{field: AT, direction: DESC}} {cursor}) {{ nodes {{ id }} }} }}");
    let _ = world.admin().query(&page).await.data("");
    let statements = app.db.watched();
    let statement = statements.iter().find(|statement| statement.sql.contains("touch")).unwrap();
    let plan = explain(&connection, statement).await;
    if world.server().database().kind() == Kind::Postgres {
        assert!(plan.rows_read.unwrap() <= PAGE + 1, "{}", plan.text);
    }
    assert!(plan.sorts.is_empty() && plan.full_scans.is_empty(), "{}", plan.text);
    // The row comparison is a condition of the index and not a filter on its rows.
    let by_index = if world.server().database().kind() == Kind::Postgres {
        "ROW(at, id) < ROW("
    } else {
        "(organization_id=? AND (at,id)<(?,?))"
    };
    assert!(plan.text.contains(by_index), "{}", plan.text);
    empty(&connection).await;
}
