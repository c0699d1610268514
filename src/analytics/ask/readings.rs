//! Wordings and what they are read as, a row each: the ways that people say the same thing mean the same spec, and what
//! cannot be told is declined with questions that can.
//!
//! `question = sentence of the spec`, or `question = declined kind`; a row that begins with `>` follows the one before.

use super::{Examples, Parsed, QuerySpec, examples, parse, sentence};

const TABLE: &str = include_str!("readings.txt");

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split_once(" = ").unwrap())
}

/// Reads every row in its place; what it is read as.
fn read_all(mut each: impl FnMut(&str, &str, &Parsed)) {
    let Examples { clock, names, .. } = examples();
    let mut previous: Option<QuerySpec> = None;
    for (question, expected) in rows() {
        let fragment = question.strip_prefix("> ");
        let parsed =
            parse(fragment.unwrap_or(question), names, clock, previous.as_ref().filter(|_| fragment.is_some()));
        each(question, expected, &parsed);
        if let Parsed::Understood(found) = parsed {
            previous = Some(found.spec);
        }
    }
}

#[test]
fn every_wording_is_read_as_it_was_verified() {
    let clock = &examples().clock;
    let mut wrong = Vec::new();
    let mut count = 0;
    read_all(|question, expected, parsed| {
        count += 1;
        let found = match parsed {
            Parsed::Understood(found) => sentence(&found.spec, clock),
            Parsed::Partly { declined, .. } | Parsed::Declined(declined) => {
                format!("declined {}", serde_json::to_value(declined.kind).unwrap().as_str().unwrap())
            }
        };
        if found != expected {
            wrong.push(format!("{question}: {found}, not {expected}"));
        }
    });
    assert!(count > 140, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_offered_in_the_place_of_a_declined_question_is_answered() {
    let Examples { clock, names, .. } = examples();
    read_all(|question, _, parsed| {
        let (Parsed::Declined(declined) | Parsed::Partly { declined, .. }) = parsed else { return };
        assert!(!declined.r#try.is_empty(), "{question}");
        for instead in &declined.r#try {
            assert!(matches!(parse(instead, names, clock, None), Parsed::Understood(_)), "{question}: {instead}");
        }
    });
}

#[test]
fn a_turn_says_whether_it_began_anew_and_offers_the_other_reading() {
    let Examples { clock, names, .. } = examples();
    let read = |question: &str, previous: Option<&QuerySpec>| match parse(question, names, clock, previous) {
        Parsed::Understood(found) => found,
        other => panic!("{question}: {other:?}"),
    };
    let first = read("cost of south last week", None);
    assert!(first.reading.iter().all(|chip| chip.kind != super::ChipKind::Conversation));
    for question in ["how many requests", "error rate", "tokens by model", "p95 latency", "what did mira spend"] {
        let next = read(question, Some(&first.spec));
        let chip = next.reading.first().unwrap();
        assert_eq!((chip.kind, chip.text.as_str()), (super::ChipKind::Conversation, "new question"), "{question}");
        let kept = chip.instead.first().unwrap();
        assert_eq!(kept.text, "keep provider \"south\", last week", "{question}");
        assert_eq!((&kept.spec.window, kept.spec.measures.clone()), (&first.spec.window, next.spec.measures.clone()));
        assert!(kept.spec.filters.contains(&first.spec.filters[0]), "{question}");
        assert_eq!(next.keeping.as_ref(), Some(kept));
    }
    // What the new question says itself is not overruled.
    let own = read("how many requests to north yesterday", Some(&first.spec));
    assert!(own.keeping.is_none() && own.reading[0].instead.is_empty());
    for fragment in ["and by team?", "what about yesterday", "only mira", "as tokens"] {
        let next = read(fragment, Some(&first.spec));
        assert_eq!(next.reading[0].text, "changes the question before", "{fragment}");
        assert!(next.is_follow_up && next.keeping.is_none());
    }
}
