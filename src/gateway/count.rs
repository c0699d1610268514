//! Counting tokens for models whose provider does not: our own estimate, marked as one.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{
    accept::Inbound,
    answer::{Answer, AnswerBody},
    translate,
};
use crate::{dialect::translate::count, routing::Plan};

/// Says that the answer was estimated here, and not counted by a provider.
const ESTIMATED: HeaderName = HeaderName::from_static("x-gateway-estimated");

/// The answer, if the request is to be counted and who would be asked first does not count.
pub(super) fn estimate(inbound: &Inbound, plan: &Plan) -> Option<Answer> {
    let target = plan.targets.first().filter(|_| inbound.endpoint.is_counting())?;
    if target.api == inbound.endpoint.api() || translate::counts(target) {
        return None;
    }
    let bytes = count::write_reply(inbound.endpoint.api(), inbound.text_tokens).into();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ESTIMATED, HeaderValue::from_static("true"));
    Some(Answer::new(StatusCode::OK, headers, AnswerBody::Kept { bytes, is_stream: false }))
}
