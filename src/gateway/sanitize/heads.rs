//! What is text besides bodies: queries, paths and headers of requests, headers of answers.
//!
//! Only what goes on is looked at. What says how a body is to be read stays: it is made of numbers and the names of
//! types, and whoever changed it would change what the body says.

use std::panic::AssertUnwindSafe;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{Fault, Watch, named};
use crate::{
    domain::{Action, ErrorKind},
    gateway::{
        accept::Inbound,
        call::{HOP_BY_HOP, forwarded},
        error::Refusal,
        record::OpenRecord,
    },
    sanitize::{self, CheckedText, Effect, Failure, Report, RuleSet, Vault},
};

/// Headers that describe a body in forms of their own, or go nowhere.
static FORMAL: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::ACCEPT_ENCODING,
    header::TRANSFER_ENCODING,
    header::SET_COOKIE,
];

/// Whether a header is nothing but numbers, moments and the like, by its name and by its value.
fn is_formal(name: &HeaderName, value: &[u8]) -> bool {
    FORMAL.contains(name)
        || (*name == header::AGE && value.iter().all(u8::is_ascii_digit))
        || (*name == header::DATE && has_form(value, b"aaa, 00 aaa 0000 00:00:00 GMT"))
        || (name == "traceparent" && has_form(value, b"xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx"))
}

/// Whether a value is written in a form: `a` is any letter, `0` any digit, `x` any hexadecimal digit in lower case.
fn has_form(value: &[u8], form: &[u8]) -> bool {
    let fits = |(byte, sign): (&u8, &u8)| match sign {
        b'a' => byte.is_ascii_alphabetic(),
        b'0' => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
        sign => byte == sign,
    };
    value.len() == form.len() && value.iter().zip(form).all(fits)
}

/// What becomes of a head.
#[derive(Default)]
struct Changes {
    query: Option<String>,
    /// By the header's place among all.
    headers: Vec<(usize, Option<HeaderValue>)>,
    report: Report,
}

impl Changes {
    /// Takes a result over; what stands in its text's place.
    fn add(&mut self, checked: CheckedText) -> Option<String> {
        self.join(checked.report);
        checked.text
    }

    fn join(&mut self, report: Report) {
        self.report.blocked |= report.blocked;
        self.report.findings.extend(report.findings);
    }

    fn header(&mut self, place: usize, checked: CheckedText) {
        if let Some(text) = self.add(checked) {
            // What cannot stand in a header is left out.
            self.headers.push((place, HeaderValue::from_bytes(text.as_bytes()).ok()));
        }
    }

    fn apply(&mut self, headers: &mut HeaderMap) {
        if self.headers.is_empty() {
            return;
        }
        let mut changed = HeaderMap::with_capacity(headers.len());
        for (place, (name, value)) in headers.iter().enumerate() {
            match self.headers.iter().find(|(known, _)| *known == place) {
                None => drop(changed.append(name, value.clone())),
                Some((_, Some(value))) => drop(changed.append(name, value.clone())),
                Some((_, None)) => {}
            }
        }
        *headers = changed;
    }
}

/// Checks what of a request's address and headers goes on. What is masked goes into `vault`.
pub(super) fn request(
    rules: &RuleSet,
    inbound: &mut Inbound,
    record: &mut OpenRecord,
    vault: &mut Vault,
) -> Result<(), Refusal> {
    let check = || -> Result<Changes, Failure> {
        let mut changes = Changes::default();
        changes.join(sanitize::check_path(rules, &inbound.tail)?);
        if let Some(model) = &inbound.model_named {
            let report = sanitize::check_model(rules, model)?;
            // In a body it is found once more.
            let is_in_body = inbound.steering.as_ref().is_some_and(|steering| steering.model.is_some());
            if report.blocked || !is_in_body {
                changes.join(report);
            }
        }
        if let Some(query) = &inbound.query {
            changes.query = changes.add(sanitize::check_query(rules, query, vault)?);
        }
        let goes_on = forwarded(&inbound.headers);
        for (place, (name, value)) in inbound.headers.iter().enumerate() {
            if goes_on.contains_key(name) && !is_formal(name, value.as_bytes()) {
                let checked = sanitize::check_header(rules, name.as_str(), value.as_bytes(), vault)?;
                changes.header(place, checked);
            }
        }
        Ok(changes)
    };
    let changes = contained(check);
    let mut changes = match changes {
        Ok(changes) => changes,
        Err(fault) if rules.effect(crate::domain::Direction::Request) == Effect::Edits => {
            return Err(fault.refusal("the request"));
        }
        Err(_) => return Ok(()),
    };
    let refusal =
        changes.report.blocked.then(|| Refusal::new(ErrorKind::ContentBlocked, named("the request", &changes.report)));
    record.found(std::mem::take(&mut changes.report.findings));
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    if changes.query.is_some() {
        inbound.query = changes.query.take();
    }
    changes.apply(&mut inbound.headers);
    Ok(())
}

impl Watch {
    /// Checks the headers of an answer before anything is read out of them.
    pub(crate) fn head(&self, headers: &mut HeaderMap, record: &mut OpenRecord) -> Result<(), Refusal> {
        let check = || -> Result<Changes, Failure> {
            let mut changes = Changes::default();
            for (place, (name, value)) in headers.iter().enumerate() {
                if !HOP_BY_HOP.contains(name) && !is_formal(name, value.as_bytes()) {
                    let checked =
                        sanitize::check_answer_header(&self.rules, name.as_str(), value.as_bytes(), &self.vault)?;
                    changes.header(place, checked);
                }
            }
            Ok(changes)
        };
        let mut changes = match contained(check) {
            Ok(changes) => changes,
            Err(fault) if self.edits => return Err(fault.refusal("the answer")),
            Err(_) => return Ok(()),
        };
        let blocked = changes.report.findings.iter().any(|found| found.action == Action::Block);
        let refusal = blocked.then(|| Refusal::new(ErrorKind::ContentBlocked, named("the answer", &changes.report)));
        record.found(std::mem::take(&mut changes.report.findings));
        changes.apply(headers);
        refusal.map_or(Ok(()), Err)
    }
}

/// Runs a check so that its panic is a failure of the check alone.
fn contained<T>(check: impl FnOnce() -> Result<T, Failure>) -> Result<T, Fault> {
    std::panic::catch_unwind(AssertUnwindSafe(check)).map_err(|_| Fault::Panicked)?.map_err(Fault::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_of_its_header_is_not_looked_at() {
        let is_formal =
            |name: &'static str, value: &str| super::is_formal(&HeaderName::from_static(name), value.as_bytes());
        for (name, value) in [
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("age", "17"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("content-length", "12"),
        ] {
            assert!(is_formal(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("date", "jo@acme-corp.io"),
            ("date", "Sun, jo@acme-corp.io 49:37 GMT"),
            ("age", "jo@acme-corp.io"),
            ("traceparent", "00-jo@acme-corp.io"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-jo@acme-corp.io"),
            ("x-note", "17"),
        ] {
            assert!(!is_formal(name, value), "{name}: {value}");
        }
    }
}
