//! One instance of a module, and one call of it: input in, hook, output out.
//!
//! Every number that a module gives (addresses, lengths) is checked before it is used. An instance that failed is
//! thrown away, with whatever it left in its memory.

use std::time::Instant;

use wasmi::{
    Config, Engine, Error, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TypedFunc,
    TypedResumableCall, TypedResumableCallOutOfFuel, errors::ErrorKind,
};

use crate::plugins::{About, Fault, hooks::Hook};

/// How a hook looks.
pub(super) const HOOK_TYPE: &str = "(func (param i32 i32) (result i64))";

/// What a call may burn where it is asked: some hundred microseconds at most.
const FIRST_FUEL: u64 = 100_000;

/// What it may burn before the clock is looked at again: some milliseconds.
const SLICE_FUEL: u64 = 1_000_000;

/// What the module's own beginning, and taking its settings, may burn.
const START_FUEL: u64 = 100_000_000;

/// What the guest may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) memory_bytes: usize,
    pub(super) output_bytes: usize,
    pub(super) fuel: u64,
}

type HookFunc = TypedFunc<(i32, i32), i64>;

/// One instance.
pub(super) struct Guest {
    store: Store<StoreLimits>,
    memory: Memory,
    alloc: TypedFunc<i32, i32>,
    dealloc: Option<TypedFunc<(i32, i32), ()>>,
    hooks: Vec<(Hook, HookFunc)>,
    describe: Option<TypedFunc<(), i64>>,
    bounds: Bounds,
}

/// How far a call has come.
pub(super) enum Progress {
    Done(Answered),
    /// It needs more fuel.
    More(Box<More>),
}

/// A guest and what it answered.
pub(super) struct Answered {
    pub(super) guest: Box<Guest>,
    pub(super) output: Vec<u8>,
}

/// A call under way.
pub(super) struct More {
    guest: Box<Guest>,
    rest: TypedResumableCallOutOfFuel<i64>,
    input: (i32, i32),
    burnt: u64,
}

/// An engine with fuel, for one module.
pub(super) fn engine() -> Engine {
    let mut config = Config::default();
    config.consume_fuel(true).set_max_recursion_depth(512).set_max_cached_stacks(4);
    Engine::new(&config)
}

impl Guest {
    /// Makes an instance and gives it its settings.
    pub(super) fn new(module: &Module, settings: &[u8], bounds: Bounds) -> Result<Box<Self>, Fault> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(bounds.memory_bytes)
            .table_elements(100_000)
            .instances(1)
            .memories(1)
            .tables(8)
            .build();
        let mut store = Store::new(module.engine(), limits);
        store.limiter(|limits| limits);
        fuel(&mut store, START_FUEL)?;
        let instance =
            Linker::new(module.engine()).instantiate_and_start(&mut store, module).map_err(|error| fault(&error))?;
        let missing = |what: &str| Fault::Nonsense(format!("it does not export {what}"));
        let memory = instance.get_memory(&store, "memory").ok_or_else(|| missing("memory"))?;
        let alloc =
            instance.get_typed_func(&store, "alloc").map_err(|_| missing("alloc (func (param i32) (result i32))"))?;
        let dealloc = instance.get_typed_func(&store, "dealloc").ok();
        let describe = instance.get_typed_func(&store, "describe").ok();
        let mut hooks = Vec::new();
        for hook in Hook::ALL {
            if instance.get_export(&store, hook.as_str()).is_some() {
                let func = instance.get_typed_func(&store, hook.as_str());
                let func = func.map_err(|_| missing(&format!("{} as {HOOK_TYPE}", hook.as_str())))?;
                hooks.push((hook, func));
            }
        }
        let configure: Option<HookFunc> = instance.get_typed_func(&store, "configure").ok();
        let mut guest = Box::new(Self { store, memory, alloc, dealloc, hooks, describe, bounds });
        if let Some(configure) = configure.filter(|_| !settings.is_empty()) {
            let input = guest.put(settings)?;
            let said = configure.call(&mut guest.store, input).map_err(|error| fault(&error))?;
            let said = guest.take(said)?;
            guest.free(input)?;
            if !said.is_empty() {
                return Err(Fault::Failed(String::from_utf8_lossy(&said).chars().take(500).collect()));
            }
        }
        Ok(guest)
    }

    /// What the module says of itself.
    pub(super) fn describe(&mut self) -> Result<About, Fault> {
        let Some(describe) = self.describe else { return Ok(About::default()) };
        fuel(&mut self.store, START_FUEL)?;
        let said = describe.call(&mut self.store, ()).map_err(|error| fault(&error))?;
        let said = self.take(said)?;
        serde_json::from_slice(&said).map_err(|error| Fault::Nonsense(format!("describe: {error}")))
    }

    /// Asks it at a hook; what is quick is done at once.
    pub(super) fn begin(mut self: Box<Self>, hook: Hook, input: &[u8]) -> Result<Progress, Fault> {
        let Some((_, func)) = self.hooks.iter().find(|(known, _)| *known == hook) else {
            return Err(Fault::Nonsense(format!("it has no hook {}", hook.as_str())));
        };
        let func = *func;
        fuel(&mut self.store, FIRST_FUEL.min(self.bounds.fuel))?;
        let input = self.put(input)?;
        let called = func.call_resumable(&mut self.store, input).map_err(|error| fault(&error))?;
        self.go_on(called, input, FIRST_FUEL)
    }

    fn go_on(
        mut self: Box<Self>,
        called: TypedResumableCall<i64>,
        input: (i32, i32),
        burnt: u64,
    ) -> Result<Progress, Fault> {
        match called {
            TypedResumableCall::Finished(said) => {
                let output = self.take(said)?;
                self.free(input)?;
                Ok(Progress::Done(Answered { guest: self, output }))
            }
            TypedResumableCall::OutOfFuel(rest) => {
                Ok(Progress::More(Box::new(More { guest: self, rest, input, burnt })))
            }
            TypedResumableCall::HostTrap(_) => Err(Fault::Nonsense("it called what it does not have".to_owned())),
        }
    }

    /// Puts bytes into its memory, at a place that it gives.
    fn put(&mut self, bytes: &[u8]) -> Result<(i32, i32), Fault> {
        let too_much = || Fault::OverLimit("the input does not fit into its memory".to_owned());
        let length = i32::try_from(bytes.len()).map_err(|_| too_much())?;
        let at = self.alloc.call(&mut self.store, length).map_err(|error| fault(&error))?;
        // Addresses are unsigned, however they are typed.
        let offset = usize::try_from(at.cast_unsigned()).map_err(|_| too_much())?;
        self.memory.write(&mut self.store, offset, bytes).map_err(|_| too_much())?;
        Ok((at, length))
    }

    /// Takes what it gave: the address in the upper half, the length in the lower one.
    fn take(&mut self, said: i64) -> Result<Vec<u8>, Fault> {
        let said = said.cast_unsigned();
        let half = |bits: u64| usize::try_from(bits & 0xffff_ffff).unwrap_or(usize::MAX);
        let (at, length) = (half(said >> 32), half(said));
        if length == 0 {
            return Ok(Vec::new());
        }
        if length > self.bounds.output_bytes {
            return Err(Fault::OverLimit(format!("its output is larger than {} bytes", self.bounds.output_bytes)));
        }
        let memory = self.memory.data(&self.store);
        let output = at.checked_add(length).and_then(|end| memory.get(at..end)).map(<[u8]>::to_vec);
        let output = output.ok_or_else(|| Fault::Nonsense("its output does not lie in its memory".to_owned()))?;
        let address = |bits: usize| u32::try_from(bits).unwrap_or(u32::MAX).cast_signed();
        self.free((address(at), address(length)))?;
        Ok(output)
    }

    fn free(&mut self, (at, length): (i32, i32)) -> Result<(), Fault> {
        let Some(dealloc) = self.dealloc else { return Ok(()) };
        fuel(&mut self.store, FIRST_FUEL)?;
        dealloc.call(&mut self.store, (at, length)).map_err(|error| fault(&error))
    }
}

impl More {
    /// Goes on to the end, looking at the clock from time to time.
    pub(super) fn finish(self, deadline: Instant) -> Result<Answered, Fault> {
        let mut more = self;
        loop {
            if Instant::now() >= deadline {
                return Err(Fault::TimedOut);
            }
            let Self { mut guest, rest, input, burnt } = more;
            let slice = SLICE_FUEL.max(rest.required_fuel());
            if burnt.saturating_add(slice) > guest.bounds.fuel {
                return Err(Fault::OverLimit("it used up its fuel".to_owned()));
            }
            fuel(&mut guest.store, slice)?;
            let called = rest.resume(&mut guest.store).map_err(|error| fault(&error))?;
            more = match guest.go_on(called, input, burnt + slice)? {
                Progress::Done(answered) => return Ok(answered),
                Progress::More(more) => *more,
            };
        }
    }
}

fn fuel(store: &mut Store<StoreLimits>, fuel: u64) -> Result<(), Fault> {
    store.set_fuel(fuel).map_err(|error| fault(&error))
}

/// What a failed call means.
fn fault(error: &Error) -> Fault {
    match error.kind() {
        ErrorKind::TrapCode(wasmi::TrapCode::OutOfFuel) => Fault::OverLimit("it used up its fuel".to_owned()),
        ErrorKind::TrapCode(code) => Fault::Crashed(code.to_string()),
        other => Fault::Crashed(other.to_string()),
    }
}
