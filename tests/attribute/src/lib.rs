//! The attribute that turns one function into two tests, one for each database. It is an attribute and not a macro
//! around the body, because rustfmt and editors handle the body of a function with an attribute.

use proc_macro::{TokenStream, TokenTree};

/// Makes two tests, `name::sqlite` and `name::postgres`, from `async fn name(subject: &Subject)`. The argument can be
/// of any type that implements `tests::Subject`, which prepares it.
///
/// Other attributes of the function stay on the function. It is a compile error on anything but a function.
#[proc_macro_attribute]
pub fn on_both_databases(_arguments: TokenStream, function: TokenStream) -> TokenStream {
    let Some(name) = name_of(function.clone()) else {
        return error("#[on_both_databases] belongs on an async fn");
    };
    // The module may have the function's name, for modules and functions are in different namespaces.
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

/// Returns the identifier after `fn`.
fn name_of(function: TokenStream) -> Option<String> {
    let mut tokens = function.into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn"))?;
    tokens.next().map(|name| name.to_string())
}

fn error(message: &str) -> TokenStream {
    format!("compile_error!({message:?});").parse().unwrap_or_default()
}
