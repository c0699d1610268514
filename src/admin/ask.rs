//! `/v1/ask`: questions about the records, in plain words or as a spec.
//!
//! Questions are counted and audited together with `/v1/sql`; the audit log holds the spec, not the words.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Extension, Json, extract::State};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::{
    auth::Admin,
    error::{ApiError, ErrorBody},
    extract::{Body, Nothing, Params},
    sql::{admit, surroundings},
    state::AdminState,
};
use crate::{
    analytics::ask::{
        Answer, AskError, Asker, Clock, Dimension, EXACT_FOR, Model, Names, QUESTION_BYTES_MAX, QuerySpec, Runner,
        names_of, starters,
    },
    domain::Timestamp,
    policy::Policy,
    store::{Action, Deed, Store, StoreError},
};

/// How old the names may be that questions are read by.
const NAMES_FOR: Duration = Duration::from_secs(10);
/// Names that are offered.
const NAMES_MAX: usize = 2_000;

/// What to ask: a question, or a spec as an answer bore it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskQuestion {
    /// In plain words, 2,000 bytes at most.
    #[schema(example = "what did we spend by team last month?")]
    question: Option<String>,
    /// The turns before, the last one last; a question may then be a fragment that changes the last spec.
    conversation: Option<Vec<AskTurn>>,
    /// The question as a spec, in the place of words.
    spec: Option<QuerySpec>,
}

/// A turn of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskTurn {
    /// What was asked.
    #[serde(default)]
    #[allow(dead_code, reason = "clients may keep it beside the spec; the spec says it all")]
    question: Option<String>,
    /// What it was understood as.
    spec: Option<QuerySpec>,
}

/// What can be asked about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AskSuggestions)]
pub(super) struct Suggestions {
    /// Questions that can be answered here.
    questions: Vec<String>,
    /// Names that questions may mention.
    names: Vec<SuggestedName>,
}

/// A name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AskName)]
struct SuggestedName {
    /// What it is of: `project`, `model`, `tag:env` …
    dimension: String,
    /// The name.
    name: String,
}

/// Ask a question
///
/// In plain words, which are read without a model where that is possible, or as a spec. The answer holds the rows, a
/// sentence, a chart, how the question was understood, and what to ask next; or why it was declined.
#[utoipa::path(
    post, path = "/v1/ask", operation_id = "ask", tag = "Ask", request_body = AskQuestion,
    responses(
        (status = 200, description = "The answer, or why there is none", body = Answer),
        (status = 400, description = "The question is too long, or the spec cannot be asked", body = ErrorBody),
        (status = 429, description = "Too many questions in a minute", body = ErrorBody),
        (status = 503, description = "Others are answered at present, or this gateway answers no questions", body = ErrorBody),
    )
)]
pub(super) async fn ask(
    State(state): State<AdminState>,
    Extension(admin): Extension<Admin>,
    Body(asked): Body<AskQuestion>,
) -> Result<Json<Answer>, ApiError> {
    let AskQuestion { question, conversation, spec } = asked;
    let policy = state.parts.policy.load();
    let asker = asker(&state, &policy).await?;
    let answer = match (question.as_deref().map(str::trim), spec) {
        (Some(question), None) if question.len() <= QUESTION_BYTES_MAX => {
            let previous = conversation.and_then(|turns| turns.into_iter().rev().find_map(|turn| turn.spec));
            asker.answer(question, previous.as_ref()).await
        }
        (Some(_), None) => {
            let message = format!("a question is {QUESTION_BYTES_MAX} bytes at most");
            return Err(ApiError::invalid("question", message));
        }
        (None, Some(spec)) => asker.answer_spec(spec).await,
        _ => return Err(ApiError::invalid("question", "send `question` or `spec`, one of them")),
    };
    let answer = answer?;
    let mut deed = Deed::done(Action::Ask, None);
    if let Some(spec) = answer.spec.as_ref().and_then(|spec| serde_json::to_value(spec).ok()) {
        deed.changes.insert("spec".to_owned(), spec);
    }
    if let Some(declined) = &answer.declined {
        deed.changes.insert("declined".to_owned(), serde_json::json!(declined.kind));
    }
    state.parts.store.control.log(&admin.actor(), &deed).await?;
    Ok(Json(answer))
}

/// Suggest questions
///
/// Questions that can be answered from what is recorded here, and the names that questions may mention.
#[utoipa::path(
    get, path = "/v1/ask/suggestions", operation_id = "getAskSuggestions", tag = "Ask",
    responses((status = 200, description = "Questions and names", body = Suggestions))
)]
pub(super) async fn suggestions(
    State(state): State<AdminState>,
    _none: Params<Nothing>,
) -> Result<Json<Suggestions>, ApiError> {
    let names = state.names.current(&state.parts.store, &state.parts.policy.load()).await?;
    let named = names.iter().take(NAMES_MAX);
    let named = named.map(|name| SuggestedName { dimension: name.dimension.to_string(), name: name.value.to_string() });
    Ok(Json(Suggestions { questions: starters(&names, &Clock::utc(Timestamp::now())), names: named.collect() }))
}

/// Who answers a question that is asked now; counts it.
async fn asker(state: &AdminState, policy: &Policy) -> Result<Asker, ApiError> {
    let sandbox = admit(state, policy).await?.clone();
    let settings = &policy.config.ask;
    let runner =
        Runner { sandbox, surroundings: surroundings(policy), deadline: settings.sql_timeout, exact_for: EXACT_FOR };
    let model = settings.model.as_ref().map(|name| Model {
        complete: Arc::clone(&state.parts.complete),
        name: name.clone(),
        key: settings.model_key.clone(),
        timeout: settings.model_timeout,
        free_sql: settings.free_sql,
        explain_with_rows: settings.explain_with_rows,
    });
    let names = state.names.current(&state.parts.store, policy).await?;
    Ok(Asker { runner, names, clock: Clock::utc(Timestamp::now()), model })
}

/// The names, read anew when they are old.
#[derive(Debug, Default)]
pub(super) struct NameCell(Mutex<Option<(Instant, Arc<Names>)>>);

impl NameCell {
    async fn current(&self, store: &Store, policy: &Policy) -> Result<Arc<Names>, StoreError> {
        let mut kept = self.0.lock().await;
        if let Some((_, names)) = kept.as_ref().filter(|(at, _)| at.elapsed() < NAMES_FOR) {
            return Ok(Arc::clone(names));
        }
        let labels = surroundings(policy).key_labels.into_iter().collect();
        let configured = policy.providers.iter().map(|provider| (Dimension::Provider, provider.id.clone()));
        let names = Arc::new(names_of(store.history.names().await?, &labels, configured));
        *kept = Some((Instant::now(), Arc::clone(&names)));
        Ok(names)
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Spec(why) => Self::invalid("spec", why.to_string()),
            AskError::Sandbox(error) => error.into(),
        }
    }
}
