//! The points of the way at which plugins are asked, and sets of them.

/// A point of the way of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// The request passed the sanitizer; no plan is made yet.
    BeforeModel,
    /// The plan stands; nobody was called yet.
    ModelExecute,
    /// A whole answer is here; the client has seen nothing of it.
    AfterModel,
    /// A piece of a streamed answer is here.
    AfterChunk,
    /// No provider answered.
    OnModelError,
    /// The record is closed.
    DetachedAfterResponse,
}

impl Hook {
    /// Every hook, in the order of the way.
    pub const ALL: [Self; 6] = [
        Self::BeforeModel,
        Self::ModelExecute,
        Self::AfterModel,
        Self::AfterChunk,
        Self::OnModelError,
        Self::DetachedAfterResponse,
    ];

    /// The stable name, in the API and in what plugins are told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeModel => "before_model",
            Self::ModelExecute => "model_execute",
            Self::AfterModel => "after_model",
            Self::AfterChunk => "after_chunk",
            Self::OnModelError => "on_model_error",
            Self::DetachedAfterResponse => "detached_after_response",
        }
    }

    /// Reads the stable name back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == text)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks(u8);

impl Hooks {
    /// No hook at all.
    pub const NONE: Self = Self(0);

    /// These hooks.
    pub const fn of(hooks: &[Hook]) -> Self {
        let (mut set, mut place) = (0, 0);
        while place < hooks.len() {
            #[expect(clippy::indexing_slicing, reason = "bounded by the loop, at compile time")]
            {
                set |= hooks[place].bit();
            }
            place += 1;
        }
        Self(set)
    }

    /// Whether the hook is one of them.
    pub const fn has(self, hook: Hook) -> bool {
        self.0 & hook.bit() != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The hooks, in the order of the way.
    pub fn iter(self) -> impl Iterator<Item = Hook> {
        Hook::ALL.into_iter().filter(move |hook| self.has(*hook))
    }
}
