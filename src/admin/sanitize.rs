//! `/v1/sanitize`: tries a text or a body against rules, by the very code that requests go through.
//!
//! What is tried is never kept, and nothing of it reaches a log line.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{
    error::{ApiError, Code, ErrorBody},
    extract::{Body, Params},
    sanitization_body::{OverrideBody, refused},
    state::AdminState,
};
use crate::{
    config::Sanitization,
    dialect::splice::splice,
    domain::{Direction, Finding},
    policy::Policy,
    sanitize::{self, RuleSet, Tried, Vault},
};

/// What to try, and against which rules: exactly one of `text`, `request` and `response`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SanitizeQuestion {
    /// A text by itself.
    #[schema(example = "write to ada@lovelace.org")]
    text: Option<String>,
    /// The body of a request, of any API.
    #[schema(value_type = Option<Object>)]
    request: Option<Box<RawValue>>,
    /// The body of an answer that is no stream, of any API.
    #[schema(value_type = Option<Object>)]
    response: Option<Box<RawValue>>,
    /// Which way `text` goes: `request` (the default) or `response`.
    direction: Option<String>,
    /// Rules of their own in place of those in force; scanning is on unless they say otherwise.
    rules: Option<OverrideBody>,
    /// The rules in force for this key.
    key_id: Option<String>,
    /// The rules in force for this project.
    project: Option<String>,
}

/// What the sanitizer found and what it would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SanitizeAnswer)]
pub(super) struct SanitizeAnswer {
    /// Whether these rules look for anything at all.
    enabled: bool,
    /// Whether the request or the answer would be refused.
    blocked: bool,
    /// What was found, in order.
    findings: Vec<TriedFinding>,
    /// The text as it would go on; `null` when it would be refused, or when none was given.
    text: Option<String>,
    /// The request as it would go to the provider.
    #[schema(value_type = Option<Object>)]
    request: Option<Box<RawValue>>,
    /// The answer as it would go to the client.
    #[schema(value_type = Option<Object>)]
    response: Option<Box<RawValue>>,
    /// What placeholders of `mask` stand for.
    placeholders: BTreeMap<String, String>,
}

/// One match in a text, or the matches of one rule at one place of a body.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TriedFinding)]
struct TriedFinding {
    /// The rule's id, or the name of an own pattern.
    rule: String,
    /// What was found, as it stands in `[REDACTED|KIND]`.
    kind: String,
    /// `credentials`, `pii` or `custom`.
    category: &'static str,
    /// Which text, as a path into the body.
    place: String,
    /// What would be done: `log`, `redact`, `mask` or `block`.
    action: &'static str,
    /// Number of matches.
    count: u32,
    /// Where the match begins in `text`, in characters; for texts only.
    start: Option<usize>,
    /// Where it ends.
    end: Option<usize>,
}

/// Whose rules.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RulesParams {
    /// Those in force for this key.
    key_id: Option<String>,
    /// Those in force for this project.
    project: Option<String>,
}

/// Rules and what is done about their matches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SanitizeRules)]
pub(super) struct RulesView {
    /// Whether anything is scanned.
    enabled: bool,
    /// Longest match in bytes of text.
    max_match_bytes: usize,
    /// The built-in rules.
    rules: Vec<RuleView>,
    /// The operator's own patterns.
    patterns: Vec<PatternView>,
}

/// A built-in rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SanitizeRule)]
struct RuleView {
    /// Its id, a name for `actions`.
    id: &'static str,
    /// What stands in `[REDACTED|KIND]`, a name for `actions` too.
    kind: &'static str,
    /// `credentials` or `pii`.
    category: &'static str,
    /// What it finds.
    finds: &'static str,
    /// Where the format is described.
    source: &'static str,
    /// What is done about a match; `off` when it is not looked for.
    action: &'static str,
}

/// A pattern of the operator's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SanitizePattern)]
struct PatternView {
    /// Its name.
    name: String,
    /// The regular expression.
    pattern: String,
    /// What `redact` writes in the place of a match.
    replacement: String,
    /// `request`, `response` or `both`.
    apply_to: &'static str,
    /// What is done about a match; `off` when it is not looked for.
    action: &'static str,
}

/// Try the sanitizer
///
/// Finds what it would find in a text, a request or an answer and shows what would become of it, by the
/// rules in force (of a key or project, if one is named) or by rules that the call brings along.
#[utoipa::path(
    post, path = "/v1/sanitize", operation_id = "trySanitizer", tag = "Sanitizer", request_body = SanitizeQuestion,
    responses(
        (status = 200, description = "What was found and what would be done", body = SanitizeAnswer),
        (status = 400, description = "A field is unknown or wrong, or the body cannot be read as the sanitizer must", body = ErrorBody),
        (status = 404, description = "No key bears this id", body = ErrorBody),
    )
)]
pub(super) async fn attempt(
    State(state): State<AdminState>,
    Body(question): Body<SanitizeQuestion>,
) -> Result<Json<SanitizeAnswer>, ApiError> {
    let subject = Subject::of(&question)?;
    let policy = state.parts.policy.load();
    let whose = (question.key_id.as_deref(), question.project.as_deref());
    let settings = match &question.rules {
        None => settings_of(&policy, whose)?,
        Some(_) if whose != (None, None) => {
            let message = "`rules` and `key_id` or `project` are both given; give one";
            return Err(ApiError::invalid("rules", message));
        }
        Some(rules) => {
            let usual = Sanitization { enabled: true, ..Sanitization::default() };
            usual.with(&rules.checked("rules")?)
        }
    };
    // It takes time in proportion to the text, and the runtime's threads belong to all.
    let work = tokio::task::spawn_blocking(move || {
        let rules = policy.compiled(settings.clone()).map_err(|errors| refused("rules", &errors))?;
        subject.answer(&rules, settings.enabled)
    });
    work.await
        .map_err(|fault| {
            // What a panic says may hold the text.
            tracing::error!(panicked = fault.is_panic(), "the sanitizer failed on a text that was tried");
            ApiError::new(Code::Internal, "the sanitizer failed; the log says that it did")
        })?
        .map(Json)
}

/// List the sanitizer's rules
///
/// The built-in ones and the operator's own patterns, each with what is done about its matches.
#[utoipa::path(
    get, path = "/v1/sanitize/rules", operation_id = "listSanitizerRules", tag = "Sanitizer", params(RulesParams),
    responses(
        (status = 200, description = "The rules", body = RulesView),
        (status = 404, description = "No key bears this id", body = ErrorBody),
    )
)]
pub(super) async fn rules(
    State(state): State<AdminState>,
    Params(params, ..): Params<RulesParams>,
) -> Result<Json<RulesView>, ApiError> {
    let policy = state.parts.policy.load();
    let settings = settings_of(&policy, (params.key_id.as_deref(), params.project.as_deref()))?;
    let rules = policy.compiled(settings.clone()).map_err(|errors| refused("rules", &errors))?;
    let action = |id: &str| rules.action(id).as_str();
    Ok(Json(RulesView {
        enabled: settings.enabled,
        max_match_bytes: settings.max_match_bytes,
        rules: sanitize::all_rules()
            .iter()
            .map(|rule| RuleView {
                id: rule.id,
                kind: rule.kind,
                category: rule.category.as_str(),
                finds: rule.finds,
                source: rule.source,
                action: action(rule.id),
            })
            .collect(),
        patterns: settings
            .patterns
            .iter()
            .map(|pattern| PatternView {
                name: pattern.name.clone(),
                pattern: pattern.pattern.clone(),
                replacement: pattern
                    .replacement
                    .clone()
                    .unwrap_or_else(|| format!("[REDACTED|{}]", pattern.name.to_ascii_uppercase())),
                apply_to: pattern.apply_to.as_str(),
                action: action(&pattern.name),
            })
            .collect(),
    }))
}

/// The settings in force for a key and a project, if they are named.
fn settings_of(policy: &Policy, (key_id, project): (Option<&str>, Option<&str>)) -> Result<Sanitization, ApiError> {
    let Some(id) = key_id else { return Ok(policy.sanitization_for(None, project)) };
    let key = policy.keys.values().find(|key| &*key.id == id);
    let key = key.ok_or_else(ApiError::not_found)?;
    // As for a request: what the key fixes comes first.
    Ok(policy.sanitization_for(Some(key), key.project.as_deref().or(project)))
}

/// What is tried.
enum Subject {
    Text(String, Direction),
    Body(String, Direction),
}

impl Subject {
    fn of(question: &SanitizeQuestion) -> Result<Self, ApiError> {
        let direction = match question.direction.as_deref() {
            None => None,
            Some(name) => Some(
                Direction::parse(name)
                    .ok_or_else(|| ApiError::invalid("direction", "`direction` is neither `request` nor `response`"))?,
            ),
        };
        match (&question.text, &question.request, &question.response) {
            (Some(text), None, None) => Ok(Self::Text(text.clone(), direction.unwrap_or(Direction::Request))),
            (None, ..) if direction.is_some() => {
                Err(ApiError::invalid("direction", "`direction` goes with `text` only: a body's field tells it"))
            }
            (None, Some(body), None) => Ok(Self::Body(body.get().to_owned(), Direction::Request)),
            (None, None, Some(body)) => Ok(Self::Body(body.get().to_owned(), Direction::Response)),
            _ => Err(ApiError::invalid("text", "give exactly one of `text`, `request` and `response`")),
        }
    }

    fn answer(self, rules: &RuleSet, enabled: bool) -> Result<SanitizeAnswer, ApiError> {
        let mut vault = Vault::default();
        let mut answer = SanitizeAnswer {
            enabled,
            blocked: false,
            findings: Vec::new(),
            text: None,
            request: None,
            response: None,
            placeholders: BTreeMap::new(),
        };
        match self {
            Self::Text(text, direction) => {
                let Tried { text: result, matches } = sanitize::try_text(rules, direction, &text, &mut vault);
                answer.text = result;
                answer.blocked = answer.text.is_none();
                let mut characters = Characters { text: &text, byte: 0, count: 0 };
                for found in matches {
                    let (start, end) = (characters.before(found.range.start), characters.before(found.range.end));
                    answer.findings.push(TriedFinding {
                        start: Some(start),
                        end: Some(end),
                        ..found.finding(direction, "text").into()
                    });
                }
            }
            Self::Body(body, direction) => {
                let (field, checked) = match direction {
                    Direction::Request => ("request", sanitize::check_request(rules, body.as_bytes(), &mut vault)),
                    Direction::Response => ("response", sanitize::check_answer(rules, body.as_bytes(), &vault)),
                };
                let mut checked = checked
                    .map_err(|failure| ApiError::invalid(field, format!("`{field}` cannot be checked: {failure}")))?;
                answer.blocked = checked.report.blocked;
                answer.findings = checked.report.findings.into_iter().map(TriedFinding::from).collect();
                if !answer.blocked {
                    let result = splice(&Bytes::from(body), &mut checked.edits);
                    let result = String::from_utf8(result.to_vec()).map_err(|fault| ApiError::internal(&fault))?;
                    let result = RawValue::from_string(result).map_err(|fault| ApiError::internal(&fault))?;
                    let place =
                        if direction == Direction::Request { &mut answer.request } else { &mut answer.response };
                    *place = Some(result);
                }
            }
        }
        let entries = vault.entries().map(|(placeholder, original)| (placeholder.to_owned(), original.to_owned()));
        answer.placeholders = entries.collect();
        Ok(answer)
    }
}

/// Counts characters up to places that only grow.
struct Characters<'a> {
    text: &'a str,
    byte: usize,
    count: usize,
}

impl Characters<'_> {
    fn before(&mut self, byte: usize) -> usize {
        self.count += self.text.get(self.byte..byte).map_or(0, |part| part.chars().count());
        self.byte = byte;
        self.count
    }
}

impl From<Finding> for TriedFinding {
    fn from(found: Finding) -> Self {
        Self {
            rule: found.rule.to_string(),
            kind: found.kind.to_string(),
            category: found.category.as_str(),
            place: found.place.to_string(),
            action: found.action.as_str(),
            count: found.count,
            start: None,
            end: None,
        }
    }
}
