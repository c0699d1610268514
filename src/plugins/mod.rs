//! Plugins: what an operator puts on the way of a request, at named points of it.
//!
//! One trait, one life cycle, whether a plugin is built in, a WebAssembly module or an HTTP webhook. A plugin sees the
//! neutral conversation and never a provider's key or a client's credential; whatever it does (fail, panic, hang, answer
//! nonsense) ends with it: [`Running`] turns that into passing on or refusing, as its block says.
//!
//! | hook | when | what it may do |
//! |---|---|---|
//! | `before_model` | the request passed the sanitizer | modify the request, choose the model, terminate, re-evaluate |
//! | `model_execute` | the plan stands | answer in the model's place, terminate |
//! | `after_model` | a whole answer is here | modify the reply, terminate |
//! | `after_chunk` | a piece of a streamed answer is here | modify it, hold it, terminate |
//! | `on_model_error` | no provider answered | modify the error, re-evaluate |
//! | `detached_after_response` | the record is closed | nothing any more; nobody waits for it |

mod chain;
mod chunks;
mod context;
mod detached;
mod hooks;
mod registry;
mod run;
mod schema;
mod wire;

mod auth;
mod clickhouse;
mod logger;
mod prompts;
mod regex_hider;
mod router;
mod wasm;
mod webhook;

use std::{future::Future, pin::Pin, sync::Arc};

pub use chain::{Chain, Running, Scope};
pub use chunks::{Chunks, Passed};
pub use clickhouse::ClickhouseTracer;
pub use context::{Asked, Chunk, ChunkKind, Context, ModelError, Route, TargetFacts};
pub use hooks::{Hook, Hooks};
pub use registry::{Kind, Plugins, Tools, check, kinds};
pub use run::{Decision, Installed};
pub use schema::{Misfit, Schema};

use crate::{
    config::SanitizationPattern,
    dialect::translate::{answer::Reply, conversation::Request},
};

/// What a hook returns.
pub type Ruling<'a> = Pin<Box<dyn Future<Output = Result<Verdict, Fault>> + Send + 'a>>;

/// Why a call of a plugin came to nothing. Its text is for the operator's log and page, never for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It took longer than its block allows.
    #[error("it took longer than timeout_ms")]
    TimedOut,
    /// It panicked or trapped.
    #[error("it crashed: {0}")]
    Crashed(String),
    /// It used more than it may: fuel, memory, output.
    #[error("it went over a limit: {0}")]
    OverLimit(String),
    /// It answered what no plugin may answer at this point.
    #[error("its answer cannot be used: {0}")]
    Nonsense(String),
    /// It could not do its work.
    #[error("{0}")]
    Failed(String),
}

/// What a plugin says at a hook.
#[derive(Clone, Debug, Default)]
pub enum Verdict {
    /// Go on.
    #[default]
    Continue,
    /// Go on with this in place of what was.
    Modify(Box<Changes>),
    /// Stop here; the client gets this.
    Terminate(Box<Ending>),
    /// Go the way again from `before_model`, with these changes. Bounded by [`Running::MOST_EVALUATIONS`].
    Reevaluate(Box<Changes>),
    /// Go on, and leave out the plugins behind this one at this hook.
    SkipRemaining,
    /// Keep this chunk back: the next one comes together with it. Bounded by [`Chunks::MOST_HELD_BYTES`].
    HoldChunk,
}

/// What a plugin puts in place of what was; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The request (`before_model`, `on_model_error`).
    pub request: Option<Request>,
    /// Where it goes (`before_model`, `on_model_error`).
    pub route: Option<Route>,
    /// The answer (`model_execute`, where it takes the model's place, and `after_model`).
    pub reply: Option<Reply>,
    /// The chunk's text, that which was held included (`after_chunk`).
    pub text: Option<String>,
    /// The status and the words of the error (`on_model_error`).
    pub error: Option<(u16, String)>,
}

/// What the client gets when a plugin stops the request.
#[derive(Clone, Debug)]
pub enum Ending {
    /// An error in the words of the client's API.
    Refusal {
        /// 400 to 599.
        status: u16,
        /// For people.
        message: String,
    },
    /// An answer, written in the client's API.
    Reply(Box<Reply>),
}

/// One plugin with its settings. Hooks that it does not declare are never called.
pub trait Plugin: Send + Sync + std::fmt::Debug {
    /// The hooks that it has.
    fn hooks(&self) -> Hooks;

    /// At any of its hooks that has no method of its own.
    fn at<'a>(&'a self, _hook: Hook, _context: &'a mut Context) -> Ruling<'a> {
        ruled(Ok(Verdict::Continue))
    }

    /// Before the plan is made.
    fn before_model<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.at(Hook::BeforeModel, context)
    }

    /// When the plan stands, before anybody is called.
    fn model_execute<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.at(Hook::ModelExecute, context)
    }

    /// When a whole answer is here.
    fn after_model<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.at(Hook::AfterModel, context)
    }

    /// When a piece of a streamed answer is here.
    fn after_chunk<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.at(Hook::AfterChunk, context)
    }

    /// When no provider answered.
    fn on_model_error<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.at(Hook::OnModelError, context)
    }

    /// When the record is closed, which stands in the context. What it says changes nothing.
    fn detached_after_response<'a>(&'a self, context: &'a mut Context) -> Ruling<'a> {
        self.at(Hook::DetachedAfterResponse, context)
    }

    /// Patterns that the sanitizer looks for on its behalf.
    fn patterns(&self) -> &[SanitizationPattern] {
        &[]
    }

    /// What it says of itself besides what its kind does, for its page.
    fn about(&self) -> Option<&About> {
        None
    }

    /// Whether it is still what its block leads to: a file that it was read from may have changed.
    fn is_current(&self) -> bool {
        true
    }

    /// The gateway stops, or the plugin is taken out: the last chance to write what is still held.
    fn close(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// What a plugin that is not built in says of itself.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub struct About {
    /// Its own name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does, for people.
    pub description: String,
    /// JSON Schema of its settings.
    #[serde(rename = "config_schema")]
    pub schema: Option<serde_json::Value>,
}

/// A ruling that needs no waiting.
pub(crate) fn ruled<'a>(verdict: Result<Verdict, Fault>) -> Ruling<'a> {
    Box::pin(std::future::ready(verdict))
}

/// A plugin that is shared by every chain it stands in.
pub type Shared = Arc<dyn Plugin>;

#[cfg(test)]
mod tests;
