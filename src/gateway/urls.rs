//! The same endpoints under further URLs: `/{api}/…`, and `/{project}/{api}/…` for a project of its own.
//!
//! The prefix is taken off and the project becomes the request's label; what follows is the one way. A key that
//! fixes a project wins over the URL.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Path, Request, State},
    response::Response,
    routing::any,
};
use http::{HeaderName, HeaderValue, Uri, uri::PathAndQuery};
use tower::ServiceExt as _;

use super::error::Refusal;
use crate::domain::{ApiFamily, ErrorKind};

/// First segments that are no project's name.
const RESERVED: [&str; 11] =
    ["v1", "v1beta", "api", "health", "readyz", "metrics", "docs", "openai", "anthropic", "gemini", "ollama"];

const FAMILIES: [(&str, ApiFamily); 4] = [
    ("openai", ApiFamily::Openai),
    ("anthropic", ApiFamily::Anthropic),
    ("gemini", ApiFamily::Gemini),
    ("ollama", ApiFamily::Ollama),
];

/// `routes`, and the same under every API's and every project's own URL.
pub(super) fn with_prefixes(routes: Router) -> Router {
    let mut all = routes.clone();
    for (api, family) in FAMILIES {
        let below = routes
            .clone()
            .fallback(move || async move { nothing(family) })
            .method_not_allowed_fallback(move || async move { wrong_method(family) });
        let state = Below { routes: below, family };
        let bare = any(|State(below): State<Below>, request| async move { below.answer(request, None).await });
        let project = any(|State(below): State<Below>, Path(names): Path<Names>, request| async move {
            let project = names.into_iter().next().map(|(_, project)| project);
            below.answer(request, project).await
        });
        all = all
            .route(&format!("/{api}/{{*rest}}"), bare.with_state(state.clone()))
            .route(&format!("/{{project}}/{api}/{{*rest}}"), project.with_state(state));
    }
    all
}

/// What stands in a path, by name and decoded.
type Names = Vec<(String, String)>;

/// The endpoints below a prefix.
#[derive(Clone)]
struct Below {
    routes: Router,
    family: ApiFamily,
}

impl Below {
    /// Takes the prefix off, and puts the project that it names on the request.
    async fn answer(self, mut request: Request, project: Option<String>) -> Response {
        let segments = if project.is_some() { 2 } else { 1 };
        let Some(uri) = stripped(request.uri(), segments) else { return nothing(self.family) };
        if let Some(project) = project {
            let name = HeaderValue::from_bytes(project.as_bytes()).ok();
            let Some(name) = name.filter(|_| !RESERVED.contains(&&*project)) else { return nothing(self.family) };
            request.headers_mut().insert(HeaderName::from_static("x-project"), name);
        }
        if self.family == ApiFamily::Anthropic {
            // Lists of models come in the shape of the API that is meant.
            let version = HeaderName::from_static("anthropic-version");
            request.headers_mut().entry(version).or_insert(HeaderValue::from_static("2023-06-01"));
        }
        *request.uri_mut() = uri;
        // What this router read out of the path is not for the next one.
        let peer = request.extensions_mut().remove::<ConnectInfo<SocketAddr>>();
        request.extensions_mut().clear();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        self.routes.oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}

/// The URI without the first `segments` segments of its path.
fn stripped(uri: &Uri, segments: usize) -> Option<Uri> {
    let path = uri.path();
    let (at, _) = path.match_indices('/').nth(segments)?;
    let rest = path.get(at..)?;
    let target = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{rest}?{query}")),
        None => PathAndQuery::try_from(rest),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.ok()?);
    Uri::from_parts(parts).ok()
}

fn nothing(family: ApiFamily) -> Response {
    Refusal::new(ErrorKind::NotFound, "there is nothing at this path").response(family, "")
}

fn wrong_method(family: ApiFamily) -> Response {
    Refusal::new(ErrorKind::MethodNotAllowed, "this path does not answer that method").response(family, "")
}
