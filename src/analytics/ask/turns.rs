//! Turns of a conversation: whether one changed the question before or began anew is said, with the other reading beside
//! it, because both look alike.

use super::{Chip, ChipKind, Choice, Filter, Parsed, QuerySpec, Understood, texts};

/// Says of a fragment that it changed the question before; alone it may mean something, too.
pub(super) fn say_change(found: &mut Understood, alone: &Parsed) {
    let instead = match alone {
        Parsed::Understood(other) if other.spec != found.spec => {
            vec![Choice { text: "as a new question".to_owned(), spec: Box::new(other.spec.clone()) }]
        }
        _ => Vec::new(),
    };
    found.reading.insert(0, chip("changes the question before", instead));
}

/// Says of a question that it stands for itself, and offers to ask it of what the one before was about.
pub(super) fn say_new(found: &mut Understood, previous: &QuerySpec) {
    found.keeping = keeping(&found.spec, previous);
    found.reading.insert(0, chip("new question", found.keeping.iter().cloned().collect()));
}

fn chip(text: &str, instead: Vec<Choice>) -> Chip {
    Chip { kind: ChipKind::Conversation, text: text.to_owned(), span: None, assumed: false, without: None, instead }
}

/// The spec with the filters and the window of the one before, where it has none of its own.
fn keeping(spec: &QuerySpec, previous: &QuerySpec) -> Option<Choice> {
    let is_free = |filter: &&Filter| {
        filter.dimension.is_in(spec.view) && !spec.filters.iter().any(|own| own.dimension == filter.dimension)
    };
    let kept: Vec<Filter> = previous.filters.iter().filter(is_free).cloned().collect();
    let mut words: Vec<String> = kept.iter().map(texts::filter).collect();
    let mut with = spec.clone();
    with.filters.extend(kept);
    if previous.view == spec.view && spec.row_bounds.is_empty() {
        words.extend(previous.row_bounds.iter().map(texts::bound));
        with.row_bounds.clone_from(&previous.row_bounds);
    }
    let is_other = (previous.window.from_us, previous.window.to_us) != (spec.window.from_us, spec.window.to_us);
    if spec.window.assumed && !previous.window.assumed && is_other && spec.compare.is_none() {
        words.push(previous.window.label.clone());
        with.window = previous.window.clone();
    }
    let is_good = !words.is_empty() && with.check().is_ok();
    is_good.then(|| Choice { text: format!("keep {}", words.join(", ")), spec: Box::new(with) })
}
