//! The faults of the check itself.

use super::*;

#[tokio::test]
async fn bar_33_a_check_that_panics_is_a_failed_check() {
    for is_large in [false, true] {
        let fault = contained(is_large, || -> Result<(), Failure> { panic!("a fault of ours") }).await.unwrap_err();
        assert!(matches!(fault, Fault::Panicked));
        assert_eq!(fault.refusal("the request").kind, ErrorKind::SanitizerFailed);
    }
}

#[test]
fn bar_33_a_guard_that_panics_ends_an_answer_that_is_edited_and_no_other() {
    let rules = |action: &str| {
        let mut settings = crate::config::Sanitization { enabled: true, ..Default::default() };
        settings.actions.push(("email".to_owned(), Action::parse(action).unwrap()));
        Arc::new(RuleSet::compile(&settings).unwrap())
    };
    for (action, ends) in [("log", false), ("redact", true)] {
        let watch = Watch::new(rules(action), Vault::default()).unwrap();
        let mut guard = AnswerGuard::new(watch.guard(Api::OpenaiChat, Framing::Sse));
        let out = guard.with(|_, _| panic!("a fault of ours"), 0);
        assert!(out.is_empty());
        assert_eq!(guard.end().map(|end| end.kind), ends.then_some(ErrorKind::SanitizerFailed));
        assert!(guard.feed(b"data: {}\n\n").is_empty(), "nothing leaves any more");
    }
}
