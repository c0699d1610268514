//! One call of one plugin, held in: its time is limited, its panic caught, its failure counted.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use metrics::{Counter, Histogram, counter, histogram};

use super::{
    Ending, Fault, Plugin, Shared, Verdict,
    context::Context,
    detached::Queue,
    hooks::{Hook, Hooks},
    registry::Kind,
};
use crate::config::{FailMode, PluginBlock};

/// How long the last hook may take, its own tries and pauses included.
const DETACHED_PATIENCE: Duration = Duration::from_mins(5);

/// What the plugins of a hook decided together.
#[derive(Debug)]
pub enum Decision {
    /// Go on; `is_changed` tells whether the request is another now.
    Proceed {
        /// Whether the request is another now.
        is_changed: bool,
    },
    /// A plugin stops the request, and this is what the client gets.
    Terminate(Arc<str>, Ending),
    /// Go the way again from `before_model`.
    Reevaluate {
        /// Whether the request is another now.
        is_changed: bool,
    },
    /// A plugin failed that must not.
    Failed(Arc<str>),
}

/// A plugin with its block, its handles for metrics and what became of its calls.
#[derive(Debug)]
pub struct Installed {
    name: Arc<str>,
    kind: &'static Kind,
    pub(super) block: PluginBlock,
    plugin: Shared,
    hooks: Hooks,
    counts: Vec<Counts>,
    last_fault: Mutex<Option<String>>,
    queue: Option<Queue>,
}

/// What became of the calls at one hook.
#[derive(Debug)]
struct Counts {
    hook: Hook,
    calls: AtomicU64,
    failures: AtomicU64,
    counted: Counter,
    failed: Counter,
    took: Histogram,
}

impl Counts {
    fn new(name: &Arc<str>, hook: Hook) -> Self {
        let (plugin, at) = (|| Arc::clone(name), hook.as_str());
        Self {
            hook,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            counted: counter!("llm_gateway_plugin_calls_total", "plugin" => plugin(), "hook" => at),
            failed: counter!("llm_gateway_plugin_failures_total", "plugin" => plugin(), "hook" => at),
            took: histogram!("llm_gateway_plugin_duration_seconds", "plugin" => plugin(), "hook" => at),
        }
    }
}

impl Installed {
    pub(super) fn new(block: PluginBlock, kind: &'static Kind, plugin: Shared) -> Self {
        let name: Arc<str> = Arc::from(block.name.as_str());
        let hooks = plugin.hooks();
        let counts = hooks.iter().map(|hook| Counts::new(&name, hook)).collect();
        let queue = hooks.has(Hook::DetachedAfterResponse).then(Queue::default);
        Self { name, kind, block, plugin, hooks, counts, last_fault: Mutex::default(), queue }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn name_shared(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// What it is.
    pub const fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Its block.
    pub const fn block(&self) -> &PluginBlock {
        &self.block
    }

    /// Its hooks.
    pub const fn hooks(&self) -> Hooks {
        self.hooks
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &dyn Plugin {
        &*self.plugin
    }

    /// Calls and failures at each of its hooks since it was installed.
    pub fn counts(&self) -> impl Iterator<Item = (Hook, u64, u64)> {
        self.counts.iter().map(|counts| (counts.hook, counts.calls.load(Relaxed), counts.failures.load(Relaxed)))
    }

    /// Why it failed last.
    pub fn last_fault(&self) -> Option<String> {
        self.last_fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn refuses_on_failure(&self) -> bool {
        self.block.fail == FailMode::Closed
    }

    /// Calls it at a hook. Whatever it does ends here.
    pub(super) async fn call(&self, hook: Hook, context: &mut Context) -> Result<Verdict, Fault> {
        let began = Instant::now();
        // In a block of its own, so that a panic while the future is made is caught as one while it is driven.
        let ruling = AssertUnwindSafe(async { ask(&*self.plugin, hook, context).await }).catch_unwind();
        let outcome = match tokio::time::timeout(self.patience(hook), ruling).await {
            Err(_) => Err(Fault::TimedOut),
            Ok(Err(panic)) => Err(Fault::Crashed(words(&*panic))),
            Ok(Ok(ruled)) => ruled.and_then(|verdict| fitting(hook, verdict)),
        };
        self.note(hook, began, outcome.as_ref().err());
        outcome
    }

    /// Nobody waits for the last hook, so that what is delivered there may be tried more than once.
    const fn patience(&self, hook: Hook) -> Duration {
        match hook {
            Hook::DetachedAfterResponse => DETACHED_PATIENCE,
            _ => self.block.timeout,
        }
    }

    fn note(&self, hook: Hook, began: Instant, fault: Option<&Fault>) {
        let Some(counts) = self.counts.iter().find(|counts| counts.hook == hook) else { return };
        counts.calls.fetch_add(1, Relaxed);
        counts.counted.increment(1);
        counts.took.record(began.elapsed());
        if let Some(fault) = fault {
            self.note_fault(hook, fault);
        }
    }

    /// Notes a failure.
    pub(super) fn note_fault(&self, hook: Hook, fault: &Fault) {
        let Some(counts) = self.counts.iter().find(|counts| counts.hook == hook) else { return };
        counts.failed.increment(1);
        counts.failures.fetch_add(1, Relaxed);
        let why = fault.to_string();
        tracing::warn!(
            plugin = &*self.name,
            hook = hook.as_str(),
            why,
            fail = self.block.fail.as_str(),
            "a plugin failed"
        );
        *self.last_fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Hands it a closed record; what finds no place is counted.
    pub(super) fn detach(self: &Arc<Self>, context: Arc<Context>) {
        let Some(queue) = &self.queue else { return };
        if !queue.push(self, context) {
            self.note(
                Hook::DetachedAfterResponse,
                Instant::now(),
                Some(&Fault::OverLimit("too many records wait".to_owned())),
            );
        }
    }

    /// Waits until what was handed to it is done, and lets it write what it holds.
    pub(super) async fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.drained().await;
        }
        let _ = AssertUnwindSafe(self.plugin.close()).catch_unwind().await;
    }
}

fn ask<'a>(plugin: &'a dyn Plugin, hook: Hook, context: &'a mut Context) -> super::Ruling<'a> {
    match hook {
        Hook::BeforeModel => plugin.before_model(context),
        Hook::ModelExecute => plugin.model_execute(context),
        Hook::AfterModel => plugin.after_model(context),
        Hook::AfterChunk => plugin.after_chunk(context),
        Hook::OnModelError => plugin.on_model_error(context),
        Hook::DetachedAfterResponse => plugin.detached_after_response(context),
    }
}

/// Refuses what a plugin may not say at a hook.
fn fitting(hook: Hook, verdict: Verdict) -> Result<Verdict, Fault> {
    let what = match &verdict {
        Verdict::Continue | Verdict::SkipRemaining => return Ok(verdict),
        Verdict::HoldChunk if hook == Hook::AfterChunk => return Ok(verdict),
        Verdict::HoldChunk => "hold",
        Verdict::Reevaluate(_) if matches!(hook, Hook::BeforeModel | Hook::OnModelError) => return Ok(verdict),
        Verdict::Reevaluate(_) => "reevaluate",
        Verdict::Terminate(ending) => match &**ending {
            Ending::Refusal { status, .. } if !(400..600).contains(status) => "a status that is no error",
            Ending::Reply(_) if matches!(hook, Hook::AfterChunk | Hook::DetachedAfterResponse) => "a reply",
            _ => return Ok(verdict),
        },
        Verdict::Modify(changes) => {
            let may_ask = matches!(hook, Hook::BeforeModel);
            match &**changes {
                changes if changes.request.is_some() && !may_ask => "a request",
                changes if changes.route.is_some() && !may_ask => "a route",
                changes if changes.reply.is_some() && hook != Hook::AfterModel => "a reply",
                changes if changes.text.is_some() && hook != Hook::AfterChunk => "a text",
                changes if changes.error.is_some() && hook != Hook::OnModelError => "an error",
                changes if changes.error.as_ref().is_some_and(|(status, _)| !(400..600).contains(status)) => {
                    "a status that is no error"
                }
                _ => return Ok(verdict),
            }
        }
    };
    Err(Fault::Nonsense(format!("{what} has no place at {}", hook.as_str())))
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}
