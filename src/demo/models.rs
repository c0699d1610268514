//! The models that the demo provider pretends to have: real names, so that the catalog's prices
//! hold, with speeds and error rates that differ.

/// How a model behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DemoModel {
    /// The name, as the real provider spells it.
    pub id: &'static str,
    /// `owned_by` of model lists.
    pub owned_by: &'static str,
    /// What `created` of model lists says, in seconds since the Unix epoch.
    pub created: u64,
    /// Typical time to the first token, in milliseconds.
    pub ttft_ms: u64,
    /// Typical speed of the answer, in tokens a second.
    pub tokens_per_s: u64,
    /// Share of calls that fail on their own.
    pub error_rate: f64,
    /// Whether it thinks before it answers.
    pub reasons: bool,
}

const fn model(id: &'static str, owned_by: &'static str, created: u64, speed: (u64, u64, f64)) -> DemoModel {
    DemoModel { id, owned_by, created, ttft_ms: speed.0, tokens_per_s: speed.1, error_rate: speed.2, reasons: false }
}

const fn thinking(model: DemoModel) -> DemoModel {
    DemoModel { reasons: true, ..model }
}

/// Models of the provider that speaks the OpenAI API.
pub const OPENAI: &[DemoModel] = &[
    model("gpt-4o", "system", 1_715_367_049, (420, 85, 0.012)),
    model("gpt-4o-mini", "system", 1_721_172_741, (310, 110, 0.006)),
    thinking(model("gpt-5", "system", 1_754_425_777, (600, 60, 0.018))),
    thinking(model("gpt-5-mini", "system", 1_754_425_928, (450, 95, 0.010))),
    model("text-embedding-3-small", "system", 1_705_948_997, (90, 4000, 0.003)),
];

/// Models of the provider that speaks the Anthropic API.
pub const ANTHROPIC: &[DemoModel] = &[
    model("claude-sonnet-4-20250514", "anthropic", 1_747_180_800, (900, 62, 0.022)),
    model("claude-sonnet-4-5-20250929", "anthropic", 1_759_104_000, (820, 70, 0.016)),
    model("claude-haiku-4-5-20251001", "anthropic", 1_759_276_800, (380, 130, 0.008)),
];

/// Models of the provider that speaks the Gemini API.
pub const GEMINI: &[DemoModel] = &[
    thinking(model("gemini-2.5-pro", "google", 1_750_118_400, (500, 90, 0.014))),
    model("gemini-2.5-flash", "google", 1_750_118_400, (350, 160, 0.007)),
    model("gemini-embedding-001", "google", 1_752_451_200, (110, 4000, 0.003)),
];

/// Models of the server on the own network.
pub const LOCAL: &[DemoModel] = &[
    model("llama3.2:3b", "library", 1_727_222_400, (160, 45, 0.004)),
    model("qwen2.5-coder:7b", "library", 1_726_704_000, (240, 28, 0.030)),
    model("nomic-embed-text", "library", 1_706_745_600, (40, 4000, 0.001)),
];

/// What a model that is on no list behaves like, where any name is served.
pub(super) const UNLISTED: DemoModel = model("demo", "demo", 1_700_000_000, (300, 80, 0.0));

/// A model of any of the lists.
pub(super) fn listed(id: &str) -> Option<DemoModel> {
    [OPENAI, ANTHROPIC, GEMINI, LOCAL].into_iter().flatten().find(|model| model.id == id).copied()
}
