//! `wasm`: the operator's own plugin as a WebAssembly module.
//!
//! A module has what it brings along and nothing else: no file, no network, no clock, no environment, no import at all.
//! Its fuel, memory, output and time are bounded. What is quick runs where it is asked; what is not goes on beside the
//! runtime's own threads, few at a time, so that a module which never ends slows nobody but its own requests down.

mod guest;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use wasmi::Module;

use self::guest::{Answered, Bounds, Guest, HOOK_TYPE, Progress, engine};
use super::{
    About, Fault, Plugin, Ruling, Shared, Verdict,
    context::Context,
    hooks::{Hook, Hooks},
    registry::{Kind, Tools, settings},
    schema::{Misfit, Schema},
    wire,
};
use crate::config::PluginBlock;

pub(super) const KIND: Kind = Kind {
    id: "wasm",
    version: "1.0.0",
    description: "Runs a WebAssembly module of the operator's at the hooks that it exports, without access to anything.",
    schema: r#"{
        "type": "object", "additionalProperties": false, "required": ["module"],
        "properties": {
            "module": {"description": "Path of the module, from the working directory.", "type": "string", "minLength": 1},
            "settings": {"description": "The module's own settings.", "type": "object"},
            "accumulated": {
                "description": "Whether chunks come with all the text before them.", "type": "boolean", "default": false
            },
            "max_memory_bytes": {"type": "integer", "minimum": 65536, "maximum": 1073741824, "default": 33554432},
            "max_output_bytes": {"type": "integer", "minimum": 64, "maximum": 67108864, "default": 4194304},
            "max_fuel": {
                "description": "About the number of instructions that one call may take.",
                "type": "integer", "minimum": 10000, "default": 2000000000
            },
            "threads": {
                "description": "Calls that may go on beside the runtime at once.",
                "type": "integer", "minimum": 1, "maximum": 64, "default": 1
            }
        }
    }"#,
    hooks: Hooks::of(&Hook::ALL),
    build,
};

/// The largest module.
const MOST_MODULE_BYTES: u64 = 32 << 20;

/// Guests that are kept for the next request.
const MOST_IDLE: usize = 32;

#[derive(Deserialize)]
struct Settings {
    module: PathBuf,
    #[serde(default)]
    settings: Map<String, Json>,
    #[serde(default)]
    accumulated: bool,
    max_memory_bytes: Option<usize>,
    max_output_bytes: Option<usize>,
    max_fuel: Option<u64>,
    threads: Option<usize>,
}

/// A module that is ready to be asked.
struct Wasm {
    name: String,
    path: PathBuf,
    digest: [u8; 32],
    about: About,
    hooks: Hooks,
    accumulated: bool,
    timeout: std::time::Duration,
    shared: Arc<Compiled>,
    #[expect(clippy::vec_box, reason = "guests are large, and taken out and put back with each call")]
    idle: Mutex<Vec<Box<Guest>>>,
    beside: Arc<Semaphore>,
}

/// What every guest of a module is made from.
struct Compiled {
    module: Module,
    settings: Vec<u8>,
    bounds: Bounds,
}

impl std::fmt::Debug for Wasm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wasm").field("name", &self.name).field("path", &self.path).finish_non_exhaustive()
    }
}

fn misfit(path: &str, reason: impl ToString) -> Vec<Misfit> {
    vec![Misfit { path: path.to_owned(), reason: reason.to_string() }]
}

fn build(block: &PluginBlock, _: &Tools) -> Result<Shared, Vec<Misfit>> {
    let settings: Settings = settings(block)?;
    let path = block.working_dir.join(&settings.module);
    let wrong = |reason: String| misfit("module", reason);
    let size = std::fs::metadata(&path).map_err(|error| wrong(format!("cannot be read ({})", error.kind())))?.len();
    if size > MOST_MODULE_BYTES {
        return Err(wrong(format!("is larger than {MOST_MODULE_BYTES} bytes")));
    }
    let bytes = std::fs::read(&path).map_err(|error| wrong(format!("cannot be read ({})", error.kind())))?;
    let module = Module::new(&engine(), &bytes).map_err(|error| wrong(format!("is no WebAssembly module: {error}")))?;
    if let Some(import) = module.imports().next() {
        let (from, name) = (import.module(), import.name());
        return Err(wrong(format!("wants to import {from}.{name}; a plugin gets nothing but its input")));
    }
    let bounds = Bounds {
        memory_bytes: settings.max_memory_bytes.unwrap_or(32 << 20),
        output_bytes: settings.max_output_bytes.unwrap_or(4 << 20),
        fuel: settings.max_fuel.unwrap_or(2_000_000_000),
    };
    let hooks: Vec<Hook> = Hook::ALL.into_iter().filter(|hook| module.get_export(hook.as_str()).is_some()).collect();
    if hooks.is_empty() {
        return Err(wrong(format!("exports no hook; write one as {HOOK_TYPE}")));
    }
    let own = serde_json::to_vec(&settings.settings).unwrap_or_default();
    let mut compiled = Compiled { module, settings: Vec::new(), bounds };
    // Its own words are asked for before its settings are given to it.
    let about = Guest::new(&compiled.module, &[], bounds).and_then(|mut guest| guest.describe());
    let about = about.map_err(|fault| wrong(fault.to_string()))?;
    if let Some(schema) = &about.schema {
        let schema =
            Schema::read(schema.clone()).map_err(|why| wrong(format!("has a schema that cannot be used: {why}")))?;
        let misfits = schema.check(&Json::Object(settings.settings));
        if !misfits.is_empty() {
            let within = |path: &str| if path.is_empty() { "settings".to_owned() } else { format!("settings.{path}") };
            return Err(misfits.into_iter().map(|one| Misfit { path: within(&one.path), ..one }).collect());
        }
    }
    compiled.settings = own;
    let first = Guest::new(&compiled.module, &compiled.settings, bounds).map_err(|fault| misfit("settings", fault))?;
    Ok(Arc::new(Wasm {
        name: block.name.clone(),
        path,
        digest: Sha256::digest(&bytes).into(),
        about,
        hooks: Hooks::of(&hooks),
        accumulated: settings.accumulated,
        timeout: block.timeout,
        shared: Arc::new(compiled),
        idle: Mutex::new(vec![first]),
        beside: Arc::new(Semaphore::new(settings.threads.unwrap_or(1))),
    }))
}

impl Wasm {
    async fn ask(&self, hook: Hook, context: &mut Context) -> Result<Verdict, Fault> {
        let input = wire::told(hook, &self.name, context, self.accumulated);
        let deadline = Instant::now() + self.timeout;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let begun = match idle {
            Some(guest) => guest.begin(hook, &input),
            // A new guest runs the module's own code before it is asked anything.
            None => {
                let shared = Arc::clone(&self.shared);
                self.beside(deadline, move || {
                    Guest::new(&shared.module, &shared.settings, shared.bounds)?.begin(hook, &input)
                })
                .await
            }
        };
        let Answered { guest, output } = match begun? {
            Progress::Done(answered) => answered,
            Progress::More(more) => self.beside(deadline, move || more.finish(deadline)).await?,
        };
        self.put_back(guest);
        wire::verdict(&output, context)
    }

    /// Runs beside the runtime's own threads, where there is a place.
    async fn beside<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let place = Arc::clone(&self.beside).acquire_owned();
        let place = tokio::time::timeout_at(deadline.into(), place).await;
        let Ok(Ok(place)) = place else { return Err(Fault::TimedOut) };
        let done = tokio::task::spawn_blocking(move || {
            // Given back when the work is over, also when nobody waits for it any more.
            let _place = place;
            work()
        });
        done.await.map_err(|error| Fault::Crashed(error.to_string()))?
    }

    /// Keeps a guest that did what it should.
    fn put_back(&self, guest: Box<Guest>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(guest);
        }
    }
}

impl Plugin for Wasm {
    fn hooks(&self) -> Hooks {
        self.hooks
    }

    fn at<'a>(&'a self, hook: Hook, context: &'a mut Context) -> Ruling<'a> {
        Box::pin(self.ask(hook, context))
    }

    fn about(&self) -> Option<&About> {
        Some(&self.about)
    }

    fn is_current(&self) -> bool {
        std::fs::read(&self.path).is_ok_and(|bytes| *Sha256::digest(&bytes) == self.digest)
    }
}
