//! `/v1/signals`: how good answers were, in the words of those who got them.
//!
//! The one admin route that virtual keys may call too: each for its own records, and to it no others exist.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth,
    error::{ApiError, Code, ErrorBody},
    extract::{Body, Params},
    filter::time,
    page::{PageParams, seal},
    state::AdminState,
    words,
};
use crate::{
    analytics::{self, QualityView},
    domain::{KeyHash, Outcome, RecordId, Timestamp},
    policy::KeyFacts,
    store::{Signal, SignalError, SignalFilter, StoredRecord},
};

/// Longest name of a model or provider, in bytes.
const LONGEST_NAME: usize = 256;

/// Who may give signals.
pub(super) enum Teller {
    /// Of everything.
    Admin,
    /// Of its own records.
    Key(Arc<KeyFacts>),
}

impl FromRequestParts<AdminState> for Teller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AdminState) -> Result<Self, ApiError> {
        let policy = state.parts.policy.load();
        let key = presented(&parts.headers).find_map(|text| policy.keys.get(&KeyHash::of(text)));
        match key {
            None => auth::identify(state, &parts.headers).await.map(|_| Self::Admin),
            Some(key) if key.revoked || key.expires_at.is_some_and(|at| at <= Timestamp::now()) => {
                Err(ApiError::new(Code::Authentication, "this virtual key was revoked or has expired"))
            }
            Some(key) => Ok(Self::Key(Arc::clone(key))),
        }
    }
}

/// Every text that may be a virtual key.
fn presented(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let texts = |name: &'static str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let bearer = texts(header::AUTHORIZATION.as_str()).map(|text| match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text.trim(),
    });
    bearer.chain(texts("x-api-key").map(str::trim)).chain(texts("x-goog-api-key").map(str::trim))
}

/// What is said of an answer or of a model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSignal {
    /// The record it is about, as in the answer's `x-gateway-record`. Needed from virtual keys.
    record_id: Option<String>,
    /// The model it is about, for the admin, when it is about no record.
    model: Option<String>,
    /// The provider of `model`; left out, it is about the model wherever it runs.
    provider: Option<String>,
    /// What is judged, in a word of your own: 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
    #[schema(example = "thumbs")]
    kind: String,
    /// From 0 (bad) to 1 (good).
    #[schema(minimum = 0, maximum = 1)]
    score: f64,
    /// What the model was used for, in a word like `kind`; the record's profile when left out.
    #[schema(example = "coding")]
    task: Option<String>,
    /// Up to 2,000 characters, kept as they are. One that holds what looks like a credential is refused.
    comment: Option<String>,
}

/// What somebody said of an answer or of a model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Signal)]
pub(super) struct SignalView {
    /// Its id.
    #[schema(example = "sig_0190163d8694739baea5966c26f8ad91")]
    id: String,
    /// When it was said.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The record it is about.
    record_id: Option<String>,
    /// The provider it is about; `null` is any.
    provider: Option<String>,
    /// The model it is about.
    model: String,
    /// What it was used for.
    task: Option<String>,
    /// What was judged.
    kind: String,
    /// From 0 (bad) to 1 (good).
    score: f64,
    /// The project of the record or the key.
    project: Option<String>,
    /// The virtual key that gave it; `null` for the admin.
    key_id: Option<String>,
    /// What else was said, as it was written: show it as text.
    comment: Option<String>,
}

impl From<Signal> for SignalView {
    fn from(signal: Signal) -> Self {
        let Signal { seq: _, id, at, record_id, provider, model, task, kind, score, project, key_id, comment } = signal;
        let record_id = record_id.map(|id| id.to_string());
        Self { id, at, record_id, provider, model, task, kind, score, project, key_id, comment }
    }
}

/// Give a signal
///
/// How good an answer was, or how good a model is. Signals move what layer 4 of the routing believes of a model's
/// quality. Whoever says the same kind of thing of the same record and task again changes his mind.
#[utoipa::path(
    post, path = "/v1/signals", operation_id = "createSignal", tag = "Signals", request_body = NewSignal,
    responses(
        (status = 201, description = "The signal", body = SignalView),
        (status = 400, description = "A field is unknown or wrong; `param` names it", body = ErrorBody),
        (status = 404, description = "No record of the caller's bears this id", body = ErrorBody),
        (status = 409, description = "There are as many signals as can be kept", body = ErrorBody),
    )
)]
pub(super) async fn create(
    State(state): State<AdminState>,
    teller: Teller,
    Body(new): Body<NewSignal>,
) -> Result<(StatusCode, Json<SignalView>), ApiError> {
    let kind = words::name("kind", new.kind)?;
    let task = new.task.map(|task| words::name("task", task)).transpose()?;
    if !(0.0..=1.0).contains(&new.score) {
        return Err(ApiError::invalid("score", "`score` must be 0 to 1"));
    }
    let comment = new.comment.map(|text| words::read("comment", text, &state.parts.policy.load())).transpose()?;
    let (key_id, key_project) = match &teller {
        Teller::Admin => (None, None),
        Teller::Key(key) => (Some(key.id.to_string()), key.project.as_deref().map(str::to_owned)),
    };
    let mut signal = Signal {
        seq: 0,
        id: format!("sig_{}", RecordId::new().to_string().replace('-', "")),
        at: Timestamp::now(),
        record_id: None,
        provider: None,
        model: String::new(),
        task,
        kind,
        score: new.score,
        project: key_project,
        key_id,
        comment,
    };
    match (new.record_id, new.model) {
        (Some(id), None) if new.provider.is_none() => {
            let stored = own_record(&state, &teller, &id).await?;
            describe(&mut signal, &stored)?;
        }
        (Some(_), _) => return Err(ApiError::invalid("model", "a record names its model itself; give one of the two")),
        (None, _) if matches!(teller, Teller::Key(_)) => {
            return Err(ApiError::invalid(
                "record_id",
                "`record_id` is needed: a virtual key speaks of its own records",
            ));
        }
        (None, None) => return Err(ApiError::invalid("record_id", "give `record_id` or `model`")),
        (None, Some(model)) => {
            signal.model = long_name("model", model)?;
            signal.provider = new.provider.map(|provider| long_name("provider", provider)).transpose()?;
        }
    }
    match state.parts.store.recorder.say(signal).await {
        Ok(signal) => Ok((StatusCode::CREATED, Json(signal.into()))),
        Err(SignalError::Full(why)) => Err(ApiError::new(Code::Conflict, why)),
        Err(SignalError::Store(fault)) => Err(fault.into()),
    }
}

/// The record, if the caller may know of it.
async fn own_record(state: &AdminState, teller: &Teller, id: &str) -> Result<StoredRecord, ApiError> {
    let id = RecordId::parse(id).ok_or_else(ApiError::not_found)?;
    let store = &state.parts.store;
    let stored = match store.history.record(id).await? {
        Some(stored) => stored,
        None => {
            // Who has just got the answer may be faster than the writer.
            store.recorder.flush().await?;
            store.history.record(id).await?.ok_or_else(ApiError::not_found)?
        }
    };
    let is_own = match teller {
        Teller::Admin => true,
        Teller::Key(key) => stored.record.key_id.as_deref() == Some(&*key.id),
    };
    if is_own { Ok(stored) } else { Err(ApiError::not_found()) }
}

/// Fills in what the record tells.
fn describe(signal: &mut Signal, stored: &StoredRecord) -> Result<(), ApiError> {
    let record = &stored.record;
    let is_answered = matches!(record.outcome, Outcome::Ok | Outcome::ClientDisconnected);
    // The name by which it was asked, as the router knows it, and not the one it gives itself.
    let asked = record.attempts.last().and_then(|attempt| attempt.model.clone());
    let Some(model) = asked.or_else(|| record.model.clone()).filter(|_| is_answered) else {
        return Err(ApiError::invalid("record_id", "nothing answered this request, so there is nothing to judge"));
    };
    let text = |name: &Option<Arc<str>>| name.as_deref().map(str::to_owned);
    signal.record_id = Some(record.id);
    signal.model = model.to_string();
    signal.provider = text(&record.provider);
    signal.project = text(&record.project);
    signal.task = signal.task.take().or_else(|| text(&record.profile));
    Ok(())
}

fn long_name(param: &str, text: String) -> Result<String, ApiError> {
    if !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains(char::is_control) {
        return Ok(text);
    }
    Err(ApiError::invalid(param, format!("`{param}` must be 1 to {LONGEST_NAME} characters")))
}

/// Which signals; what is left out lets all pass.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SignalParams {
    /// The record they are about.
    #[serde(default, deserialize_with = "record_id")]
    #[param(value_type = Option<String>)]
    record_id: Option<RecordId>,
    /// The provider they are about.
    provider: Option<String>,
    /// The model they are about.
    model: Option<String>,
    /// What it was used for.
    task: Option<String>,
    /// What was judged.
    kind: Option<String>,
    /// The project of the record or the key.
    project: Option<String>,
    /// Said at this moment or later (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Said before this moment (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

fn record_id<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<RecordId>, D::Error> {
    let text = String::deserialize(reader)?;
    RecordId::parse(&text).map(Some).ok_or_else(|| D::Error::custom("expected the id of a record"))
}

/// What is believed of the models, and what people said of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Signals {
    /// What is believed of each model, by task; on the first page only. Filtered by provider, model and task alone.
    models: Vec<QualityView>,
    /// What people said, newest first.
    data: Vec<SignalView>,
    /// Give this as `cursor` to get the next page; `null` at the end.
    next_cursor: Option<String>,
}

/// List signals
///
/// What is believed of each model from benchmarks and signals together, and the signals that people gave, newest
/// first. How calls ended counts by itself and is told in sums only.
#[utoipa::path(
    get, path = "/v1/signals", operation_id = "listSignals", tag = "Signals", params(SignalParams, PageParams),
    responses(
        (status = 200, description = "A page of signals", body = Signals),
        (status = 400, description = "A query parameter is unknown or wrong; `param` names it", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(state): State<AdminState>,
    Params(params, page, ..): Params<SignalParams, PageParams>,
) -> Result<Json<Signals>, ApiError> {
    let SignalParams { record_id, provider, model, task, kind, project, from, to } = params;
    let before = page.cursor(|text| text.parse::<i64>().ok())?;
    let history = &state.parts.store.history;
    let mut models = Vec::new();
    if before.is_none() {
        let fits = |wanted: &Option<String>, has: Option<&str>| wanted.as_deref().is_none_or(|name| has == Some(name));
        models = analytics::assess(history, &state.parts.policy.load()).await?;
        models.retain(|view| {
            fits(&provider, view.provider.as_deref())
                && fits(&model, Some(&view.model))
                && fits(&task, view.task.as_deref())
        });
    }
    let filter = SignalFilter { record_id, provider, model, task, kind, project, from, to };
    let (signals, more) = history.signals(&filter, before, page.limit()?).await?;
    let next_cursor = signals.last().filter(|_| more).map(|last| seal(&last.seq.to_string()));
    Ok(Json(Signals { models, data: signals.into_iter().map(SignalView::from).collect(), next_cursor }))
}
