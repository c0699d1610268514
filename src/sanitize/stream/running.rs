//! The texts that run through a stream, each over many events.

use super::{
    super::{
        body,
        carriers::{self, Carrier, fragments::Thread},
        screen::{Failure, Screen},
        text::{Form, Text},
        tree::Tree,
    },
    MAX_THREADS,
};
use crate::dialect::splice::Edit;

/// A text that goes on from event to event.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) thread: Thread,
    pub(super) text: Text,
    pub(super) place: String,
}

/// Judges the words of one event with their probabilities as a part of the answer that they repeat.
pub(super) fn tokens(
    screen: &mut Screen<'_>,
    threads: &mut Vec<Running>,
    thread: Thread,
    (tree, carrier): (&Tree<'_>, &Carrier),
    number: u64,
    edit: &mut impl FnMut(u64, Edit),
) -> Result<(), Failure> {
    let tokens = carriers::tokens(tree, carrier.node);
    let place = || carriers::place(tree, carrier.node);
    if body::are_others_changed(screen, &tokens, &place)? {
        edit(number, Edit { span: carrier.span.clone(), with: tokens.instead.into() });
    }
    let Running { text, place, .. } = running(threads, thread, || (Text::new(Form::Tokens), place()))?;
    for token in &tokens.chosen {
        text.push_part(token, number, carrier.span.clone(), tokens.instead);
    }
    screen.judge(text, false, &|| place.clone(), edit)
}

/// The text that a fragment goes on with; `made` makes it when the fragment is its first.
pub(super) fn running(
    threads: &mut Vec<Running>,
    thread: Thread,
    made: impl FnOnce() -> (Text, String),
) -> Result<&mut Running, Failure> {
    let known = threads.iter().position(|running| running.thread == thread);
    if known.is_none() && threads.len() >= MAX_THREADS {
        // Texts that have ended make room, the oldest first.
        let ended = threads.iter().position(|running| running.text.is_at_rest());
        threads.remove(ended.ok_or(Failure::TooMany(MAX_THREADS))?);
    }
    let index = known.unwrap_or_else(|| {
        let (text, place) = made();
        threads.push(Running { thread, text, place });
        threads.len() - 1
    });
    threads.get_mut(index).ok_or(Failure::TooMany(MAX_THREADS))
}
