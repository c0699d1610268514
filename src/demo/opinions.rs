//! What the demo's people say of some answers, as signals.

use std::sync::Arc;

use crate::{
    domain::{Outcome, Record, RecordId, Timestamp},
    store::{Recorder, Signal, SignalError, StoreError},
};

use super::dice::Dice;

/// One answer of so many is judged.
const ONE_OF: u64 = 250;

/// Kind, score and comment of what people say, with how often they say it.
const WORDS: [(Word, f64); 6] = [
    (("thumbs", 1.0, None), 0.5),
    (("thumbs", 0.0, None), 0.15),
    (("review", 0.9, Some("Just what was asked for.")), 0.15),
    (("review", 0.4, Some("Right, but far too long.")), 0.1),
    (("review", 0.2, Some("Left out the second question.")), 0.05),
    (("groundedness", 0.8, None), 0.05),
];

type Word = (&'static str, f64, Option<&'static str>);

/// Chooses answers and finds words for them.
pub(super) struct Opinions {
    dice: Dice,
    said: Vec<Signal>,
}

impl Opinions {
    pub(super) fn new() -> Self {
        Self { dice: Dice::new(0x0091_1051), said: Vec::new() }
    }

    /// Perhaps has something to say of an answer.
    pub(super) fn hear(&mut self, record: &Record) {
        if record.outcome != Outcome::Ok || self.dice.below(ONE_OF) != 0 {
            return;
        }
        let (Some((kind, score, comment)), Some(model)) = (self.dice.weigh(&WORDS).copied(), &record.model) else {
            return;
        };
        let text = |name: &Option<Arc<str>>| name.as_deref().map(str::to_owned);
        self.said.push(Signal {
            seq: 0,
            id: format!("sig_{}", RecordId::new().to_string().replace('-', "")),
            at: Timestamp { unix_us: record.started_at.unix_us.saturating_add_unsigned(record.latency_us) },
            record_id: Some(record.id),
            provider: text(&record.provider),
            model: model.to_string(),
            task: text(&record.profile),
            kind: kind.to_owned(),
            score,
            project: text(&record.project),
            key_id: text(&record.key_id),
            comment: comment.map(str::to_owned),
        });
    }

    /// Writes everything down.
    ///
    /// # Errors
    /// When the store cannot write.
    pub(super) async fn tell(self, recorder: &Recorder) -> Result<(), StoreError> {
        for signal in self.said {
            match recorder.say(signal).await {
                Ok(_) | Err(SignalError::Full(_)) => {}
                Err(SignalError::Store(fault)) => return Err(fault),
            }
        }
        Ok(())
    }
}
