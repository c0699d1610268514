//! The parser: a question becomes the form, with the reason for each part of it.
//!
//! Words are accounted for one by one; what is left over at the end is named, never dropped.

use super::{
    Clock, Correction, DeclineKind, Declined, Names, Parsed, QuerySpec, Understood, UnknownWord, contexts,
    draft::Draft,
    explain, follow_up,
    link::{self, Item, What},
    refusals,
    senses::Sense,
    tokens::{self, QUESTION_BYTES_MAX},
    turns, typos,
    vocabulary::VOCABULARY,
};

/// Questions that can be answered whatever the names are.
const ALWAYS: [&str; 2] = ["cost this month by model", "error rate today"];
/// Most words of a question.
const TOKENS_MAX: usize = 300;

/// Reads a question. With the spec of the question before, a fragment ("and by team?") changes that one. Questions that
/// are offered in the place of one that is declined can be answered.
pub fn parse(question: &str, names: &Names, clock: &Clock, previous: Option<&QuerySpec>) -> Parsed {
    let mut parsed = read_question(question, names, clock, previous);
    if let Parsed::Declined(declined) | Parsed::Partly { declined, .. } = &mut parsed {
        let is_good = |text: &String| matches!(read_question(text, names, clock, None), Parsed::Understood(_));
        declined.r#try.retain(is_good);
        if declined.r#try.is_empty() {
            declined.r#try = ALWAYS.map(str::to_owned).to_vec();
        }
    }
    parsed
}

fn read_question(question: &str, names: &Names, clock: &Clock, previous: Option<&QuerySpec>) -> Parsed {
    if question.len() > QUESTION_BYTES_MAX {
        return decline(DeclineKind::NoQuestion, format!("the question is longer than {QUESTION_BYTES_MAX} bytes"));
    }
    let mut tokens = tokens::tokens(question);
    if tokens.is_empty() || tokens.len() > TOKENS_MAX {
        return decline(DeclineKind::NoQuestion, "nothing is asked".to_owned());
    }
    if let Some(declined) = refusals::refusal(question, &tokens, names) {
        return Parsed::Declined(declined);
    }
    let corrections = typos::repair(&mut tokens, question, names);
    // A slip of the pen hides no order.
    if let Some(declined) = refusals::refusal(question, &tokens, names) {
        return Parsed::Declined(declined);
    }
    let mut items = link::items(&tokens, names, clock);
    contexts::settle(&mut items, previous);
    let Some(previous) = previous else { return read(items, names, clock, None, corrections) };
    let is_fragment = follow_up::is_fragment(&items);
    let alone = if is_fragment { Some(read(items.clone(), names, clock, None, Vec::new())) } else { None };
    let mut parsed = read(items, names, clock, Some(previous).filter(|_| is_fragment), corrections);
    if let Parsed::Understood(found) | Parsed::Partly { best: Some(found), .. } = &mut parsed {
        match alone {
            Some(alone) => turns::say_change(found, &alone),
            None => turns::say_new(found, previous),
        }
    }
    parsed
}

fn read(
    items: Vec<Item>,
    names: &Names,
    clock: &Clock,
    previous: Option<&QuerySpec>,
    corrections: Vec<Correction>,
) -> Parsed {
    let mut draft = Draft::new(items, names, clock, previous);
    draft.read_times();
    draft.read_filters();
    draft.read_bounds();
    draft.read_rank();
    draft.read_rows();
    draft.read_groups();
    draft.read_side_by_side();
    draft.read_measures();
    draft.read_share();
    if let Some(previous) = previous {
        draft.inherit(previous);
    }
    draft.settle();
    draft.say_other_readings();
    if let Some(declined) = draft.refusal.take() {
        return Parsed::Declined(declined);
    }
    let unexplained = unknown_words(&draft);
    let best = understood(&draft, corrections);
    if !unexplained.is_empty() {
        let declined = explain_unknown(&draft, &unexplained);
        return Parsed::Partly { best: best.ok(), unexplained, declined };
    }
    match best {
        Ok(understood) => Parsed::Understood(understood),
        Err(why) => decline(DeclineKind::NoQuestion, why),
    }
}

fn understood(draft: &Draft<'_>, corrections: Vec<Correction>) -> Result<Understood, String> {
    let Some(window) = draft.window.clone() else { return Err("no time could be made out".to_owned()) };
    let spec = draft.spec(window);
    if spec.measures.is_empty() && !spec.rows {
        return Err("it is not said what to measure, such as cost, requests, tokens, latency or errors".to_owned());
    }
    spec.check().map_err(|error| error.to_string())?;
    let reading = explain::chips(&spec, draft);
    Ok(Understood {
        spec,
        reading,
        assumptions: {
            let mut said: Vec<String> = Vec::new();
            for assumption in &draft.assumptions {
                if !said.contains(assumption) {
                    said.push(assumption.clone());
                }
            }
            said
        },
        corrections,
        is_follow_up: draft.previous.is_some(),
        keeping: None,
    })
}

fn decline(kind: DeclineKind, reason: String) -> Parsed {
    let r#try = ALWAYS.map(str::to_owned).to_vec();
    Parsed::Declined(Declined { kind, reason, r#try, page: None })
}

/// The words that nothing was made of.
fn unknown_words(draft: &Draft<'_>) -> Vec<UnknownWord> {
    let is_open = |item: &&Item| !item.is_used && !is_free(item);
    draft
        .items
        .iter()
        .filter(is_open)
        .map(|item| {
            let nearest = typos::alike(
                &item.text,
                draft.names.iter().map(|n| n.value).collect::<Vec<_>>().iter().map(|v| &**v),
                0.0,
            );
            UnknownWord { word: item.text.clone(), span: item.span, nearest }
        })
        .collect()
}

/// Whether a word says nothing when nothing was made of it.
fn is_free(item: &Item) -> bool {
    match &item.what {
        What::Word(sense) => matches!(
            sense,
            Sense::Stop
                | Sense::And
                | Sense::Link
                | Sense::Which
                | Sense::HowMany
                | Sense::HowMuch
                | Sense::Same
                | Sense::Also
                | Sense::WhatAbout
                | Sense::List
                | Sense::Only
                | Sense::By
        ),
        _ => false,
    }
}

/// What to say of words that are not known.
fn explain_unknown(draft: &Draft<'_>, unexplained: &[UnknownWord]) -> Declined {
    let first = unexplained.first();
    let place = first.and_then(|word| draft.items.iter().position(|item| item.span == word.span));
    let dimension = place.and_then(|at| {
        let is_unknown = draft.items.get(at).is_some_and(|item| matches!(item.what, What::Unknown));
        let beside = [Some(at + 1), at.checked_sub(1)].into_iter().flatten();
        beside.filter(|_| is_unknown).find_map(|place| draft.items.get(place)?.dimension()).cloned()
    });
    let word = first.map_or("", |word| word.word.as_str());
    if let Some(dimension) = dimension {
        let of: Vec<_> = draft.names.of(&dimension).collect();
        let nearest = typos::alike(word, of.iter().map(|value| &***value), 0.0);
        let name = super::texts::dimension(&dimension);
        let hint = if nearest.is_empty() { String::new() } else { format!("; did you mean {}?", nearest.join(", ")) };
        let r#try = nearest.iter().take(2).map(|near| format!("usage of {name} \"{near}\"")).collect();
        return Declined {
            kind: DeclineKind::UnknownName,
            reason: format!("there is no {name} named \"{word}\"{hint}"),
            r#try,
            page: None,
        };
    }
    let words: Vec<String> = unexplained.iter().map(|word| format!("\"{}\"", word.word)).collect();
    let vocabulary: Vec<&str> =
        VOCABULARY.words().filter(|known| known.len() > 3 && !VOCABULARY.is_stop(known)).collect();
    let nearest: Vec<String> = first
        .map(|word| {
            let names = draft.names.iter().map(|name| name.value).collect::<Vec<_>>();
            typos::alike(&word.word, names.iter().map(|value| &**value).chain(vocabulary), typos::LIKE)
        })
        .unwrap_or_default();
    Declined {
        kind: DeclineKind::UnknownWord,
        reason: format!(
            "nothing is known by the word{} {}{}",
            if words.len() == 1 { "" } else { "s" },
            words.join(", "),
            if nearest.is_empty() { String::new() } else { format!("; near to it are {}", nearest.join(", ")) }
        ),
        r#try: vec!["cost this month by model".to_owned(), "requests yesterday by project".to_owned()],
        page: None,
    }
}
