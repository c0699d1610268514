//! What plugins of this house may do wrong, and what becomes of it.

use std::{path::PathBuf, sync::Arc};

use super::*;
use crate::{
    config::{self, LoadOptions},
    dialect::translate::answer::{Block, Delta, Event, Finish, FinishReason},
    domain::Endpoint,
};

/// How a plugin behaves.
#[derive(Clone, Debug)]
enum Way {
    PanicsWhenAsked,
    PanicsLater,
    Hangs,
    Says(Verdict),
    /// Says its name in the shared data and goes on.
    Signs(&'static str),
}

#[derive(Debug)]
struct Scripted(Way);

impl Scripted {
    fn rule<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        match &self.0 {
            Way::PanicsWhenAsked => panic!("at once"),
            Way::PanicsLater => Box::pin(async {
                tokio::task::yield_now().await;
                panic!("later")
            }),
            Way::Hangs => Box::pin(std::future::pending()),
            Way::Says(verdict) => ruled(Ok(verdict.clone())),
            Way::Signs(name) => {
                context.data.insert((*name).to_owned(), context.data.len().into());
                ruled(Ok(Verdict::Continue))
            }
        }
    }
}

impl Plugin for Scripted {
    fn hooks(&self) -> Hooks {
        Hooks::of(&[Hook::BeforeModel, Hook::AfterChunk])
    }

    fn before_model<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.rule(context)
    }

    fn after_chunk<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.rule(context)
    }
}

/// A chain of plugins that behave so and are `open` or `closed` to their failures.
fn running(ways: &[(Way, &str)]) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let blocks = ways.iter().enumerate().map(|(place, (_, fail))| {
        format!("[[plugins]]\nname = \"p{place}\"\ntype = \"logger\"\nfail = \"{fail}\"\ntimeout_ms = 50\n")
    });
    std::fs::write(directory.path().join("config.toml"), blocks.collect::<String>()).unwrap();
    let options = LoadOptions { working_dir: PathBuf::from(directory.path()), ..LoadOptions::default() };
    let blocks = config::load(&options).unwrap().plugins;
    let kind = &kinds()[0];
    let plugins = ways.iter().zip(blocks);
    let plugins =
        plugins.map(|((way, _), block)| Arc::new(Installed::new(block, kind, Arc::new(Scripted(way.clone())))));
    let chain = Chain::of(plugins.collect(), &Arc::from([])).unwrap();
    Running::begin(chain, Context::new(Endpoint::ChatCompletions, None))
}

#[tokio::test]
async fn a_plugin_that_panics_or_hangs_is_passed_by_or_refuses() {
    for way in [Way::PanicsWhenAsked, Way::PanicsLater, Way::Hangs, Way::Says(Verdict::HoldChunk)] {
        let mut open = running(&[(way.clone(), "open"), (Way::Signs("next"), "open")]);
        assert!(matches!(open.run(Hook::BeforeModel).await, Decision::Proceed { is_changed: false }), "{way:?}");
        assert!(open.context.data.contains_key("next"), "{way:?}: those behind it are asked");
        assert_eq!(open.take_failed(), [Arc::from("p0")], "{way:?}");
        let mut closed = running(&[(way.clone(), "closed"), (Way::Signs("next"), "open")]);
        assert!(matches!(closed.run(Hook::BeforeModel).await, Decision::Failed(name) if *name == *"p0"), "{way:?}");
        assert!(closed.context.data.is_empty(), "{way:?}");
    }
}

#[tokio::test]
async fn plugins_are_asked_in_their_order_until_one_leaves_the_rest_out() {
    let mut all = running(&[
        (Way::Signs("first"), "open"),
        (Way::Signs("second"), "open"),
        (Way::Says(Verdict::SkipRemaining), "open"),
        (Way::Signs("never"), "open"),
    ]);
    assert!(matches!(all.run(Hook::BeforeModel).await, Decision::Proceed { .. }));
    assert_eq!(serde_json::Value::Object(all.context.data.clone()), serde_json::json!({"first": 0, "second": 1}));
}

#[tokio::test]
async fn a_request_is_evaluated_anew_only_so_often() {
    let mut running = running(&[(Way::Says(Verdict::Reevaluate(Box::default())), "closed")]);
    let mut evaluations = 1;
    while matches!(running.run(Hook::BeforeModel).await, Decision::Reevaluate { .. }) {
        evaluations += 1;
    }
    assert_eq!(evaluations, Running::MOST_EVALUATIONS);
}

fn stream(pieces: &[&str]) -> Vec<Event> {
    let text = |piece: &&str| Event::Delta(0, Delta::Text((*piece).to_owned()));
    let mut events = vec![Event::Open(0, Block::Text)];
    events.extend(pieces.iter().map(text));
    events.extend([Event::Close(0), Event::Finish(0, Finish::from(FinishReason::Stop)), Event::End]);
    events
}

fn text(events: &[Event]) -> String {
    let pieces = events.iter().filter_map(|event| match event {
        Event::Delta(_, Delta::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    pieces.collect()
}

#[tokio::test]
async fn what_is_held_leaves_whole_however_the_events_come() {
    let whole = "one two three";
    for width in 1..=whole.len() {
        let pieces: Vec<&str> =
            whole.as_bytes().chunks(width).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        for at_once in [true, false] {
            let mut running = running(&[(Way::Says(Verdict::HoldChunk), "closed"), (Way::Signs("behind"), "closed")]);
            let (mut chunks, mut out) = (Chunks::default(), Vec::new());
            let events = stream(&pieces);
            let batches: Vec<Vec<Event>> =
                if at_once { vec![events] } else { events.into_iter().map(|event| vec![event]).collect() };
            for batch in batches {
                let Passed::Events(events) = chunks.take(&mut running, batch).await else { panic!("it ended") };
                out.extend(events);
            }
            assert_eq!(text(&out), whole, "{width}");
            assert_eq!(out.len(), 5, "open, all of the text, close, finish, end: {out:?}");
            assert_eq!(running.context.accumulated, whole);
        }
    }
}

#[tokio::test]
async fn nobody_holds_more_than_he_may() {
    let large = "x".repeat(Chunks::MOST_HELD_BYTES / 2 + 1);
    let pieces = [large.as_str(), &large, "end"];
    let mut open = running(&[(Way::Says(Verdict::HoldChunk), "open")]);
    let Passed::Events(events) = Chunks::default().take(&mut open, stream(&pieces)).await else { panic!("it ended") };
    assert_eq!(text(&events), pieces.concat(), "nothing is lost");
    assert_eq!(open.take_failed(), [Arc::from("p0")]);
    let mut closed = running(&[(Way::Says(Verdict::HoldChunk), "closed")]);
    let ended = Chunks::default().take(&mut closed, stream(&pieces)).await;
    assert!(matches!(ended, Passed::Failed(events, _) if text(&events).is_empty()));
}

#[test]
fn what_is_told_and_what_is_answered_are_bounded() {
    let mut context = Context::new(Endpoint::ChatCompletions, None);
    assert!(matches!(wire::verdict(b"", &mut context), Ok(Verdict::Continue)));
    assert!(matches!(wire::verdict(b" {} ", &mut context), Ok(Verdict::Continue)));
    for nonsense in
        ["[]", "7", "{", "{\"verdict\":\"forward\"}", "{\"key\":1}", "{\"route\":{\"model\":\"m\",\"url\":\"x\"}}"]
    {
        assert!(matches!(wire::verdict(nonsense.as_bytes(), &mut context), Err(Fault::Nonsense(_))), "{nonsense}");
    }
    let much = serde_json::json!({"data": {"a": "x".repeat(70_000)}}).to_string();
    assert!(matches!(wire::verdict(much.as_bytes(), &mut context), Err(Fault::OverLimit(_))));
    assert!(context.data.is_empty());
}
