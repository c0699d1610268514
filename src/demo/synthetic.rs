//! One synthetic record: everything in it fits together as in a real one, and its cost is what the
//! catalog makes of its usage.

use std::{collections::HashMap, sync::Arc};

use crate::{
    catalog::{Catalog, PriceQuery, Priced},
    config::{Config, Provider},
    domain::{Api, Attempt, Endpoint, ErrorKind, Microcents, Outcome, Record, RecordId, Timestamp, Usage},
    policy::KeyFacts,
};

use super::{
    dice::Dice,
    findings,
    models::{self, DemoModel, UNLISTED},
    workload::{KEYS, Workload},
};

/// Share of failed calls that a second one mends.
const MENDED: f64 = 0.4;

/// How the world was when a request was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Share of calls that fail beyond the model's own rate.
    pub(super) failing: f64,
    /// Factor on latencies.
    pub(super) slowness: f64,
}

/// What a request was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) workload: &'static Workload,
    pub(super) moment: Moment,
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// The client hung up after this share of the answer, in percent.
    LeftAt(u64),
    Failed(ErrorKind, Option<u16>),
    Refused(ErrorKind),
}

/// Writes records.
pub(super) struct Scribe<'a> {
    catalog: &'a Catalog,
    providers: HashMap<&'a str, &'a Arc<Provider>>,
    keys: HashMap<&'static str, KeyFacts>,
    names: HashMap<&'static str, Arc<str>>,
    dice: Dice,
    session: u64,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(config: &'a Config, catalog: &'a Catalog, seed: u64) -> Self {
        let providers = config.providers.iter().map(|provider| (provider.id.as_str(), provider)).collect();
        let keys = KEYS
            .iter()
            .filter_map(|known| {
                let mapped = config.key_map.iter().find(|mapped| mapped.key.expose() == known.key)?;
                Some((known.key, KeyFacts::from(mapped)))
            })
            .collect();
        Self { catalog, providers, keys, names: HashMap::new(), dice: Dice::new(seed), session: 0 }
    }

    /// The record of one request that came at `at`.
    pub(super) fn record(&mut self, at: Timestamp, facts: &Facts) -> Record {
        let workload = facts.workload;
        let model = models::listed(workload.model).unwrap_or(UNLISTED);
        let fate = self.fate(facts, &model);
        let mut record = self.blank(at, workload);
        if let Fate::Refused(kind) = fate {
            record.outcome = Outcome::Refused;
            record.error_kind = Some(kind);
            record.status = Some(kind.status());
            record.latency_us = self.dice.between(150, 900);
            record.response_bytes = self.dice.between(140, 320);
            record.cost = Some(Microcents(0));
            record.model_requested =
                Some(self.name(if kind == ErrorKind::PermissionDenied { "gpt-4o" } else { "gpt-4.9" }));
            return record;
        }
        let attempt = self.call(&mut record, facts, &model, fate);
        record.attempts.push(attempt);
        if matches!(fate, Fate::Failed(..)) && self.dice.chance(MENDED) {
            self.try_again(&mut record, facts, &model);
        }
        record
    }

    /// The second call of a request whose first one failed, and which is answered.
    fn try_again(&mut self, record: &mut Record, facts: &Facts, model: &DemoModel) {
        let lost_us = record.latency_us;
        let mut attempt = self.call(record, facts, model, Fate::Answered);
        attempt.started_at.unix_us = attempt.started_at.unix_us.saturating_add_unsigned(lost_us);
        record.latency_us += lost_us;
        record.ttft_us = record.ttft_us.map(|us| us + lost_us);
        record.attempts.push(attempt);
    }

    fn fate(&mut self, facts: &Facts, model: &DemoModel) -> Fate {
        let dice = &mut self.dice;
        if dice.chance(0.006) {
            let has_list = facts.workload.key.and_then(|key| KEYS.get(key)).is_some_and(|key| !key.models.is_empty());
            return Fate::Refused(if has_list { ErrorKind::PermissionDenied } else { ErrorKind::ModelNotFound });
        }
        if dice.chance(model.error_rate + facts.moment.failing) {
            let overloaded = if facts.workload.api() == Api::Anthropic { 529 } else { 503 };
            let kinds = [
                ((ErrorKind::UpstreamRateLimit, Some(429)), 0.35),
                ((ErrorKind::UpstreamError, Some(500)), 0.2),
                ((ErrorKind::UpstreamError, Some(overloaded)), 0.3),
                ((ErrorKind::UpstreamTimeout, None), 0.1),
                ((ErrorKind::UpstreamConnect, None), 0.05),
            ];
            let (kind, status) = dice.weigh(&kinds).copied().unwrap_or((ErrorKind::UpstreamError, Some(500)));
            return Fate::Failed(kind, status);
        }
        if facts.workload.stream && dice.chance(0.015) { Fate::LeftAt(dice.between(5, 90)) } else { Fate::Answered }
    }

    /// The one upstream call; what the record repeats of it is set in the record.
    fn call(&mut self, record: &mut Record, facts: &Facts, model: &DemoModel, fate: Fate) -> Attempt {
        let workload = facts.workload;
        let mut usage = self.usage(workload, model);
        let speed = self.dice.skewed(0.3) * facts.moment.slowness;
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "times"
        )]
        let scaled = |us: u64| (us as f64 * speed) as u64;
        // What is thought is not seen, but waited for.
        let token_us = 1_000_000 / model.tokens_per_s.max(1);
        let ttft_us = scaled(model.ttft_ms * 1000 + usage.reasoning.unwrap_or(0) * token_us);
        let output = usage.output_tokens().unwrap_or(0);
        let mut latency_us = ttft_us + scaled(usage.output.unwrap_or(0) * token_us);
        let (mut status, mut outcome, mut error_kind) = (Some(200), Outcome::Ok, None);
        let mut said = output;
        match fate {
            Fate::Answered => record.finish_reason = self.finish_reason(workload),
            Fate::LeftAt(percent) => {
                said = usage.output.unwrap_or(0) * percent / 100;
                latency_us = ttft_us + (latency_us - ttft_us) * percent / 100;
                outcome = Outcome::ClientDisconnected;
                usage.output = Some(said);
                usage.estimated = true;
            }
            Fate::Failed(kind, upstream) => {
                (status, outcome, error_kind) = (upstream, Outcome::Error, Some(kind));
                usage = Usage::default();
                said = 0;
                latency_us = if kind == ErrorKind::UpstreamTimeout { 60_000_000 } else { ttft_us / 3 };
            }
            Fate::Refused(_) => {}
        }
        let own_us = self.dice.between(120, 700);
        let ttft_us = (workload.stream && said > 0).then_some(ttft_us);
        let priced = self.price(workload, &usage, record.started_at, error_kind);
        record.provider = Some(self.name(workload.provider));
        record.model = Some(self.name(workload.model));
        record.provider_api = Some(workload.api());
        record.status = status.or_else(|| error_kind.map(ErrorKind::status));
        record.outcome = outcome;
        record.error_kind = error_kind;
        record.latency_us = latency_us + own_us;
        record.ttft_us = ttft_us.map(|us| us + own_us);
        record.usage = usage;
        record.cost = priced.cost;
        record.cost_unknown_reason = priced.unknown_reason;
        record.price_version = priced.version;
        record.response_bytes =
            if error_kind.is_some() { self.dice.between(150, 400) } else { answer_bytes(workload, said) };
        record.provider_request_id = status.map(|_| self.provider_request_id(workload.api()));
        Attempt {
            provider: self.name(workload.provider),
            model: Some(self.name(workload.model)),
            provider_api: workload.api(),
            started_at: Timestamp { unix_us: record.started_at.unix_us + i64::try_from(own_us / 2).unwrap_or(0) },
            latency_us,
            ttft_us,
            status,
            outcome,
            error_kind,
            provider_request_id: record.provider_request_id.clone(),
            usage,
            cost: priced.cost,
        }
    }

    /// Classes as the tally makes them of each API's own report.
    fn usage(&mut self, workload: &Workload, model: &DemoModel) -> Usage {
        let dice = &mut self.dice;
        let (input, output) = workload.tokens;
        let input = scale(input, dice.skewed(0.5)).max(3);
        if workload.endpoint == Endpoint::Embeddings {
            return Usage { input: Some(input), output: Some(0), ..Usage::default() };
        }
        let output = scale(output, dice.skewed(0.6)).max(1);
        let reasoning = if model.reasons { scale(output, dice.unit() * 2.0) } else { 0 };
        let is_warm = input >= 1024 && dice.chance(0.8);
        let cached = if is_warm { scale(input, workload.cached * 0.3_f64.mul_add(dice.unit(), 0.7)) } else { 0 };
        let plain = Usage { input: Some(input), output: Some(output), ..Usage::default() };
        match workload.api() {
            Api::Anthropic => {
                let written = if !is_warm && workload.cached > 0.0 { scale(input, workload.cached) } else { 0 };
                Usage {
                    input: Some(input - cached - written),
                    cache_read: Some(cached),
                    cache_write_5m: Some(written),
                    cache_write_1h: Some(0),
                    ..plain
                }
            }
            _ if workload.provider == "demo-local" => plain,
            _ => Usage { input: Some(input - cached), cache_read: Some(cached), reasoning: Some(reasoning), ..plain },
        }
    }

    fn price(&self, workload: &Workload, usage: &Usage, at: Timestamp, error_kind: Option<ErrorKind>) -> Priced {
        let Some(provider) = self.providers.get(workload.provider).filter(|_| error_kind.is_none()) else {
            // A call that got no answer is not billed.
            return Priced { cost: Some(Microcents(0)), unknown_reason: None, version: None };
        };
        self.catalog.price(&PriceQuery {
            provider_id: &provider.id,
            catalog_provider: Catalog::catalog_provider_for(provider.provider_type, &provider.id, &provider.base_url),
            provider_pricing: provider.pricing.as_ref(),
            model: workload.model,
            asked_model: None,
            usage,
            at,
            service_tier: None,
        })
    }

    /// Everything that is known before a provider is asked.
    fn blank(&mut self, at: Timestamp, workload: &'static Workload) -> Record {
        let mut random = [0; 10];
        random.iter_mut().for_each(|byte| *byte = self.dice.bits().to_le_bytes()[0]);
        let key = workload.key.and_then(|key| KEYS.get(key)).and_then(|key| self.keys.get(key.key));
        let (key_id, key_label, team) =
            key.map_or((None, None, None), |key| (Some(Arc::clone(&key.id)), key.label.clone(), key.team.clone()));
        let source = self.dice.pick(workload.sources).copied().unwrap_or("web");
        // Some five requests make a session, where people talk.
        self.session += u64::from(self.dice.chance(0.2));
        let has_session = workload.stream && workload.project != "code-review";
        let session_id = has_session.then(|| Arc::from(format!("s-{:08x}", self.session.wrapping_mul(0x9e37_79b1))));
        let environment = if self.dice.chance(0.9) { "prod" } else { "staging" };
        let tags = if workload.key.is_some() { vec![(self.name("env"), self.name(environment))] } else { Vec::new() };
        Record {
            id: RecordId::at(u64::try_from(at.unix_ms()).unwrap_or(0), random),
            project: Some(self.name(workload.project)),
            source: Some(self.name(source)),
            team,
            key_id,
            key_label,
            session_id,
            tags,
            model_requested: Some(self.name(workload.model)),
            stream: workload.stream,
            outcome: Outcome::Ok,
            findings: findings::in_history(&mut self.dice, workload),
            request_bytes: 180 + scale(workload.tokens.0 * 4, self.dice.skewed(0.4)),
            ..Record::begun(at, workload.endpoint)
        }
    }

    fn finish_reason(&mut self, workload: &Workload) -> Option<Arc<str>> {
        let [done, cut, tool] = match workload.api() {
            Api::Anthropic => ["end_turn", "max_tokens", "tool_use"],
            Api::Gemini => ["STOP", "MAX_TOKENS", "STOP"],
            Api::OpenaiResponses => ["completed", "incomplete", "completed"],
            Api::OpenaiChat => ["stop", "length", "tool_calls"],
            _ => return None,
        };
        let reason = self.dice.weigh(&[(done, 0.87), (cut, 0.05), (tool, 0.08)]).copied().unwrap_or(done);
        Some(self.name(reason))
    }

    fn provider_request_id(&mut self, api: Api) -> Arc<str> {
        Arc::from(match api {
            Api::Anthropic => format!("req_011C{}", self.dice.id(20)),
            Api::Gemini => self.dice.id(22),
            _ => format!("req_{}", self.dice.hex(32)),
        })
    }

    /// A shared copy of a name that many records bear.
    fn name(&mut self, text: &'static str) -> Arc<str> {
        Arc::clone(self.names.entry(text).or_insert_with(|| Arc::from(text)))
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn scale(count: u64, factor: f64) -> u64 {
    (count as f64 * factor).round() as u64
}

/// Length of an answer's body by the framing of its API.
const fn answer_bytes(workload: &Workload, tokens: u64) -> u64 {
    match (workload.endpoint, workload.stream) {
        (Endpoint::Embeddings, _) => 20_800,
        (Endpoint::Messages, true) => 900 + 130 * tokens,
        (Endpoint::Responses, true) => 4_200 + 240 * tokens,
        (_, true) => 700 + 215 * tokens,
        (_, false) => 800 + 5 * tokens,
    }
}
