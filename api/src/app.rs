//! One running application: its database, its schema, its clock and its keys.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response, SchemaEnv};
use entity::OrganizationId;
use sea_orm::DbErr;

use crate::auth::Auth;
use crate::config::Settings;
use crate::context::RequestContext;
use crate::graphql::scalars;
use crate::graphql::{Operation, execute};
use crate::limits::{AdmissionRequest, Asker, Limiter};
use crate::metrics::Metrics;
use crate::schema::{ApiSchema, Mutation, Query};
use crate::values::clock::Clock;
use database::db::{Db, Options, Versions};
use graphql_http::code::Code;
use graphql_http::cost::Prices;
use graphql_http::document_cache::DocumentCache;
use graphql_http::parsed_request::ParsedRequest;
use graphql_http::{document, variables};

/// A running application. Any number of requests share it.
pub struct App {
    /// Its settings.
    pub settings: Settings,
    /// Its clock.
    pub clock: Clock,
    /// Its database.
    pub db: Db,
    /// What lets people in.
    pub auth: Auth,
    /// The documents that were sent before.
    pub documents: DocumentCache,
    /// What lets requests run.
    pub admission: Limiter,
    /// What asking costs.
    pub prices: Prices,
    /// What is counted.
    pub metrics: Metrics,
    schema: ApiSchema,
    env: SchemaEnv,
}

impl App {
    /// Opens the database, brings its tables up to date, and reads or makes the signing keys.
    ///
    /// # Errors
    /// A sentence that says what could not be opened.
    pub async fn open(settings: Settings) -> Result<Arc<Self>, String> {
        let url = settings.database.url.expose().to_owned();
        let db = open_database(&settings).await?;
        db.migrate(&url).await.map_err(|error| format!("the tables could not be brought up to date: {error}"))?;
        let auth = Auth::open(&settings).map_err(|error| error.to_string())?;
        let clock = Clock::from_setting(settings.clock.stop);
        let documents = DocumentCache::new(settings.limits.to_limits());
        let (schema, env) = crate::schema::open().await;
        let (admission, prices, metrics) = (Limiter::new(&settings), crate::schema::prices(), Metrics::new());
        Ok(Arc::new(Self { settings, clock, db, auth, documents, admission, prices, metrics, schema, env }))
    }

    /// Answers a question, once it is its turn.
    pub async fn execute(
        self: &Arc<Self>,
        question: ParsedRequest,
        bearer: Option<&str>,
        request_id: &str,
        peer: Option<std::net::IpAddr>,
        wanted: &AdmissionRequest,
    ) -> Response {
        let viewer = match bearer {
            Some(token) => match self.auth.viewer(&self.db, token).await {
                Ok(viewer) => viewer,
                Err(fault) => {
                    return Response::from_errors(vec![fault.into_server_error(request_id)]);
                }
            },
            None => None,
        };
        let pass = match self.admission.admit(Asker::of(viewer.as_deref(), peer), wanted).await {
            Ok(pass) => pass,
            Err(refusal) => {
                self.metrics.refused(refusal.reason());
                return refusal.answer();
            }
        };
        self.metrics.cost(wanted.price.points);
        let ctx = RequestContext::new(Arc::clone(self), request_id.to_owned(), peer, viewer);
        pass.tell(self.run(question, &ctx).await)
    }

    /// Validates a question and answers it.
    async fn run(&self, question: ParsedRequest, ctx: &RequestContext) -> Response {
        let ParsedRequest { parameters, known } = &question;
        let definition = match document::operation(&known.document, parameters.operation_name.as_deref()) {
            Ok(definition) => definition,
            Err(refusal) => return Response::from_errors(vec![refusal.into()]),
        };
        if definition.ty == OperationType::Subscription {
            let message = "A subscription is not answered by a single response; it needs a WebSocket.";
            return Response::from_errors(vec![Code::BadUserInput.error(message, None)]);
        }
        // async-graphql validates, and answers what asks the schema about itself.
        let introspected = if known.valid {
            let faults = variables::faults(
                &self.env.registry,
                &definition.variable_definitions,
                &parameters.variables,
                scalars::instead,
            );
            if !faults.is_empty() {
                return Response::from_errors(faults);
            }
            None
        } else {
            let response = self.schema.execute(question.to_request(&ctx.request_id)).await;
            if !response.errors.is_empty() {
                return response;
            }
            self.documents.keep(&parameters.query, &known.document);
            Some(response.data)
        };
        let operation = Operation::new(&known.document, definition, &parameters.variables, &self.env.registry);
        if definition.ty == OperationType::Mutation {
            execute(&Mutation, ctx, &operation, introspected.as_ref()).await
        } else {
            execute(&Query, ctx, &operation, introspected.as_ref()).await
        }
    }

    /// Is the database there? And has it the tables that this program knows?
    ///
    /// # Errors
    /// The database's: it is out of reach.
    pub async fn ready(&self) -> Result<Versions, DbErr> {
        self.db.versions().await
    }

    /// The schema as text.
    #[must_use]
    pub fn sdl() -> String {
        crate::schema::build(Arc::default()).sdl_with_options(async_graphql::SDLExportOptions::new())
    }

    /// Forgets what is remembered of an organization's people and settings, so that a change is in force at once here;
    /// other servers learn of it within 5 s.
    pub fn forget(&self, organization: OrganizationId) {
        self.auth.forget(organization);
    }
}

async fn open_database(settings: &Settings) -> Result<Db, String> {
    let database = &settings.database;
    let options = Options {
        url: database.url.expose().to_owned(),
        connections: database.database_connections.get(),
        wait: database.database_wait,
        statement_timeout: database.statement_timeout,
        slow: database.slow_query,
        on_statement: crate::server::telemetry::ran,
    };
    Db::open(&options).await.map_err(|error| format!("the database could not be opened: {error}"))
}

/// Brings a database's tables up to date and does nothing else.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn migrate(settings: &Settings) -> Result<(), String> {
    let mut patient = settings.clone();
    // A change of tables may take longer than any request should.
    patient.database.statement_timeout = Duration::from_hours(1);
    let db = open_database(&patient).await?;
    db.migrate(settings.database.url.expose()).await.map_err(|error| error.to_string())?;
    db.close().await;
    Ok(())
}
