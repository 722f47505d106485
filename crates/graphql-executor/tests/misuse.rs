//! Declarations that contradict their functions do not compile.

#[test]
fn a_declaration_that_contradicts_its_function_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
