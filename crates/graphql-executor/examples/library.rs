//! A complete schema over data in memory: books and their authors.
//!
//! `cargo run -p graphql-executor --example library` prints the response to one query and how often each batch ran.

use std::collections::HashMap;
use std::sync::Mutex;

use async_graphql::registry::Registry;
use async_graphql::{EmptyMutation, EmptySubscription, InputObject, Request, Response, Schema, ServerError, Variables};
use graphql_executor::{
    Batch, ExecutionContext, ExecutionError, FieldContext, InvalidSelection, Operation, OutputType, execute, object,
    root_object,
};

/// The request context: the data, and a log of the batches that ran.
struct Library {
    authors: HashMap<u32, Author>,
    books: Vec<Book>,
    batches: Mutex<Vec<String>>,
}

/// The error of a field.
#[derive(Debug)]
enum Error {
    Invalid(String),
    Defect,
    Located(Box<ServerError>),
}

impl From<InvalidSelection> for Error {
    fn from(invalid: InvalidSelection) -> Self {
        Self::Invalid(invalid.0)
    }
}

impl ExecutionContext for Library {
    type Error = Error;
}

impl ExecutionError<Library> for Error {
    fn invalid_argument(message: String) -> Self {
        Self::Invalid(message)
    }

    fn defect(_: &str) -> Self {
        Self::Defect
    }

    fn located(error: Box<ServerError>) -> Self {
        Self::Located(error)
    }

    fn into_located(self) -> Result<Box<ServerError>, Self> {
        match self {
            Self::Located(error) => Ok(error),
            other => Err(other),
        }
    }

    fn into_server_error(self, _: &Library) -> ServerError {
        match self {
            Self::Located(error) => *error,
            Self::Invalid(message) => ServerError::new(message, None),
            Self::Defect => ServerError::new("Something failed on the server.", None),
        }
    }
}

#[derive(Clone)]
struct Author {
    name: String,
}

#[derive(Clone)]
struct Book {
    title: String,
    author: u32,
    year: i32,
}

struct Query;

object! {
    in Library;
    /// A person who writes books.
    Author as "Author" {
        /// The name.
        name: &str = plain(|author| &author.name);
    }
}

object! {
    in Library;
    /// A book.
    Book as "Book" {
        /// The title.
        title: &str = plain(|book| &book.title);
        /// The year of publication.
        year: i32 = plain(|book| book.year);
        /// The author.
        author: Author = by_key(|book| book.author, authors);
    }
}

/// Arguments of `books`.
#[derive(InputObject)]
struct BooksArguments {
    /// Only books published in this year or later.
    since: Option<i32>,
}

object! {
    in Library;
    /// The root of queries.
    Query as "Query" {
        /// All books, in the order in which they were added.
        books(BooksArguments): Vec<Book> = root(books);
    }
}
root_object!(Library; Query);

/// Resolves `Query.books`.
#[expect(clippy::unused_async, reason = "field resolvers are async")]
async fn books(field: &FieldContext<'_, Library>, arguments: BooksArguments) -> Result<Vec<Book>, Error> {
    let since = arguments.since.unwrap_or(i32::MIN);
    Ok(field.request.books.iter().filter(|book| book.year >= since).cloned().collect())
}

/// Resolves `Book.author` for all books of a level at once.
async fn authors(field: &FieldContext<'_, Library>, ids: &[u32]) -> Result<Batch<Author>, Error> {
    if let Ok(mut batches) = field.request.batches.lock() {
        batches.push(format!("authors of {} books", ids.len()));
    }
    let authors: Vec<Option<&Author>> = ids.iter().map(|id| field.request.authors.get(id)).collect();
    field.required(field.optional_objects(&authors).await?)
}

/// Validates a document with async-graphql and executes it.
async fn run(library: &Library, text: &str) -> Response {
    // async-graphql validates the document and answers introspection; it resolves none of our fields.
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
    let mut request = Request::new(text);
    let document = request.parsed_query().cloned();
    let validated = schema.execute(request).await;
    let Ok(document) = document else { return validated };
    if !validated.errors.is_empty() {
        return validated;
    }
    let mut registry = Registry::default();
    <Query as OutputType<Library>>::describe(&mut registry);
    let Some((_, definition)) = document.operations.iter().next() else { return validated };
    let variables = Variables::default();
    let operation = Operation::new(&document, &definition.node, &variables, &registry);
    execute(&Query, library, &operation, Some(&validated.data)).await
}

#[tokio::main]
async fn main() {
    let authors = [(1, "Ada Lovelace"), (2, "Mary Shelley")];
    let books = [("Notes", 1, 1843), ("Frankenstein", 2, 1818), ("The Last Man", 2, 1826)];
    let library = Library {
        authors: authors.map(|(id, name)| (id, Author { name: name.to_owned() })).into(),
        books: books.map(|(title, author, year)| Book { title: title.to_owned(), author, year }).into(),
        batches: Mutex::default(),
    };
    let response = run(&library, "{ books(since: 1820) { title author { name } } }").await;
    if let async_graphql::Value::Binary(json) = &response.data {
        println!("{}", String::from_utf8_lossy(json));
    }
    println!("{:?}", library.batches.lock().map(|batches| batches.clone()).unwrap_or_default());
}
