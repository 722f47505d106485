//! The 95 % intervals contain the truth about as often as they say, in a smaller number of worlds than `examples/coverage`
//! takes. The worlds are the same in every run.

#[path = "../examples/coverage/table.rs"]
mod table;

#[test]
fn intervals_contain_the_truth_about_as_often_as_they_say() {
    let rows = table::table(1..41);
    println!("{}", table::markdown(&rows, 40));
    assert_eq!(rows.len(), 6);
    for row in rows {
        // Of 40 intervals of 95 %, fewer than 33 contain the truth in less than one of a thousand cases.
        assert!(row.sufficient >= 36 && row.share() >= 0.82, "{row:?}");
    }
}
