//! The attribute that makes of one function two tests, one for each database. An attribute and not a macro around the
//! body, because rustfmt and editors read through an attribute.

use proc_macro::{TokenStream, TokenTree};

/// Makes two tests, `name::sqlite` and `name::postgres`, of `async fn name(subject: &Subject)`. The type of the
/// argument says what is made ready for it: anything that implements `tests::Subject`.
///
/// Other attributes of the function stay on the function. What is not a function with a name does not compile.
#[proc_macro_attribute]
pub fn on_both_databases(_arguments: TokenStream, function: TokenStream) -> TokenStream {
    let Some(name) = name_of(function.clone()) else {
        return error("#[on_both_databases] belongs on an async fn");
    };
    // A module and a function of one name do not meet: they live in different namespaces.
    let tests = format!(
        "mod {name} {{
            #[test]
            fn sqlite() {{ ::tests::run(::tests::Kind::Sqlite, super::{name}); }}
            #[test]
            fn postgres() {{ ::tests::run(::tests::Kind::Postgres, super::{name}); }}
        }}"
    );
    let Ok(mut tests) = tests.parse::<TokenStream>() else {
        return error("a function's name is a module's name");
    };
    tests.extend(function);
    tests
}

/// The word after `fn`.
fn name_of(function: TokenStream) -> Option<String> {
    let mut tokens = function.into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn"))?;
    tokens.next().map(|name| name.to_string())
}

fn error(message: &str) -> TokenStream {
    format!("compile_error!({message:?});").parse().unwrap_or_default()
}
