//! Which action counts, and what is refused.

use super::*;
use crate::{
    config::{ApplyTo, SanitizationPattern},
    sanitize::{Effect, RuleError},
};

fn own(name: &str, pattern: &str) -> SanitizationPattern {
    SanitizationPattern {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        replacement: None,
        apply_to: ApplyTo::Both,
        action: None,
    }
}

fn settings(change: impl FnOnce(&mut Sanitization)) -> Sanitization {
    let mut settings = Sanitization { enabled: true, ..Sanitization::default() };
    change(&mut settings);
    settings
}

/// What is done about an address.
fn email_action(settings: &Sanitization) -> Option<Action> {
    let rules = RuleSet::compile(settings).unwrap();
    scan(&rules, "to ada@lovelace.org").first().map(|one| one.action)
}

fn act(name: &str, action: Action) -> (String, Action) {
    (name.to_owned(), action)
}

#[test]
fn the_presets_and_the_more_specific_name_decide() {
    use Action::{Block, Log, Mask, Off, Redact};
    type Case = (bool, bool, &'static [(&'static str, Action)], Option<Action>);
    let cases: [Case; 12] = [
        (false, false, &[], None),
        (true, false, &[], Some(Redact)),
        (false, true, &[], Some(Block)),
        (true, true, &[("pii", Off)], None),
        (false, true, &[("pii", Redact)], Some(Block)),
        (false, true, &[("email", Log)], Some(Block)),
        (false, true, &[("email", Off)], None),
        (false, false, &[("pii", Mask)], Some(Mask)),
        (false, false, &[("PII", Mask), ("EMAIL", Log)], Some(Log)),
        (false, false, &[("email", Log), ("pii", Mask)], Some(Log)),
        (true, false, &[("email", Off)], None),
        (true, false, &[("email", Log), ("email", Block)], Some(Block)),
    ];
    for (redact_pii, compliance_gate, actions, expected) in cases {
        let stated = actions.iter().map(|(name, action)| act(name, *action)).collect();
        let settings =
            settings(|all| (all.redact_pii, all.compliance_gate, all.actions) = (redact_pii, compliance_gate, stated));
        assert_eq!(email_action(&settings), expected, "{redact_pii} {compliance_gate} {actions:?}");
    }
}

#[test]
fn disabled_does_nothing_and_the_default_only_observes() {
    let off = RuleSet::compile(&Sanitization::default()).unwrap();
    assert_eq!(off.effect(Direction::Request), Effect::Nothing);
    let usual = RuleSet::compile(&settings(|_| ())).unwrap();
    assert_eq!(usual.effect(Direction::Response), Effect::Observes);
}

#[test]
fn own_patterns_apply_where_they_say_and_write_what_they_say() {
    let mut one = own("ticket", r"TICKET-\d+");
    (one.apply_to, one.replacement) = (ApplyTo::Request, Some("[T$0]".to_owned()));
    let rules = RuleSet::compile(&settings(|all| (all.scan_credentials, all.patterns) = (false, vec![one]))).unwrap();
    assert_eq!(rules.effect(Direction::Response), Effect::Nothing);
    let found = scan(&rules, "see TICKET-42.");
    assert_eq!(
        (found[0].range.clone(), found[0].rule.replacement(), found[0].action),
        (4..13, "[T$0]", Action::Redact)
    );
    assert_eq!((&**found[0].rule.id(), &**found[0].rule.kind()), ("ticket", "TICKET"));
}

#[test]
fn a_statement_about_an_own_pattern_beats_its_action() {
    let mut one = own("ticket", "TICKET");
    one.action = Some(Action::Block);
    for (actions, expected) in [
        (vec![], Action::Block),
        (vec![act("custom", Action::Log)], Action::Block),
        (vec![act("ticket", Action::Log)], Action::Log),
    ] {
        let settings = settings(|all| (all.patterns, all.actions) = (vec![one.clone()], actions));
        assert_eq!(scan(&RuleSet::compile(&settings).unwrap(), "TICKET")[0].action, expected);
    }
}

#[test]
fn what_is_only_logged_hides_nothing_that_is_replaced() {
    let mut log = own("long", "[a-z0-9.@ ]+");
    log.action = Some(Action::Log);
    let settings = settings(|all| (all.redact_pii, all.patterns) = (true, vec![log]));
    let found = scan(&RuleSet::compile(&settings).unwrap(), "write to ada@lovelace.org today");
    let names: Vec<_> = found.iter().map(|one| one.rule.id().to_string()).collect();
    assert_eq!(names, ["email", "long"]);
}

#[test]
fn wrong_patterns_are_refused_with_place_and_reason() {
    for (pattern, reason) in [
        ("a(b", "character 2: unclosed group"),
        ("x*", "empty text"),
        (r"\b", "empty text"),
        ("[a&&b]", "never match"),
        ("(?:a{1000}){1000}", "larger than"),
        (r"(a)\1", "backreferences"),
        ("a(?=b)", "look-around"),
    ] {
        let error = RuleSet::compile(&settings(|all| all.patterns = vec![own("mine", pattern)])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("\"mine\"") && text.contains(reason), "{pattern}: {text}");
    }
}

#[test]
fn unknown_names_are_refused_with_names_that_look_alike() {
    let error = RuleSet::compile(&settings(|all| all.actions = vec![act("emial", Action::Log)])).unwrap_err();
    let RuleError::UnknownName { name, close } = &error else { panic!("{error}") };
    assert_eq!((name.as_str(), close[0].as_str()), ("emial", "email"));
    assert!(error.to_string().contains("did you mean email"), "{error}");
}
