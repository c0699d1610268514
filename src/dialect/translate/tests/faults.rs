//! Errors by status and words: what is vague yields to what says more.

use super::*;
use crate::dialect::translate::answer::FaultKind;

#[test]
fn an_error_means_what_its_words_say_and_else_what_its_status_says() {
    use FaultKind::{
        Authentication, ContextTooLong, InvalidRequest, NotFound, Overloaded, Quota, RateLimit, Server, Timeout,
    };
    let rows = [
        (429, r#"{"error":{"type":"api_error","message":"x"}}"#, RateLimit),
        (429, r#"{"error":{"type":"server_error","code":null,"message":"x"}}"#, RateLimit),
        (429, r#"{"error":{"type":"invalid_request_error","message":"x"}}"#, RateLimit),
        (429, r#"{"error":{"message":"x"}}"#, RateLimit),
        (429, r#"{"error":{"type":"odd","code":"odder"}}"#, RateLimit),
        (429, r#"{"error":"x"}"#, RateLimit),
        (429, r#"{"message":"x"}"#, RateLimit),
        (429, r#""x""#, RateLimit),
        (429, "x", RateLimit),
        (429, "", RateLimit),
        (429, "{}", RateLimit),
        (429, "[]", RateLimit),
        (429, r#"{"error":{"type":"insufficient_quota"}}"#, Quota),
        (400, r#"{"error":{"type":"api_error","message":"x"}}"#, InvalidRequest),
        (400, r#"{"error":{"type":"internal_server_error"}}"#, InvalidRequest),
        (400, r#"{"error":"x"}"#, InvalidRequest),
        (400, r#""x""#, InvalidRequest),
        (400, "", InvalidRequest),
        (422, r#"{"detail":"prompt is too long"}"#, ContextTooLong),
        (400, r#"{"error":{"type":"api_error","message":"maximum context length is 8"}}"#, ContextTooLong),
        (401, r#"{"error":{"type":"invalid_request_error","code":null}}"#, Authentication),
        (404, r#"{"error":{"type":"invalid_request_error"}}"#, NotFound),
        (503, r#"{"error":{"type":"server_error"}}"#, Overloaded),
        (529, r#"{"error":{"type":"api_error"}}"#, Overloaded),
        (504, r#"{"error":{"type":"server_error"}}"#, Timeout),
        (500, r#"{"error":{"type":"api_error","code":429}}"#, Server),
        (500, r#"{"error":{"type":"invalid_request_error"}}"#, InvalidRequest),
        (500, r#"{"error":{"type":"overloaded_error"}}"#, Overloaded),
        (502, "<html>429</html>", Server),
        (200, r#"{"error":{"code":429,"message":"x"}}"#, RateLimit),
        (200, r#"{"error":{"code":"529","message":"x"}}"#, Overloaded),
        (200, r#"{"error":{"code":1302,"message":"x"}}"#, Server),
        (200, r#"{"error":{"type":"invalid_request_error","code":"context_length_exceeded"}}"#, ContextTooLong),
    ];
    for (status, body, kind) in rows {
        assert_eq!(fault::read(status, body.as_bytes()).kind, kind, "{status} {body}");
    }
    for body in [r#""slow down""#, r#"{"error":"slow down"}"#, r#"{"detail":"slow down"}"#, "slow down"] {
        assert_eq!(fault::read(429, body.as_bytes()).message, "slow down", "{body}");
    }
}
