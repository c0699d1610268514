//! What a dry run is asked, and what it answers.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    error::ApiError,
    filter::RecordParams,
    lookout::{Lookout, ReadBody},
};
use crate::{
    analytics::DecisionView,
    config::RoutingDraft,
    domain::{Abilities, Ability, Api, Endpoint, RecordId, Timestamp},
    policy::{Drafted, KeyFacts, Policy},
    routing::Need,
};

/// A request that might be made, or one that was (`record_id`, and then nothing else of a request).
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteQuestion {
    /// A request that was made: it is decided anew, by what was known then.
    pub(super) record_id: Option<String>,
    /// The endpoint that would be called, such as `chat_completions`, which it is when nothing says otherwise.
    #[schema(example = "chat_completions")]
    pub(super) endpoint: Option<String>,
    /// In place of `endpoint`: the API that the client would speak, such as `anthropic`.
    pub(super) client_api: Option<String>,
    /// The body that would be sent. Model, stream and needs are read out of it; it is not kept.
    #[schema(value_type = Option<Object>)]
    pub(super) body: Option<Box<RawValue>>,
    /// The model as the client would name it; it wins over the body's.
    #[schema(example = "auto:coding")]
    pub(super) model: Option<String>,
    /// Header `x-profile`.
    pub(super) profile: Option<String>,
    /// Header `x-provider`.
    pub(super) provider: Option<String>,
    /// Header `x-session-id`: a session stays where it was served last. Without one, a `body` that goes on with a
    /// conversation stays where that was.
    pub(super) session_id: Option<String>,
    /// Header `x-project`. Sessions are kept apart by it.
    pub(super) project: Option<String>,
    /// Tags. No rule of routing looks at them yet; they are told back.
    pub(super) tags: Option<BTreeMap<String, String>>,
    /// Id of the virtual key that would be used.
    pub(super) key_id: Option<String>,
    /// Whether a stream would be asked for; it wins over the body's.
    pub(super) stream: Option<bool>,
    /// Prompt tokens, in place of the estimate from the body.
    pub(super) input_tokens: Option<u64>,
    /// The most output tokens that the client allows, in place of the body's.
    pub(super) max_output_tokens: Option<u64>,
    /// What the request uses (`tools`, `vision`, …), in place of what the body shows.
    pub(super) abilities: Option<Vec<String>>,
    /// Rules to try: an object with any of `routing`, `models` and `profiles` as the config file has them. What it
    /// leaves out stands as it is in force.
    #[schema(value_type = Option<Object>)]
    pub(super) draft: Option<Box<RawValue>>,
    /// What to set beside it: `active`, the rules in force; or `recorded`, what was decided when the record was made.
    pub(super) compare: Option<String>,
}

/// Which requests to decide anew, and under which rules.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayQuestion {
    /// Started at this moment or later (RFC 3339); 24 hours before `to` when left out.
    #[serde(default, deserialize_with = "super::filter::time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) from: Option<Timestamp>,
    /// Started before this moment (RFC 3339); now when left out.
    #[serde(default, deserialize_with = "super::filter::time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) to: Option<Timestamp>,
    /// The filters of `GET /v1/records`, by the same names.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) filters: RecordParams,
    /// Rules to try: see `POST /v1/route`. The rules in force when left out.
    #[schema(value_type = Option<Object>)]
    pub(super) draft: Option<Box<RawValue>>,
}

/// Where a request would go. Nothing was called, recorded or counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RouteAnswer)]
pub(super) struct RouteAnswer {
    /// The request as the router sees it.
    pub(super) request: RoutedRequest,
    /// The rules it was decided under: `active` or `draft`.
    pub(super) rules: &'static str,
    /// What is doubtful about the draft.
    pub(super) warnings: Vec<String>,
    /// The decision.
    pub(super) decision: DecisionView,
    /// What it is compared with: `active` or `recorded`.
    pub(super) compared_with: Option<&'static str>,
    /// That decision.
    pub(super) compared: Option<DecisionView>,
    /// Whether another target goes first than in the compared decision.
    pub(super) moved: Option<bool>,
}

/// A request as the router sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoutedRequest {
    /// The record that it was, if it was one.
    #[schema(value_type = Option<String>)]
    pub(super) record_id: Option<RecordId>,
    /// The endpoint.
    pub(super) endpoint: &'static str,
    /// The API that the client speaks.
    pub(super) client_api: &'static str,
    /// The model as the client names it.
    pub(super) model: Option<String>,
    /// Header `x-profile`.
    pub(super) profile: Option<String>,
    /// Header `x-provider`.
    pub(super) provider: Option<String>,
    /// Project.
    pub(super) project: Option<String>,
    /// Tags.
    pub(super) tags: BTreeMap<String, String>,
    /// Id of the virtual key.
    pub(super) key_id: Option<String>,
    /// Whether a stream is asked for.
    pub(super) stream: bool,
}

/// What a dry run is set beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// The rules in force.
    Active,
    /// What was decided then.
    Recorded,
}

impl Compare {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Recorded => "recorded",
        }
    }
}

impl RouteQuestion {
    /// What to compare with.
    pub(super) fn compare(&self) -> Result<Option<Compare>, ApiError> {
        match (self.compare.as_deref(), &self.record_id) {
            (None, _) => Ok(None),
            (Some("active"), _) => Ok(Some(Compare::Active)),
            (Some("recorded"), Some(_)) => Ok(Some(Compare::Recorded)),
            (Some("recorded"), None) => {
                Err(ApiError::invalid("compare", "`recorded` is for a `record_id`: nothing else was decided before"))
            }
            _ => Err(ApiError::invalid("compare", "`compare` must be `active` or `recorded`")),
        }
    }

    /// Refuses what would speak of another request than the record's.
    pub(super) fn only_record(&self) -> Result<(), ApiError> {
        let others = [
            ("endpoint", self.endpoint.is_some()),
            ("client_api", self.client_api.is_some()),
            ("body", self.body.is_some()),
            ("model", self.model.is_some()),
            ("profile", self.profile.is_some()),
            ("provider", self.provider.is_some()),
            ("session_id", self.session_id.is_some()),
            ("project", self.project.is_some()),
            ("tags", self.tags.is_some()),
            ("key_id", self.key_id.is_some()),
            ("stream", self.stream.is_some()),
            ("input_tokens", self.input_tokens.is_some()),
            ("max_output_tokens", self.max_output_tokens.is_some()),
            ("abilities", self.abilities.is_some()),
        ];
        match others.iter().find(|(_, is_stated)| *is_stated) {
            Some((name, _)) => Err(ApiError::invalid(*name, format!("`record_id` says it all: leave `{name}` out"))),
            None => Ok(()),
        }
    }

    /// The endpoint that would be called.
    pub(super) fn endpoint(&self) -> Result<Endpoint, ApiError> {
        let one_of = |names: &[&str]| format!("expected one of {}", names.join(", "));
        match (self.endpoint.as_deref(), self.client_api.as_deref()) {
            (Some(_), Some(_)) => Err(ApiError::invalid("client_api", "give `endpoint` or `client_api`, not both")),
            (Some(name), None) => Endpoint::parse(name)
                .ok_or_else(|| ApiError::invalid("endpoint", one_of(&Endpoint::ALL.map(Endpoint::as_str)))),
            (None, Some(name)) => Api::parse(name)
                .map(usual_endpoint)
                .ok_or_else(|| ApiError::invalid("client_api", one_of(&Api::ALL.map(Api::as_str)))),
            (None, None) => Ok(Endpoint::ChatCompletions),
        }
    }

    /// What the request says and needs.
    pub(super) fn read(&self, endpoint: Endpoint, lookout: &dyn Lookout) -> Result<ReadBody, ApiError> {
        let mut read = match &self.body {
            Some(body) => {
                let read = lookout.read(endpoint, body.get().as_bytes());
                read.map_err(|fault| ApiError::invalid("body", fault))?
            }
            None => ReadBody { model: None, stream: false, need: Need::default() },
        };
        if self.model.is_some() {
            read.model.clone_from(&self.model);
        }
        if let Some(names) = &self.abilities {
            read.need.abilities = abilities(names)?;
        }
        if let Some(stream) = self.stream {
            read.stream = stream;
            let without = read.need.abilities.without(Abilities::NONE.with(Ability::Streaming));
            read.need.abilities = if stream { without.with(Ability::Streaming) } else { without };
        }
        read.need.input_tokens = self.input_tokens.unwrap_or(read.need.input_tokens);
        read.need.max_output_tokens = self.max_output_tokens.or(read.need.max_output_tokens);
        Ok(read)
    }

    /// The virtual key that would be used.
    pub(super) fn key<'p>(&self, policy: &'p Policy, now: Timestamp) -> Result<Option<&'p Arc<KeyFacts>>, ApiError> {
        let Some(id) = self.key_id.as_deref() else { return Ok(None) };
        let key = policy.key_by_id(id).ok_or_else(|| ApiError::invalid("key_id", "no virtual key bears this id"))?;
        if key.revoked || key.expires_at.is_some_and(|at| at <= now) {
            let message = "this key is revoked or has expired: its requests are refused before they are routed";
            return Err(ApiError::invalid("key_id", message));
        }
        Ok(Some(key))
    }
}

/// Reads a draft against the policy in force, with what is doubtful about it.
pub(super) fn drafted(draft: Option<&RawValue>, policy: &Policy) -> Result<Option<(Drafted, Vec<String>)>, ApiError> {
    let Some(draft) = draft else { return Ok(None) };
    let (draft, warnings) = RoutingDraft::from_json(draft.get(), "draft", &policy.providers)
        .map_err(|errors| ApiError::invalid("draft", errors.to_string()))?;
    Ok(Some((policy.drafted(draft), warnings)))
}

fn abilities(names: &[String]) -> Result<Abilities, ApiError> {
    let read = |name: &String| {
        Ability::parse(name).ok_or_else(|| {
            ApiError::invalid(
                "abilities",
                format!("expected a list of {}", Ability::ALL.map(Ability::as_str).join(", ")),
            )
        })
    };
    names.iter().map(read).collect()
}

const fn usual_endpoint(api: Api) -> Endpoint {
    match api {
        Api::OpenaiChat => Endpoint::ChatCompletions,
        Api::OpenaiResponses => Endpoint::Responses,
        Api::OpenaiEmbeddings => Endpoint::Embeddings,
        Api::Openai => Endpoint::Completions,
        Api::Anthropic => Endpoint::Messages,
        Api::Gemini => Endpoint::GenerateContent,
        Api::Ollama => Endpoint::OllamaChat,
    }
}
