//! The law of the window: the same matches for every split of a text.

use proptest::prelude::*;

use super::*;
use crate::{
    config::{ApplyTo, SanitizationPattern},
    sanitize::LOOK_BACK,
};

type Found = Vec<(usize, usize, String)>;

fn whole(rules: &RuleSet, text: &str) -> Found {
    let name = |one: Match| (one.range.start, one.range.end, one.rule.id().to_string());
    scan(rules, text).into_iter().map(name).collect()
}

/// Feeds `text` in pieces that end at `cuts`, and keeps of what is settled only what must be kept.
fn in_pieces(rules: &RuleSet, text: &str, cuts: &[usize]) -> Found {
    let (mut window, mut dropped, mut from) = (String::new(), 0, 0);
    let (mut all, mut fed) = (Vec::new(), 0);
    let ends = cuts.iter().copied().chain([text.len()]);
    for end in ends {
        window.push_str(&text[fed..end]);
        fed = end;
        let mut found = Vec::new();
        let settled = rules.scan(Direction::Request, &window, from, end == text.len(), &mut found);
        assert!(settled >= from && settled <= window.len() && window.is_char_boundary(settled));
        let mut last = from;
        for one in found {
            assert!(one.range.start >= last && one.range.end <= settled, "{one:?} lies outside {last}..{settled}");
            last = one.range.end;
            all.push((one.range.start + dropped, one.range.end + dropped, one.rule.id().to_string()));
        }
        let cut = window.floor_char_boundary(settled.saturating_sub(LOOK_BACK));
        window.drain(..cut);
        dropped += cut;
        from = settled - cut;
        if end == text.len() {
            assert_eq!(from, window.len());
        }
    }
    all
}

/// Rule sets of all sorts.
fn sets() -> Vec<RuleSet> {
    let mut mixed = everything(Action::Redact);
    mixed.actions.push(("credentials".to_owned(), Action::Log));
    let own = |name: &str, pattern: &str, action| SanitizationPattern {
        name: name.to_owned(),
        pattern: pattern.to_owned(),
        replacement: None,
        apply_to: ApplyTo::Both,
        action: Some(action),
    };
    mixed.patterns = vec![
        own("ticket", r"\bTICKET-\d+(?:-\pL{2,8})?\b", Action::Redact),
        own("quoted", r#"secret:\s*"[^"]*""#, Action::Log),
        own("line", r"(?m)^#note:.*$", Action::Block),
        own("either", r"foo|foobar|bar+z", Action::Redact),
    ];
    let mut short = mixed.clone();
    short.max_match_bytes = 70;
    [everything(Action::Redact), mixed, short].iter().map(|settings| RuleSet::compile(settings).unwrap()).collect()
}

const TALK: [&str; 22] = [
    "\u{a0}",
    "\u{200b}",
    "\u{200b}\u{ad}\u{2060}\u{feff}\u{200c}",
    "4111\u{a0}1111\u{200b}1111\u{2011}1111",
    "ｊｏ＠ａｃｍｅ\u{2013}corp．io",
    "phone: ５５５\u{2013}12\u{2013}",
    " ",
    "\n",
    ", and then ",
    "The quick brown fox. ",
    "price: 12,50 €; ",
    "ключ: ",
    "密钥是",
    "🙂",
    "\"key\": \"",
    "\"",
    "TICKET-1234-Ünï ",
    "secret: \"a b c\"",
    "\n#note: all of it\n",
    "foobarrz",
    "=",
    "sk-",
];

fn pieces_of_text() -> impl Strategy<Value = String> {
    let examples: Vec<String> = all_rules()
        .iter()
        .flat_map(|rule| rule.matches.iter().chain(rule.misses))
        .map(|example| unmarked(example).0)
        .chain(TALK.map(str::to_owned))
        .collect();
    let piece = prop_oneof![
        2 => proptest::sample::select(examples),
        3 => proptest::sample::select(TALK.as_slice()).prop_map(str::to_owned),
        1 => "[ -~äß\n]{0,12}",
    ];
    proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

#[test]
fn every_example_at_every_single_split() {
    for (rules, most) in sets().into_iter().zip([120, 12, 12]) {
        for rule in all_rules() {
            for example in rule.matches {
                let text = format!("Nun, {}: é", unmarked(example).0);
                // Long examples are cut at fewer places here; random cuts follow below.
                let step = (text.len() / most).max(1);
                let expected = whole(&rules, &text);
                for cut in (0..text.len()).step_by(step).filter(|cut| text.is_char_boundary(*cut)) {
                    assert_eq!(in_pieces(&rules, &text, &[cut]), expected, "{} cut at {cut}: {text:?}", rule.id);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn any_split_yields_the_matches_of_the_whole(
        text in pieces_of_text(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        is_bytewise in any::<bool>(),
    ) {
        thread_local! { static SETS: Vec<RuleSet> = sets(); }
        let mut places: Vec<usize> = if is_bytewise && text.len() < 250 {
            (1..text.len()).filter(|at| text.is_char_boundary(*at)).collect()
        } else {
            cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect()
        };
        places.sort_unstable();
        SETS.with(|sets| {
            for rules in sets {
                prop_assert_eq!(in_pieces(rules, &text, &places), whole(rules, &text));
            }
            Ok(())
        })?;
    }
}
