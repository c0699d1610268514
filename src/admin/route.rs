//! `/v1/records/{id}/route` and `/v1/route`: why a request went where it went, where one would go, and what other
//! rules would have changed.
//!
//! A dry run goes through the very code that requests go through. It calls nobody, makes no record and moves no
//! counter.

use axum::{Json, extract::State};

use super::{
    error::{ApiError, Code, ErrorBody},
    extract::{Body, Id},
    route_body::{Compare, ReplayQuestion, RouteAnswer, RouteQuestion, RoutedRequest, drafted},
    state::AdminState,
};
use crate::{
    analytics::{self, DecisionView, Replay, ReplayView, Rerun, RouteView},
    config::Provider,
    domain::{RecordId, Timestamp},
    policy::{Drafted, Inquiry, Policy, RoutingRules},
    routing::{self, Considered, Observed, Trace},
    store::{RecordFilter, StoredRecord},
};

/// How far a replay looks back when nothing is said.
const REPLAYED_US: i64 = 24 * 3_600_000_000;

/// Show how a request was routed
///
/// The decision with every layer, candidate, reason and score, made again from the facts that were kept; and the
/// upstream calls that followed.
#[utoipa::path(
    get, path = "/v1/records/{id}/route", operation_id = "getRecordRoute", tag = "Routing",
    params(("id" = String, Path, description = "The record's id, as in the response header `x-gateway-record`")),
    responses(
        (status = 200, description = "How it was routed", body = RouteView),
        (status = 404, description = "No record bears this id, or it was never routed", body = ErrorBody),
    )
)]
pub(super) async fn show(State(state): State<AdminState>, Id(id): Id) -> Result<Json<RouteView>, ApiError> {
    let (stored, bytes) = stored(&state, &id).await?;
    Ok(Json(RouteView::new(&stored, &read(&bytes)?)))
}

/// Decide where a request would go
///
/// A dry run, of a request that might be made or of one that was, under the rules in force or under a draft.
#[utoipa::path(
    post, path = "/v1/route", operation_id = "tryRoute", tag = "Routing", request_body = RouteQuestion,
    responses(
        (status = 200, description = "The decision; nobody to ask is a decision too", body = RouteAnswer),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 404, description = "No record bears this id, or it was never routed", body = ErrorBody),
    )
)]
pub(super) async fn attempt(
    State(state): State<AdminState>,
    Body(question): Body<RouteQuestion>,
) -> Result<Json<RouteAnswer>, ApiError> {
    let policy = state.parts.policy.load();
    let compare = question.compare()?;
    let (draft, warnings) = drafted(question.draft.as_deref(), &policy)?.unzip();
    let warnings = warnings.unwrap_or_default();
    let asked = Asked { state: &state, policy: &policy, draft: draft.as_ref(), compare };
    let answer = match question.record_id.as_deref() {
        Some(id) => {
            question.only_record()?;
            let (stored, bytes) = stored(&state, id).await?;
            asked.again(&stored, &read(&bytes)?)
        }
        None => asked.hypothetical(question)?,
    };
    Ok(Json(RouteAnswer { warnings, ..answer }))
}

/// Decide past requests anew
///
/// What the rules in force, or a draft, would have made of the requests of a window: how many would have gone
/// elsewhere first, from where to where, what that would have cost and how long it would have taken. Ends by itself
/// after 20 seconds with what it has; `complete` tells.
#[utoipa::path(
    post, path = "/v1/route/replay", operation_id = "replayRoutes", tag = "Routing", request_body = ReplayQuestion,
    responses(
        (status = 200, description = "What would have changed", body = ReplayView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 409, description = "Another replay is under way", body = ErrorBody),
    )
)]
pub(super) async fn replay(
    State(state): State<AdminState>,
    Body(question): Body<ReplayQuestion>,
) -> Result<Json<ReplayView>, ApiError> {
    let policy = state.parts.policy.load();
    let (drafted, _) = drafted(question.draft.as_deref(), &policy)?.unzip();
    let mut filter = RecordFilter::from(question.filters);
    for (name, stated, inner) in [("from", question.from, &mut filter.from), ("to", question.to, &mut filter.to)] {
        if stated.is_some() && inner.is_some() {
            return Err(ApiError::invalid(name, format!("give `{name}` once, beside `filters` or in them")));
        }
        *inner = stated.or(*inner);
    }
    let to = *filter.to.get_or_insert_with(Timestamp::now);
    filter.from.get_or_insert(Timestamp { unix_us: to.unix_us.saturating_sub(REPLAYED_US) });
    // It takes a core for seconds; the way of requests has the other ones.
    let Ok(_turn) = state.replays.clone().try_acquire_owned() else {
        return Err(ApiError::retry_after(Code::Conflict, "another replay is under way; try again when it is done", 5));
    };
    let replay = Replay { policy, drafted, filter, live: state.parts.lookout.live() };
    Ok(Json(analytics::replay(state.parts.store.history.clone(), replay).await?))
}

/// A record and its stored trace.
async fn stored(state: &AdminState, id: &str) -> Result<(StoredRecord, Vec<u8>), ApiError> {
    let history = &state.parts.store.history;
    let id = RecordId::parse(id).ok_or_else(ApiError::not_found)?;
    let stored = history.record(id).await?.ok_or_else(ApiError::not_found)?;
    let bytes = history.route(stored.seq).await?.ok_or_else(|| {
        let why = "this record has no routing trace: the request was refused before it was routed, or it is from \
                   before traces were kept";
        ApiError::new(Code::NotFound, why)
    })?;
    Ok((stored, bytes))
}

fn read(bytes: &[u8]) -> Result<Trace<'_>, ApiError> {
    Trace::read(bytes).map_err(|fault| ApiError::new(Code::NotFound, fault.to_string()))
}

/// A dry run.
struct Asked<'a> {
    state: &'a AdminState,
    policy: &'a Policy,
    draft: Option<&'a Drafted>,
    compare: Option<Compare>,
}

impl<'a> Asked<'a> {
    fn rules(&self) -> RoutingRules<'a> {
        self.draft.map_or_else(|| self.policy.routing_rules(), Drafted::rules)
    }

    /// Decides a recorded request anew.
    fn again(&self, stored: &StoredRecord, trace: &Trace<'_>) -> RouteAnswer {
        let record = &stored.record;
        let key = record.key_id.as_deref().and_then(|id| self.policy.key_by_id(id));
        let rerun = Rerun { record, trace, key: key.map(|key| &**key) };
        let lookout = &self.state.parts.lookout;
        let live = rerun.live(self.policy, &lookout.live());
        let moment = lookout.moment();
        // Who was no candidate then is not blamed for what befalls it now.
        let now = |provider: &Provider, model: Option<&str>| {
            let request = (record.endpoint, &trace.facts.need);
            let seen = lookout.observe(self.policy, request, (provider, model), None, moment.at);
            Observed { availability: routing::Availability::default(), warm: false, ..seen }
        };
        let decide = |rules| view(rerun.consider(self.policy, rules, &live, moment, now));
        let compared = self.compare.map(|compare| match compare {
            Compare::Active => decide(self.policy.routing_rules()),
            Compare::Recorded => DecisionView::of_trace(trace),
        });
        let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().map(str::to_owned);
        let request = RoutedRequest {
            record_id: Some(record.id),
            endpoint: record.endpoint.as_str(),
            client_api: record.client_api.as_str(),
            model: text(&record.model_requested),
            profile: trace.profile_wanted.as_deref().map(str::to_owned),
            provider: trace.provider_wanted.as_deref().map(str::to_owned),
            project: text(&record.project),
            tags: record.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            key_id: text(&record.key_id),
            stream: record.stream,
        };
        self.answer(request, decide(self.rules()), compared)
    }

    /// Decides a request that might be made.
    fn hypothetical(&self, question: RouteQuestion) -> Result<RouteAnswer, ApiError> {
        let lookout = &self.state.parts.lookout;
        let moment = lookout.moment();
        let endpoint = question.endpoint()?;
        let read = question.read(endpoint, &**lookout)?;
        let key = question.key(self.policy, moment.at)?;
        let inquiry = Inquiry {
            fallbacks: &[],
            endpoint,
            model: read.model.as_deref(),
            profile: question.profile.as_deref(),
            provider_wanted: question.provider.as_deref(),
            key: key.map(|key| &**key),
            // What the key fixes holds whatever the request says.
            project: key.and_then(|key| key.project.as_deref()).or(question.project.as_deref()),
        };
        let live = routing::heard(&self.policy.question(self.rules(), inquiry, &[]), &lookout.live());
        let caller = (key.map(|key| &*key.id), question.project.as_deref());
        let body = question.body.as_deref().map(|body| (endpoint, body.get()));
        let session = lookout.session(self.policy, caller, question.session_id.as_deref(), body);
        let now = |provider: &Provider, model: Option<&str>| {
            lookout.observe(self.policy, (endpoint, &read.need), (provider, model), session, moment.at)
        };
        let decide = |rules| {
            let question = self.policy.question(rules, inquiry, &live);
            view(routing::consider(&question, read.need, moment, now))
        };
        let compared = self.compare.map(|_| decide(self.policy.routing_rules()));
        let decision = decide(self.rules());
        let fixed_project = key.and_then(|key| key.project.as_deref().map(str::to_owned));
        let request = RoutedRequest {
            record_id: None,
            endpoint: endpoint.as_str(),
            client_api: endpoint.api().as_str(),
            stream: read.stream,
            model: read.model,
            profile: question.profile,
            provider: question.provider,
            project: fixed_project.or(question.project),
            tags: question.tags.unwrap_or_default(),
            key_id: question.key_id,
        };
        Ok(self.answer(request, decision, compared))
    }

    fn answer(&self, request: RoutedRequest, decision: DecisionView, compared: Option<DecisionView>) -> RouteAnswer {
        RouteAnswer {
            request,
            rules: if self.draft.is_some() { "draft" } else { "active" },
            warnings: Vec::new(),
            compared_with: self.compare.map(Compare::as_str),
            moved: compared.as_ref().map(|compared| compared.first() != decision.first()),
            decision,
            compared,
        }
    }
}

fn view(considered: Considered<'_>) -> DecisionView {
    let Considered { facts, decision, refusal, .. } = considered;
    DecisionView::new(&facts, &decision, refusal.map(|refusal| refusal.to_string()))
}
