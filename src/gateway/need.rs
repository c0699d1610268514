//! What a request needs of a model, read off its body. Counts are estimates.
//!
//! It looks for whole JSON strings: a word in quotes cannot stand inside another string, where the quotes
//! would be escaped. A wrong guess costs a better choice, never a wrong answer.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::LazyLock,
};

use aho_corasick::AhoCorasick;

use super::accept::{Inbound, InboundBody, Labels};
use crate::{
    dialect::{
        first_turns::first_turns,
        steer::{self, Steering},
    },
    domain::{Abilities, Ability, Endpoint},
    policy::Policy,
    routing::Need,
};

/// Words by which the APIs ask for an ability.
const WORDS: [(&str, Ability); 15] = [
    ("\"tools\"", Ability::Tools),
    ("\"functions\"", Ability::Tools),
    ("\"functionDeclarations\"", Ability::Tools),
    ("\"image_url\"", Ability::Vision),
    ("\"input_image\"", Ability::Vision),
    ("\"image\"", Ability::Vision),
    ("\"images\"", Ability::Vision),
    ("\"image/", Ability::Vision),
    ("\"input_audio\"", Ability::Audio),
    ("\"audio/", Ability::Audio),
    ("\"input_file\"", Ability::Documents),
    ("\"document\"", Ability::Documents),
    ("\"application/pdf\"", Ability::Documents),
    ("\"json_schema\"", Ability::JsonSchema),
    ("\"responseSchema\"", Ability::JsonSchema),
];

/// What finds them all in one pass. It is missing only if so few words were too many for it.
static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(WORDS.map(|(word, _)| word)).ok());

/// What the request needs.
pub(super) fn need(inbound: &Inbound) -> Need {
    let body = match &inbound.body {
        InboundBody::Whole { raw, plain } => Some(plain.as_ref().unwrap_or(raw)),
        InboundBody::Upload { .. } => None,
    };
    let read = inbound.steering.as_ref().zip(body).map(|(steering, body)| (steering, &**body));
    let need = needed(read, inbound.stream, inbound.text_tokens);
    Need { abilities: need.abilities.or(heard_or_spoken(inbound).into_iter().collect()), ..need }
}

/// What a model must be for, where the endpoint's name does not tell and its path does.
fn heard_or_spoken(inbound: &Inbound) -> Option<Ability> {
    match (inbound.endpoint, &*inbound.tail) {
        (Endpoint::Audio, "speech") => Some(Ability::Speech),
        (Endpoint::Audio, "transcriptions" | "translations") => Some(Ability::Transcription),
        _ => None,
    }
}

/// Reads what steers a body and what it needs: the model, whether a stream is asked for, the need.
///
/// # Errors
/// When the body cannot be understood, in words for people.
pub fn read_need(endpoint: Endpoint, body: &[u8]) -> Result<(Option<String>, bool, Need), String> {
    let steering = steer::read(endpoint, body).map_err(|error| error.to_string())?;
    let need = needed(Some((&steering, body)), steering.stream, steering.request_text_tokens);
    Ok((steering.model.map(|model| model.value), steering.stream, need))
}

/// `read` is what steers a body, and the body.
fn needed(read: Option<(&Steering, &[u8])>, stream: bool, input_tokens: u64) -> Need {
    let mut abilities = Abilities::NONE;
    if stream {
        abilities = abilities.with(Ability::Streaming);
    }
    if let (Some((_, body)), Some(finder)) = (read, &*FINDER) {
        for found in finder.find_iter(body) {
            if let Some((_, ability)) = WORDS.get(found.pattern().as_usize()) {
                abilities = abilities.with(*ability);
            }
        }
    }
    Need { input_tokens, max_output_tokens: read.and_then(|(steering, _)| steering.max_output_tokens), abilities }
}

/// Estimated prompt tokens, and the most output tokens that the client allows, if it says so.
pub(super) fn tokens(inbound: &Inbound) -> (u64, Option<u64>) {
    let max_output_tokens = inbound.steering.as_ref().and_then(|steering| steering.max_output_tokens);
    (inbound.text_tokens, max_output_tokens)
}

/// The session that a request belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    /// Where its seat is found.
    pub(super) id: u64,
    /// Whether it may have a seat already: the first request of a conversation has none, or another's that began alike.
    pub(super) goes_on: bool,
}

/// The session that a request belongs to, within what its caller may see: that of its label, else the conversation
/// that its body continues, where there is a choice of providers to stay with.
pub(super) fn session(labels: &Labels, key_id: Option<&str>, inbound: &Inbound, policy: &Policy) -> Option<Session> {
    let body = || match &inbound.body {
        InboundBody::Whole { raw, plain } if inbound.steering.is_some() => {
            Some((inbound.endpoint, std::str::from_utf8(plain.as_ref().unwrap_or(raw)).ok()?))
        }
        _ => None,
    };
    session_of(policy, (key_id, labels.project.as_deref()), labels.session_id.as_deref(), body)
}

/// The session that a request which is not made would go on with; `caller` is the key's id and `x-project`.
pub fn dry_session(
    policy: &Policy,
    caller: (Option<&str>, Option<&str>),
    label: Option<&str>,
    body: Option<(Endpoint, &str)>,
) -> Option<u64> {
    session_of(policy, caller, label, || body).filter(|session| session.goes_on).map(|session| session.id)
}

fn session_of<'b>(
    policy: &Policy,
    caller: (Option<&str>, Option<&str>),
    label: Option<&str>,
    body: impl FnOnce() -> Option<(Endpoint, &'b str)>,
) -> Option<Session> {
    let mut hasher = DefaultHasher::new();
    caller.hash(&mut hasher);
    if let Some(label) = label {
        label.hash(&mut hasher);
        return Some(Session { id: hasher.finish(), goes_on: true });
    }
    if !has_choice(policy) {
        return None;
    }
    let (endpoint, body) = body()?;
    let goes_on = first_turns(endpoint, body, &mut hasher)?;
    Some(Session { id: hasher.finish(), goes_on })
}

/// Whether requests of one API may go to more than one place.
fn has_choice(policy: &Policy) -> bool {
    !policy.config.models.is_empty() || policy.providers.iter().filter(|provider| provider.enabled).nth(1).is_some()
}
