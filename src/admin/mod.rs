//! The control plane: every route on this page, one noun a file, alike inside.
//!
//! A route stands in [`public`], [`shared`] or [`guarded`], and that is its role: what stands in none does
//! not exist. Nothing here touches a prompt, an answer or the way of a request.

mod ask;
mod audit;
mod auth;
mod budgets;
mod catalog;
mod catalog_view;
mod change;
mod egress;
mod error;
mod export;
mod extract;
mod filter;
mod health;
mod incidents;
mod incidents_live;
mod key_body;
mod keys;
mod limit_body;
mod limits;
mod live;
mod login;
mod lookout;
mod model_health;
mod origin;
mod page;
mod plugins;
mod profiles;
mod projects;
mod provider_body;
mod provider_test;
mod provider_view;
mod providers;
mod records;
mod route;
mod route_body;
mod sanitization_body;
mod sanitize;
mod session;
mod settings;
mod sql;
mod signals;
mod state;
mod stats;
mod words;

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    response::{IntoResponse as _, Response},
};
use utoipa::{
    OpenApi, ToSchema as _,
    openapi::{
        Content, OpenApi as Document, Ref, RefOr, ResponseBuilder, Schema,
        path::Operation,
        schema::ArrayItems,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::error::{ApiError, Code, ErrorBody};

pub use lookout::{Lookout, ReadBody};
pub(crate) use origin::is_foreign;
pub use state::{AdminParts, AdminState, Reload};

/// Anyone may call these. They tell nothing but that the gateway lives, and they let the admin in.
fn public() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::openapi))
        .routes(routes!(session::show, session::create, session::delete))
}

/// The admin and holders of virtual keys may call these; each finds out itself who calls.
fn shared() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(signals::create))
}

/// Only the admin may call these.
fn guarded() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(records::list))
        .routes(routes!(records::show))
        .routes(routes!(route::show))
        .routes(routes!(route::attempt))
        .routes(routes!(route::replay))
        .routes(routes!(live::follow))
        .routes(routes!(stats::totals))
        .routes(routes!(stats::series))
        .routes(routes!(projects::list))
        .routes(routes!(records::list_of_project))
        .routes(routes!(projects::list_requesters))
        .routes(routes!(providers::list, providers::create))
        .routes(routes!(providers::show, providers::update, providers::remove))
        .routes(routes!(provider_test::attempt))
        .routes(routes!(profiles::list))
        .routes(routes!(profiles::put, profiles::remove))
        .routes(routes!(settings::show))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::show, keys::update, keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(limits::list))
        .routes(routes!(budgets::list))
        .routes(routes!(plugins::list))
        .routes(routes!(sanitize::attempt))
        .routes(routes!(sanitize::rules))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::show, incidents::update))
        .routes(routes!(incidents_live::follow))
        .routes(routes!(signals::list))
        .routes(routes!(ask::ask))
        .routes(routes!(ask::suggestions))
        .routes(routes!(sql::run))
        .routes(routes!(audit::list))
        .routes(routes!(catalog::list))
        .routes(routes!(catalog::show))
        .routes(routes!(health::metrics))
}

/// The routes with their guards, to be merged with the other rooms'. It has no fallback of its own.
pub fn router(state: AdminState) -> Router {
    let guard = middleware::from_fn_with_state(state.clone(), auth::require_admin);
    let witness = middleware::from_fn_with_state(state.clone(), audit::note_refusals);
    let guarded = Router::from(guarded()).route_layer(witness).route_layer(guard);
    Router::from(public())
        .merge(Router::from(shared()))
        .merge(guarded)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(origin::refuse_foreign))
        .layer(middleware::map_response(forbid_storing))
        .with_state(state)
}

/// The admin side's part of the OpenAPI document.
pub fn openapi() -> Document {
    let mut guarded = guarded().into_openapi();
    for item in guarded.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten();
        for operation in operations {
            describe_guard(operation);
            describe_reading(operation);
        }
    }
    // The document has no word for an id that may hold slashes.
    guarded.paths.paths = guarded.paths.paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let mut shared = shared().into_openapi();
    let operations = shared.paths.paths.values_mut().filter_map(|item| item.post.as_mut());
    operations.for_each(|operation| {
        describe_guard(operation);
        describe_reading(operation);
        let keys =
            ["virtual_key", "x_api_key", "x_goog_api_key"].map(|scheme| SecurityRequirement::new(scheme, [""; 0]));
        operation.security.get_or_insert_default().extend(keys);
    });
    let mut public = public().into_openapi();
    public.paths.paths.values_mut().filter_map(|item| item.post.as_mut()).for_each(describe_reading);
    let mut document = Head::openapi();
    document.merge(public);
    document.merge(shared);
    document.merge(guarded);
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("admin_token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let cookie = ApiKey::Cookie(ApiKeyValue::new("llm_gateway_session"));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let answers = components.schemas.iter_mut().filter(|(name, _)| !TAKEN_BODIES.contains(&name.as_str()));
    answers.for_each(|(_, schema)| require_all(schema));
    document
}

/// Bodies that are taken: there a field that may be null may also be left out.
const TAKEN_BODIES: &[&str] = &[
    "IncidentChange",
    "NewSignal",
    "NewKey",
    "KeyChange",
    "NewProvider",
    "ProviderChange",
    "NewProfile",
    "ProfileWeights",
    "SignIn",
    "SanitizationOverride",
    "LimitSet",
    "BudgetTerms",
    "SanitizationPattern",
    "SanitizeQuestion",
    "RouteQuestion",
    "ReplayQuestion",
    "SqlStatement",
    "AskQuestion",
    "AskTurn",
    "QuerySpec",
    "Filter",
    "Bound",
    "Window",
    "Compare",
    "Order",
    "Share",
];
/// Fields of answers that are really left out sometimes.
const SOMETIMES_ABSENT: [&str; 7] = ["attempt_rows", "finding_rows", "routed", "span", "without", "instead", "page"];

/// Says of an answer that its fields are always there, null or not, which derived schemas do not.
fn require_all(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            let always = |name: &&String| !SOMETIMES_ABSENT.contains(&name.as_str());
            object.required = object.properties.keys().filter(always).cloned().collect();
            object.properties.values_mut().for_each(require_all);
        }
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(require_all),
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                require_all(items);
            }
        }
        _ => {}
    }
}

/// Says of a guarded operation what its guards ask for and answer.
fn describe_guard(operation: &mut Operation) {
    let none: [&str; 0] = [];
    let credentials = ["admin_token", "session"].map(|scheme| SecurityRequirement::new(scheme, none));
    operation.security = Some(credentials.into());
    let refusals =
        [("401", "Not the admin: send the admin token, or sign in"), ("403", "Sent by a page of another origin")];
    for (status, why) in refusals {
        let body = Content::new(Some(Ref::from_schema_name(ErrorBody::name())));
        let refusal = ResponseBuilder::new().description(why).content("application/json", body).build();
        operation.responses.responses.insert(status.to_owned(), refusal.into());
    }
}

/// Says of an operation how a request is answered that cannot be read.
fn describe_reading(operation: &mut Operation) {
    let mut answers = vec![("400", "The path, a query parameter or a field is unknown or malformed")];
    if operation.request_body.is_some() {
        answers.push(("413", "The body is too large"));
        answers.push(("415", "The body is not `application/json`"));
    }
    for (status, why) in answers {
        let body = Content::new(Some(Ref::from_schema_name(ErrorBody::name())));
        let refusal = ResponseBuilder::new().description(why).content("application/json", body).build();
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| refusal.into());
    }
}

#[derive(OpenApi)]
#[openapi(
    components(schemas(ErrorBody)),
    info(title = "llm-gateway", description = "One gateway between a team's applications and their LLM providers."),
    tags(
        (name = "Records", description = "What was requested: one record per inference request."),
        (name = "Routing", description = "Why requests went where they went, and where they would go."),
        (name = "Stats", description = "Sums over the records."),
        (name = "Projects", description = "Who asked, by `x-project` or by key."),
        (name = "Requesters", description = "Who asked, by `x-source`."),
        (name = "Providers", description = "Where requests can go."),
        (name = "Profiles", description = "What requests value when the gateway chooses the model."),
        (name = "Settings", description = "How this gateway is set up."),
        (name = "Catalog", description = "Which models there are, what they can do and cost, and how they have done here."),
        (name = "Keys", description = "Virtual keys, which stand for a team or an application."),
        (name = "Limits", description = "Who may use and spend how much, and how much of it is left."),
        (name = "Plugins", description = "What stands on the way of requests."),
        (name = "Sanitizer", description = "What is found in texts, and what is done about it."),
        (name = "Incidents", description = "What went wrong, whom it hit and what mitigated it."),
        (name = "Signals", description = "How good answers were, and what is believed of each model."),
        (name = "Ask", description = "Questions about the records, in plain words and in SQL."),
        (name = "Audit", description = "Who changed what, and who tried."),
        (name = "Session", description = "Signing in to the portal. Only needed once an admin credential is configured."),
        (name = "Health", description = "Whether the gateway lives."),
    )
)]
struct Head;

async fn method_not_allowed() -> Response {
    ApiError::new(Code::MethodNotAllowed, "this route does not know this method").into_response()
}

async fn forbid_storing(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
