//! The way of a request (data plane): accept, identify, sanitize, plan, call, relay, record.
//!
//! `serve` is the one guard path for every inference endpoint. Facts travel as arguments and results,
//! never in request extensions. No step waits for a database.

pub mod decode;
pub mod tally;

mod accept;
mod allow;
mod answer;
mod attempt;
mod cache;
mod call;
mod count;
mod document;
mod error;
mod flow;
mod head;
mod hedge;
mod hooks;
mod identify;
mod memory;
mod meter;
mod metrics;
mod models;
mod need;
mod openapi;
mod patience;
mod plan;
mod rate_headers;
mod record;
mod relay;
mod respond;
mod routes;
mod sanitize;
mod shutdown;
mod stage;
mod task;
mod translate;
mod upstream_error;
mod urls;
mod walk;
mod whole;

use std::sync::Arc;

use axum::response::Response;

pub use need::{dry_session as session, read_need};
pub use openapi::openapi;
pub use plan::observe;
pub use routes::router;
pub use shutdown::Shutdown;
pub use task::{Shape, serve_task};
pub use walk::dice;

use self::{
    accept::{Arrival, Inbound, Labels},
    answer::Answer,
    cache::{LookUp, Looked},
    error::Refusal,
    head::Head,
    hooks::{Mended, Step},
    identify::Caller,
    plan::Planner,
    record::OpenRecord,
    walk::Walk,
};
use crate::{
    config::OnClientDisconnect,
    domain::{ErrorKind, Outcome, Timestamp},
    policy::{Policy, PolicyCell},
    routing::Layer,
    sanitize::RuleSet,
    store::Recorder,
};

/// What the data plane needs of the house. Cheap to clone.
#[derive(Clone)]
pub struct GatewayState {
    /// The current policy.
    pub policy: Arc<PolicyCell>,
    /// Where records go.
    pub recorder: Recorder,
    /// What is remembered from one request to the next.
    pub memory: Memory,
    /// How calls under way learn that the process ends.
    pub shutdown: Shutdown,
}

pub use memory::Memory;

/// Answers one request and records it, whatever happens on the way.
async fn serve(state: GatewayState, arrival: Arrival) -> Response {
    let policy = state.policy.load();
    if policy.config.server.on_client_disconnect == OnClientDisconnect::Cancel {
        // In a box, so that the layers above hand on a pointer instead of kilobytes.
        return Box::pin(answer(state, policy, arrival)).await;
    }
    // To drain, the request must outlive the client's connection, in whose task this runs.
    let family = arrival.endpoint.api().family();
    let shutdown = state.shutdown.clone();
    match shutdown.spawn(answer(state, policy, arrival)).await {
        Ok(response) => response,
        Err(_) => Refusal::new(ErrorKind::Internal, "the request's task failed").response(family, ""),
    }
}

/// Opens the record, goes the way, and closes the record with the refusal if there was one.
async fn answer(state: GatewayState, policy: Arc<Policy>, arrival: Arrival) -> Response {
    let family = arrival.endpoint.api().family();
    let mut record = OpenRecord::open(&arrival, Arc::clone(&policy), state.recorder);
    let mut head = Head::new(&record, family);
    let gone = tokio::select! {
        biased;
        gone = way(&policy, &state.memory, arrival, &mut record, &mut head) => gone,
        () = state.shutdown.cut().cancelled() => Err(Refusal::new(ErrorKind::ShuttingDown, shutdown::MESSAGE)),
    };
    match gone {
        Ok(answer) => answer::answer(answer, record, head, state.shutdown).await,
        Err(refusal) => {
            let mut response = refusal.response(family, head.request_id());
            head.failed(&record);
            head.write(response.headers_mut());
            if refusal.client_gone {
                drop(record.close(Outcome::ClientDisconnected, None));
                return response;
            }
            record.answered(response.status().as_u16());
            let outcome = if refusal.kind.is_refusal() { Outcome::Refused } else { Outcome::Error };
            record.close(outcome, Some(refusal.kind)).await;
            response
        }
    }
}

/// The way itself, a reason beside each step.
async fn way(
    policy: &Arc<Policy>,
    memory: &Memory,
    arrival: Arrival,
    record: &mut OpenRecord,
    head: &mut Head,
) -> Result<Answer, Refusal> {
    // The labels come first, so that even a refusal is counted where it belongs.
    let labels = accept::labels(&arrival.headers)?;
    record.label(&labels);
    head.label(&labels);
    // Who calls is settled before a byte of the body is read: strangers cannot make us hold megabytes.
    let caller = identify::identify(policy, &arrival.headers, arrival.query.as_deref(), &labels, Timestamp::now())?;
    record.identify(&caller);
    // Who has asked too often is told so before we read what he asks.
    allow::request(policy, &caller, record, head)?;
    let rules = policy.rules_for(caller.key.as_deref(), caller.project.as_deref());
    let mut received = 0;
    let uploads = sanitize::uploads(rules);
    let inbound = accept::read(arrival, &policy.config.server, uploads, &mut received).await;
    record.received(received);
    let mut inbound = inbound?;
    record.accepted(&inbound);
    // No provider sees a body that has not passed the sanitizer, nor is any asked because of one.
    sanitize::request(rules.cloned(), &mut inbound, record).await?;
    // Plugins may make another request of it, which no provider sees before the sanitizer has.
    if let Step::Answered(answer) = hooks::before(policy, &mut inbound, &caller, &labels, rules, record).await? {
        return Ok(*answer);
    }
    // How long the text is says how many tokens it takes; how many it took is put right when the record closes.
    allow::tokens(&inbound, record, head)?;
    let asking = Asking { policy, memory, caller: &caller, labels: &labels, rules };
    let Some(spare) = hooks::spare(&inbound, record) else { return asking.ask(&mut inbound, record, head).await };
    // In a box, since it is rare.
    Box::pin(asking.ask_again(&mut inbound, spare, record, head)).await
}

/// What stays the same however often a request is put to providers.
#[derive(Clone, Copy)]
struct Asking<'a> {
    policy: &'a Arc<Policy>,
    memory: &'a Memory,
    caller: &'a Caller,
    labels: &'a Labels,
    rules: Option<&'a Arc<RuleSet>>,
}

impl Asking<'_> {
    /// From a judged request to the head of an answer.
    async fn ask(self, inbound: &mut Inbound, record: &mut OpenRecord, head: &mut Head) -> Result<Answer, Refusal> {
        let Self { policy, memory, caller, labels, rules } = self;
        let session = need::session(labels, caller.key.as_ref().map(|key| &*key.id), inbound, policy);
        let to_ask = Planner { policy, memory, inbound: &*inbound, caller, labels, session }.to_ask();
        let live = memory.live_models.of_all(policy, &to_ask).await;
        let planner = Planner { policy, memory, inbound: &*inbound, caller, labels, session };
        let plan = planner.plan(&live, record)?;
        if let Some(answer) = count::estimate(inbound, &plan) {
            return Ok(answer);
        }
        // Only who may be answered, and could be, is answered from memory.
        let look_up = LookUp { policy, memory, inbound: &*inbound, caller, labels, rules };
        let question = look_up.question().filter(|_| !hooks::shape_answers(record));
        let keeper = match question {
            None => None,
            Some(question) => match question.look_up(record, head).await {
                Looked::Hit(answer) => return Ok(answer),
                Looked::Go(keeper) => keeper,
            },
        };
        if let Step::Answered(answer) = hooks::execute(inbound, &plan, record).await? {
            return Ok(*answer);
        }
        let is_forced = plan.overruled.contains(&Layer::Availability);
        let walk = Walk { policy, memory, caller, session, began: walk::began(record), is_forced };
        let answer = walk.go(inbound, plan, record, head).await?;
        Ok(Answer { keeper, ..answer })
    }

    /// The same, as often as a plugin wants after failures, within bounds.
    async fn ask_again(
        self,
        inbound: &mut Inbound,
        mut spare: Box<Inbound>,
        record: &mut OpenRecord,
        head: &mut Head,
    ) -> Result<Answer, Refusal> {
        let mut outcome = self.ask(inbound, record, head).await;
        loop {
            match hooks::mend(outcome, &mut spare, self.rules, record).await {
                Mended::Ended(ended) => return ended,
                Mended::Again(mut inbound) => outcome = self.ask(&mut inbound, record, head).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    fn size_of_future<A, B, C, D, E, F>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    /// Each request holds one, and it is copied more than once on its way to where it stays: what is rare belongs
    /// into a box.
    #[test]
    fn the_way_of_a_request_stays_small() {
        let size = size_of_future(super::way);
        assert!(size <= 8 * 1024, "{size} bytes");
    }
}
