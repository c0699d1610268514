//! Chains: the plugins of a caller in their order, compiled once per policy, and a chain on the way of one request.
//!
//! A caller without plugins has no chain at all, so that nothing is allocated or looked at for it.

use std::{collections::HashMap, sync::Arc};

use super::{
    Changes, Ending, Verdict,
    context::Context,
    hooks::{Hook, Hooks},
    run::{Decision, Installed},
};
use crate::{config::SanitizationPattern, domain::Record};

/// The plugins of a caller.
#[derive(Debug, Default)]
pub struct Chain {
    plugins: Vec<Arc<Installed>>,
    hooks: Hooks,
    patterns: Vec<SanitizationPattern>,
    models: Arc<[String]>,
}

impl Chain {
    /// A chain of these plugins in this order; `None` when there are none.
    pub(super) fn of(plugins: Vec<Arc<Installed>>, models: &Arc<[String]>) -> Option<Arc<Self>> {
        if plugins.is_empty() {
            return None;
        }
        let hooks = plugins.iter().fold(Hooks::NONE, |all, each| all.and(each.hooks()));
        let patterns = plugins.iter().flat_map(|each| each.plugin().patterns().iter().cloned()).collect();
        Some(Arc::new(Self { plugins, hooks, patterns, models: Arc::clone(models) }))
    }

    /// Whether any of its plugins has the hook.
    pub const fn has(&self, hook: Hook) -> bool {
        self.hooks.has(hook)
    }

    /// Whether nothing of it runs: its plugins only lend patterns to the sanitizer.
    pub fn is_silent(&self) -> bool {
        self.hooks == Hooks::NONE
    }

    /// The plugins that have a hook, in their order.
    pub(super) fn at(&self, hook: Hook) -> impl Iterator<Item = &Arc<Installed>> {
        self.plugins.iter().filter(move |each| each.hooks().has(hook))
    }

    /// What the sanitizer looks for on behalf of its plugins.
    pub fn patterns(&self) -> &[SanitizationPattern] {
        &self.patterns
    }

    /// Names that may be asked for.
    pub const fn models(&self) -> &Arc<[String]> {
        &self.models
    }
}

/// The chains of callers that share what is stated for their key, by project.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub(super) any: Option<Arc<Chain>>,
    pub(super) of: HashMap<String, Option<Arc<Chain>>>,
}

impl Scope {
    /// The chain of a project; `None` when nothing is on its way.
    pub fn of(&self, project: Option<&str>) -> Option<&Arc<Chain>> {
        if self.of.is_empty() {
            return self.any.as_ref();
        }
        project.and_then(|project| self.of.get(project)).unwrap_or(&self.any).as_ref()
    }

    /// Projects whose chain is not that of all others.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(String::as_str)
    }

    /// Whether no project has any plugin.
    pub fn is_empty(&self) -> bool {
        self.any.is_none() && self.of.values().all(Option::is_none)
    }
}

/// A chain on the way of one request.
#[derive(Clone, Debug)]
pub struct Running {
    chain: Arc<Chain>,
    /// What its plugins see.
    pub context: Box<Context>,
    /// Plugins that failed, each once, for the record.
    failed: Vec<Arc<str>>,
}

impl Running {
    /// How often a request may be evaluated in all.
    pub const MOST_EVALUATIONS: u32 = 4;

    /// Sends a chain on the way of a request.
    pub fn begin(chain: Arc<Chain>, context: Context) -> Self {
        Self { chain, context: Box::new(context), failed: Vec::new() }
    }

    /// The chain.
    pub const fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Whether any of its plugins has the hook.
    pub fn has(&self, hook: Hook) -> bool {
        self.chain.has(hook)
    }

    /// Notes that a plugin failed.
    pub(super) fn note_failed(&mut self, name: &Arc<str>) {
        if !self.failed.contains(name) {
            self.failed.push(Arc::clone(name));
        }
    }

    /// The plugins that failed since this was last asked.
    pub fn take_failed(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.failed)
    }

    /// Asks the plugins of a hook one after the other; what they change stands in the context.
    pub async fn run(&mut self, hook: Hook) -> Decision {
        let chain = Arc::clone(&self.chain);
        let mut is_changed = false;
        for installed in chain.at(hook) {
            match installed.call(hook, &mut self.context).await {
                Ok(Verdict::Continue | Verdict::HoldChunk) => {}
                Ok(Verdict::Modify(changes)) => is_changed |= self.take(*changes),
                Ok(Verdict::SkipRemaining) => break,
                Ok(Verdict::Terminate(ending)) => return Decision::Terminate(installed.name_shared(), *ending),
                Ok(Verdict::Reevaluate(changes)) => {
                    let is_changed = self.take(*changes) || is_changed;
                    if self.context.retry_count + 1 >= Self::MOST_EVALUATIONS {
                        tracing::warn!(
                            plugin = installed.name(),
                            "the request is not evaluated again: it was too often"
                        );
                        return Decision::Proceed { is_changed };
                    }
                    self.context.retry_count += 1;
                    return Decision::Reevaluate { is_changed };
                }
                Err(_) => {
                    self.note_failed(&installed.name_shared());
                    if installed.refuses_on_failure() {
                        return Decision::Failed(installed.name_shared());
                    }
                }
            }
        }
        Decision::Proceed { is_changed }
    }

    /// Puts changes in place; true when the request itself is another now.
    fn take(&mut self, changes: Changes) -> bool {
        let Changes { request, route, reply, text, error } = changes;
        let context = &mut self.context;
        if let Some(route) = route {
            context.route = Some(route);
        }
        if reply.is_some() {
            context.reply = reply;
        }
        if let (Some(chunk), Some(text)) = (&mut context.chunk, text) {
            chunk.text = text;
        }
        if let (Some(known), Some((status, message))) = (&mut context.error, error) {
            known.status = status;
            known.message = message;
        }
        let is_changed = request.is_some();
        if let Some(request) = request {
            context.request.replace(request);
        }
        is_changed
    }

    /// The record is closed: hands it to the plugins that want it, which nobody waits for.
    pub fn detach(self, record: &Record) {
        if !self.has(Hook::DetachedAfterResponse) {
            return;
        }
        let mut context = self.context;
        context.record = Some(Arc::new(record.clone()));
        let context: Arc<Context> = context.into_shared();
        for installed in self.chain.at(Hook::DetachedAfterResponse) {
            installed.detach(Arc::clone(&context));
        }
    }
}

impl Context {
    fn into_shared(self: Box<Self>) -> Arc<Self> {
        Arc::from(self)
    }
}

/// An ending for tests and for plugins of this house.
pub(super) fn refuse(status: u16, message: impl Into<String>) -> Verdict {
    Verdict::Terminate(Box::new(Ending::Refusal { status, message: message.into() }))
}
