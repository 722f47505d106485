//! `docs/executor.md` shows the example as it is.

#[test]
fn the_page_holds_the_complete_example() {
    let page = include_str!("../../../docs/executor.md");
    assert!(
        page.contains(include_str!("../examples/library.rs")),
        "docs/executor.md holds an older examples/library.rs"
    );
}
