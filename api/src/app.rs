//! The application: its database, schema, clock and keys.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Response, SchemaEnv};
use entity::{Scoped as _, user};
use sea_orm::{DbBackend, DbErr, PaginatorTrait as _};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::auth::Auth;
use crate::auth::tokens::Claims;
use crate::config::Settings;
use crate::context::{RequestContext, Services, Viewer};
use crate::error::{Error, Result};
use crate::graphql::scalars;
use crate::graphql::{Operation, execute};
use crate::limits::lane;
use crate::limits::{AdmissionError, AdmissionRequest, Asker, Limiter, Tenant};
use crate::metrics::Metrics;
use crate::schema::{ApiSchema, Mutation, Query};
use crate::values::clock::Clock;
use database::connection;
use database::db::{Db, Options, SchemaStanding, Versions};
use graphql_document::{DocumentSchema, InvalidDocument};
use graphql_http::code::Code;
use graphql_http::cost::{Price, Prices};
use graphql_http::document_cache::DocumentCache;
use graphql_http::parsed_request::ParsedRequest;
use graphql_http::persisted::PersistedDocuments;
use graphql_http::response::is_refused;
use graphql_http::variables::ValueRules;
use graphql_http::{document, variables};

/// An application, shared by all requests.
pub struct App {
    /// The services that all requests share.
    pub services: Arc<Services>,
    /// The documents that were sent before.
    pub documents: DocumentCache,
    /// The documents that clients send by their hash.
    pub persisted: PersistedDocuments<Tenant>,
    /// Admission control.
    pub admission: Limiter,
    /// The prices of the schema's fields.
    pub prices: Prices,
    /// The metrics.
    pub metrics: Metrics,
    schema: ApiSchema,
    env: SchemaEnv,
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

impl App {
    /// Opens the database, migrates it, and reads or creates the signing keys.
    ///
    /// # Errors
    /// Returns a message that says what could not be opened.
    pub async fn open(settings: Settings) -> std::result::Result<Arc<Self>, String> {
        let url = settings.database.url.expose().to_owned();
        let db = open_database(&settings).await?;
        let versions = db.versions().await;
        if let Ok(versions) = versions
            && versions.standing == SchemaStanding::Incompatible
        {
            let Versions { expected, found, .. } = versions;
            return Err(format!(
                "the tables are of a newer release ({found}) that this one ({expected}) cannot serve beside: run that release, or \
                 restore a backup of before the upgrade"
            ));
        }
        db.migrate(&url).await.map_err(|error| format!("the tables could not be brought up to date: {error}"))?;
        let history = crate::domain::event::present_history(&db)
            .await
            .map_err(|error| format!("the feed cannot be read: {error}"))?;
        let auth = Auth::open(&settings).map_err(|error| error.to_string())?;
        let clock = Clock::from_setting(settings.clock.stop);
        let (schema, env) = crate::schema::open().await;
        let to_validate = DocumentSchema::of(&env.registry, scalars::instead);
        let documents = DocumentCache::new(settings.limits.to_limits(), to_validate);
        let (admission, prices, metrics) = (Limiter::new(&settings), crate::schema::prices(), Metrics::new());
        let services = Arc::new(Services { settings, clock, db, auth, history });
        let persisted = PersistedDocuments::default();
        let app = Self { services, documents, persisted, admission, prices, metrics, schema, env };
        let app = Arc::new(app);
        tokio::spawn(refresh_statistics(Arc::downgrade(&app)));
        Ok(app)
    }

    /// Returns a document, from the cache or parsed and validated.
    ///
    /// Before a document that is not in the cache is looked at, its caller must have the points for the bytes of the request. They
    /// are kept if the document is not valid; otherwise they are part of the price of the request.
    ///
    /// # Errors
    /// The response to a caller without points or with an invalid document.
    pub fn read(
        &self,
        text: &str,
        bytes: usize,
        claims: Option<Claims>,
        peer: Option<IpAddr>,
    ) -> std::result::Result<Arc<ExecutableDocument>, Box<UnreadDocument>> {
        if let Some(document) = self.documents.get(text) {
            return Ok(document);
        }
        let asker = Asker::of_claims(claims, peer);
        let price = Price::of_bytes(bytes);
        self.admission.reserve(asker, price).map_err(|refusal| {
            self.metrics.refused(refusal.reason());
            UnreadDocument { operation: None, answer: refusal.answer() }
        })?;
        match self.documents.read(text) {
            Ok(document) => {
                self.admission.release(asker, price);
                Ok(document)
            }
            Err(InvalidDocument { operation, errors }) => {
                let errors = errors.into_iter().map(document::server_error).collect();
                Err(Box::new(UnreadDocument { operation, answer: Response::from_errors(errors) }))
            }
        }
    }

    /// Admits a request, executes it and returns the response.
    pub async fn execute(
        self: &Arc<Self>,
        question: ParsedRequest,
        bearer: Option<&str>,
        request_id: &str,
        peer: Option<IpAddr>,
        gone: &CancellationToken,
    ) -> Response {
        let viewer = match bearer {
            Some(token) => match self.auth.viewer(&self.db, token).await {
                Ok(viewer) => viewer,
                // A client that signs in or refreshes its session may still send its expired token.
                Err(Error::Unauthenticated) if needs_no_token(&question) => None,
                Err(fault) => {
                    return Response::from_errors(vec![fault.into_server_error(request_id)]);
                }
            },
            None => None,
        };
        // An address with too many failed sign-ins is refused before its request is queued.
        if viewer.is_none()
            && asks_for_sign_in(&question)
            && let Err(refused) = self.auth.throttle.check(std::time::Instant::now(), peer)
        {
            return Response::from_errors(vec![Error::from(refused).into_server_error(request_id)]);
        }
        let bytes = question.bytes;
        let price = match self.price(&question, viewer.as_deref()).await {
            Ok(price) => price.with_bytes(bytes),
            Err(fault) => {
                return Response::from_errors(vec![fault.into_server_error(request_id)]);
            }
        };
        let refused = |refusal: AdmissionError| {
            self.metrics.refused(refusal.reason());
            refusal.answer()
        };
        if let Err(refusal) = self.admission.check(price) {
            return refused(refusal);
        }
        let asker = Asker::of(viewer.as_deref(), peer);
        let mut pass = match self.admission.admit(asker, &AdmissionRequest { price, gone: gone.clone() }).await {
            Ok(pass) => pass,
            Err(refusal) => return refused(refusal),
        };
        let ctx = Arc::new(RequestContext::new(Arc::clone(&self.services), request_id.to_owned(), peer, viewer));
        let answer = if pass.is_expensive {
            let (app, own) = (Arc::clone(self), Arc::clone(&ctx));
            let work = async move { app.run(question, &own).await };
            lane::run(connection::in_same_request(work).in_current_span()).await
        } else {
            self.run(question, &ctx).await
        };
        // A refused request costs only its bytes; objects that were not found cost nothing.
        let unused = if is_refused(&answer) {
            price.points.saturating_sub(Price::of_bytes(bytes))
        } else {
            price.unused(ctx.found())
        };
        self.metrics.cost(price.points.saturating_sub(unused));
        self.admission.give_back(asker, &mut pass, unused);
        pass.show_cost(answer)
    }

    /// Returns the price of a request. If it would exceed the limit, the organization's users are counted, because a page of
    /// users has at most that number of items.
    async fn price(&self, question: &ParsedRequest, viewer: Option<&Viewer>) -> Result<Price> {
        let ParsedRequest { parameters, document, .. } = question;
        let Ok(operation) = document::operation(document, parameters.operation_name.as_deref()) else {
            return Ok(Price { points: 1, reads_all: false, objects: 0 });
        };
        let price = |users| self.prices.price(document, operation, &parameters.variables, users);
        let whole = price(None);
        match viewer {
            Some(viewer)
                if self.admission.check(whole).is_err() && document::selects_any(document, operation, &["users"]) =>
            {
                let users = user::Entity::of(viewer.organization.id).count(self.db.reader()).await?;
                Ok(price(Some(users)))
            }
            _ => Ok(whole),
        }
    }

    /// Checks the variables of a request and executes it.
    async fn run(&self, mut question: ParsedRequest, ctx: &RequestContext) -> Response {
        let document = Arc::clone(&question.document);
        let definition = match document::operation(&document, question.parameters.operation_name.as_deref()) {
            Ok(definition) => definition,
            Err(refusal) => return Response::from_errors(vec![refusal]),
        };
        if definition.ty == OperationType::Subscription {
            let message = "There are no subscriptions yet: read the query `events` page by page.";
            return Response::from_errors(vec![Code::BadUserInput.error(message, None)]);
        }
        let registry = &self.env.registry;
        let definitions = &definition.variable_definitions;
        question.parameters.keep_digits(registry, definitions);
        // The rows of an upsert are read one by one, so that a malformed one does not affect the others.
        let rules = ValueRules { hint: scalars::instead, is_checked_later: |name| name.ends_with("RowInput") };
        let faults = variables::faults(registry, definitions, &question.parameters.variables, rules);
        if !faults.is_empty() {
            return Response::from_errors(faults);
        }
        // async-graphql executes introspection.
        let introspected = if document::selects_any(&document, definition, &document::INTROSPECTION) {
            let response = self.schema.execute(question.to_request(&ctx.request_id)).await;
            if !response.errors.is_empty() {
                return response;
            }
            Some(response.data)
        } else {
            None
        };
        let operation = Operation::new(&document, definition, &question.parameters.variables, registry);
        if definition.ty == OperationType::Mutation {
            execute(&Mutation, ctx, &operation, introspected.as_ref()).await
        } else {
            execute(&Query, ctx, &operation, introspected.as_ref()).await
        }
    }

    /// Returns the versions of the database's tables and, if the database is not writable, the reason.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn ready(&self) -> std::result::Result<(Versions, Option<String>), DbErr> {
        Ok((self.db.versions().await?, self.db.refuses_writes().await?))
    }

    /// Returns the schema as text.
    #[must_use]
    pub fn sdl() -> String {
        let options = async_graphql::SDLExportOptions::new().include_specified_by();
        let text = crate::schema::build().0.sdl_with_options(options);
        // async-graphql writes no description of the schema itself.
        text.replace("\nschema {\n", &format!("\n\"\"\"\n{}\n\"\"\"\nschema {{\n", crate::schema::DESCRIPTION))
    }
}

/// The answer to a request whose document was not read.
#[derive(Debug)]
pub struct UnreadDocument {
    /// The name of the first operation, if it is known.
    pub operation: Option<String>,
    /// The response.
    pub answer: Response,
}

/// The interval at which the planner's statistics are refreshed while there are changes.
const STATISTICS_EVERY: Duration = Duration::from_secs(1);
/// How often PostgreSQL's statistics are refreshed after the last change: its sessions report the number of rows that they
/// changed with a delay of up to ten seconds.
const STATISTICS_ROUNDS: u32 = 12;

/// Keeps the planner's statistics up to date as tables grow, until the application is dropped.
async fn refresh_statistics(app: Weak<App>) {
    let (mut seen, mut rounds, mut failed) = (0, 0, false);
    loop {
        tokio::time::sleep(STATISTICS_EVERY).await;
        let Some(app) = app.upgrade() else { return };
        let changes = app.db.changes();
        if changes != seen {
            seen = changes;
            rounds = if app.db.backend() == DbBackend::Postgres { STATISTICS_ROUNDS } else { 1 };
        }
        if rounds > 0 {
            match app.db.refresh_statistics().await {
                Ok(()) => (rounds, failed) = (rounds - 1, false),
                Err(error) => {
                    if !failed {
                        tracing::warn!(%error, "the planner's statistics cannot be refreshed at the moment");
                    }
                    failed = true;
                }
            }
        }
    }
}

/// Fields that need no token and ignore an expired or invalid one.
const WITHOUT_TOKEN: [&str; 8] = [
    "signIn",
    "refreshSession",
    "signUp",
    "acceptInvitation",
    "requestPasswordReset",
    "__typename",
    "__schema",
    "__type",
];

/// Whether a request selects only fields that need no token.
fn needs_no_token(question: &ParsedRequest) -> bool {
    let ParsedRequest { parameters, document, .. } = question;
    document::operation(document, parameters.operation_name.as_deref())
        .is_ok_and(|operation| document::selects_only(document, operation, &WITHOUT_TOKEN))
}

/// Whether a request signs in.
fn asks_for_sign_in(question: &ParsedRequest) -> bool {
    let ParsedRequest { parameters, document, .. } = question;
    document::operation(document, parameters.operation_name.as_deref())
        .is_ok_and(|operation| document::selects_any(document, operation, &["signIn"]))
}

/// Opens the configured database.
///
/// # Errors
/// Returns a message that says why the database could not be opened.
pub async fn open_database(settings: &Settings) -> std::result::Result<Db, String> {
    let database = &settings.database;
    let options = Options {
        url: database.url.expose().to_owned(),
        connections: database.database_connections.get(),
        wait: database.database_wait,
        statement_timeout: database.statement_timeout,
        slow: database.slow_query,
        waits_for_disk: database.waits_for_disk,
        on_statement: crate::telemetry::ran,
    };
    Db::open(&options).await.map_err(|error| match error {
        DbErr::Custom(cause) => format!("the database could not be opened: {cause}"),
        error => format!("the database could not be opened: {error}"),
    })
}

/// Migrates the database.
///
/// # Errors
/// Returns a message that says what failed.
pub async fn migrate(settings: &Settings) -> std::result::Result<(), String> {
    let mut patient = settings.clone();
    // A migration may take longer than the timeout of requests.
    patient.database.statement_timeout = Duration::from_hours(1);
    let db = open_database(&patient).await?;
    db.migrate(settings.database.url.expose()).await.map_err(|error| error.to_string())?;
    db.close().await;
    Ok(())
}
