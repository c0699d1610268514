//! The table of the cost promise: usage shapes × models, each with its source and its sum by hand.

use llm_gateway::domain::Usage;

/// One call and what it costs.
pub(super) struct Row {
    /// Where the provider publishes the rates, and since when they hold where it matters. The rates were read
    /// in the entries of genai-prices 0.2.1 that cite these pages, and in models.dev where the row says so.
    pub(super) source: &'static str,
    /// The sum, tokens × USD per million tokens; a microcent is a hundredth of its unit.
    pub(super) sum: &'static str,
    pub(super) microcents: i64,
    pub(super) provider: &'static str,
    pub(super) model: &'static str,
    pub(super) at: &'static str,
    pub(super) tier: Option<&'static str>,
    pub(super) usage: Usage,
    /// The end of the price version, from the entry on.
    pub(super) version: &'static str,
}

const OPENAI: &str = "platform.openai.com/docs/pricing";
const OPENAI_TIERS: &str = "developers.openai.com/api/docs/pricing: flex and priority tables as of 2026-10-12";
const OPENAI_BATCH: &str = "developers.openai.com/api/docs/pricing: batch table as of 2026-10-14";
const OPENAI_O3: &str = "OpenAI's announcement of 2025-06-10: o3 is 80 % cheaper";
const OPENAI_LONG: &str = "developers.openai.com/api/docs/models/gpt-5.4: long context above 272K input tokens";
const ANTHROPIC: &str = "platform.claude.com/docs/en/about-claude/pricing";
const ANTHROPIC_LONG: &str = "platform.claude.com/docs/en/about-claude/pricing#long-context-pricing";
const ANTHROPIC_BATCH: &str = "platform.claude.com/docs/en/about-claude/pricing#batch-processing, 2026-10-14";
const GOOGLE: &str = "ai.google.dev/gemini-api/docs/pricing";
const GROQ: &str = "console.groq.com/docs/models";
const DEEPSEEK: &str = "api-docs.deepseek.com/quick_start/pricing as of August 2025: off-peak 16:30-00:30 UTC";
const DEEPSEEK_FLASH: &str = "api-docs.deepseek.com/updates 2026-09-10: peak 01:00-04:00 and 06:00-10:00 UTC";
const MISTRAL: &str = "mistral.ai/pricing/api";
const XAI: &str = "docs.x.ai/docs/models";
const OPENROUTER: &str = "openrouter.ai/models";
const AZURE: &str = "azure.microsoft.com/pricing/details/cognitive-services/openai-service";
const FACTS: &str = "models.dev, state of 2026-07-02";
const NOV: &str = "2026-11-01T12:00:00Z";

/// Uncached input and output.
const fn text(input: u64, output: u64) -> Usage {
    Usage { output: Some(output), ..read(input, 0, None) }
}

/// Uncached input, cache reads and output.
const fn read(input: u64, cache_read: u64, output: Option<u64>) -> Usage {
    Usage {
        input: Some(input),
        cache_read: Some(cache_read),
        output,
        cache_write_5m: None,
        cache_write_1h: None,
        input_audio: None,
        cache_read_audio: None,
        input_image: None,
        reasoning: None,
        output_audio: None,
        output_image: None,
        estimated: false,
    }
}

/// Uncached input, writes for five minutes and for an hour, and output.
const fn write(input: u64, for_5m: u64, for_1h: u64, output: u64) -> Usage {
    Usage { cache_write_5m: Some(for_5m), cache_write_1h: Some(for_1h), ..text(input, output) }
}

const fn row(
    source: &'static str,
    (provider, model, at): (&'static str, &'static str, &'static str),
    usage: Usage,
    (sum, microcents): (&'static str, i64),
    version: &'static str,
) -> Row {
    Row { source, sum, microcents, provider, model, at, tier: None, usage, version }
}

const fn tier(tier: &'static str, row: Row) -> Row {
    Row { tier: Some(tier), ..row }
}

pub(super) const ROWS: &[Row] = &[
    // plain and cached
    row(OPENAI, ("openai", "gpt-4o", NOV), text(1_000, 500), ("1000×2.5 + 500×10", 750_000), "openai/gpt-4o"),
    row(
        OPENAI,
        ("openai", "gpt-4o", NOV),
        read(200, 800, Some(100)),
        ("200×2.5 + 800×1.25 + 100×10", 250_000),
        "openai/gpt-4o",
    ),
    row(OPENAI, ("openai", "gpt-4o-mini", NOV), text(333, 77), ("333×0.15 + 77×0.6", 9_615), "openai/gpt-4o-mini"),
    row(
        ANTHROPIC,
        ("anthropic", "claude-opus-4-5", NOV),
        text(2_095, 503),
        ("2095×5 + 503×25", 2_305_000),
        "anthropic/claude-opus-4-5",
    ),
    // dated names that mean a family
    row(OPENAI, ("openai", "gpt-4o-2024-08-06", NOV), text(1, 1), ("1×2.5 + 1×10", 1_250), "openai/gpt-4o"),
    row(OPENAI, ("openai", "gpt-4o-20241120", NOV), text(1_000, 0), ("1000×2.5", 250_000), "openai/gpt-4o"),
    row(
        ANTHROPIC,
        ("anthropic", "claude-sonnet-4-20250514", NOV),
        text(2_095, 503),
        ("2095×3 + 503×15", 1_383_000),
        "anthropic/claude-sonnet-4-0",
    ),
    row(
        GOOGLE,
        ("google", "models/gemini-2.5-flash", NOV),
        text(1_000, 1_000),
        ("1000×0.3 + 1000×2.5", 280_000),
        "google/gemini-2.5-flash",
    ),
    row(OPENAI, ("openai", "GPT-4o", NOV), text(4, 0), ("4×2.5", 1_000), "openai/gpt-4o"),
    // cache writes
    row(
        ANTHROPIC,
        ("anthropic", "claude-sonnet-4-20250514", NOV),
        write(21, 188_086, 0, 393),
        ("21×3 + 188086×3.75 + 393×15", 71_128_050),
        "anthropic/claude-sonnet-4-0",
    ),
    row(
        ANTHROPIC,
        ("anthropic", "claude-sonnet-4-20250514", NOV),
        write(10, 0, 1_000, 1),
        ("10×3 + 1000×6 + 1×15", 604_500),
        "anthropic/claude-sonnet-4-0",
    ),
    row(
        ANTHROPIC,
        ("anthropic", "claude-opus-4-5-20251101", NOV),
        Usage { cache_read: Some(1_800), ..write(2_048, 148, 100, 503) },
        ("2048×5 + 1800×0.5 + 148×6.25 + 100×10 + 503×25", 2_564_000),
        "anthropic/claude-opus-4-5",
    ),
    row(OPENAI, ("openai", "gpt-4o", NOV), write(10, 20, 30, 0), ("60×2.5", 15_000), "openai/gpt-4o"),
    // reasoning is output
    row(
        OPENAI,
        ("openai", "gpt-5", NOV),
        Usage { reasoning: Some(900), ..text(1_000, 300) },
        ("1000×1.25 + 1200×10", 1_325_000),
        "openai/gpt-5",
    ),
    row(
        XAI,
        ("x-ai", "grok-4", NOV),
        Usage { reasoning: Some(110), ..read(32, 100, Some(9)) },
        ("32×3 + 100×0.75 + 119×15", 195_600),
        "x-ai/grok-4-0709",
    ),
    row(
        "docs.perplexity.ai: sonar-deep-research bills reasoning apart",
        ("perplexity", "sonar-deep-research", NOV),
        Usage { reasoning: Some(73_997), ..text(33, 7_163) },
        ("33×2 + 7163×8 + 73997×3", 27_936_100),
        "perplexity/sonar-deep-research",
    ),
    row(
        FACTS,
        ("alibaba", "qwen-plus", NOV),
        Usage { reasoning: Some(100), ..text(1_000, 50) },
        ("1000×0.4 + 50×1.2 + 100×4", 86_000),
        "alibaba/qwen-plus",
    ),
    // long context: below, at and above the threshold; the whole request, cached tokens counted
    row(
        OPENAI_LONG,
        ("openai", "gpt-5.4", NOV),
        text(271_999, 1_000),
        ("271999×2.5 + 1000×15", 69_499_750),
        "openai/gpt-5.4",
    ),
    row(
        OPENAI_LONG,
        ("openai", "gpt-5.4", NOV),
        text(272_000, 1_000),
        ("272000×2.5 + 1000×15", 69_500_000),
        "openai/gpt-5.4",
    ),
    row(
        OPENAI_LONG,
        ("openai", "gpt-5.4", NOV),
        read(172_001, 100_000, Some(1_000)),
        ("172001×5 + 100000×0.5 + 1000×22.5", 93_250_500),
        "openai/gpt-5.4",
    ),
    row(
        ANTHROPIC_LONG,
        ("anthropic", "claude-sonnet-4-5", NOV),
        text(200_000, 1_000),
        ("200000×3 + 1000×15", 61_500_000),
        "anthropic/claude-sonnet-4-5",
    ),
    row(
        ANTHROPIC_LONG,
        ("anthropic", "claude-sonnet-4-5", NOV),
        read(1, 200_000, Some(1_000)),
        ("1×6 + 200000×0.6 + 1000×22.5", 14_250_600),
        "anthropic/claude-sonnet-4-5",
    ),
    row(
        ANTHROPIC_LONG,
        ("anthropic", "claude-sonnet-4-5", NOV),
        write(1, 100_000, 100_000, 0),
        ("1×6 + 100000×7.5 + 100000×12", 195_000_600),
        "anthropic/claude-sonnet-4-5",
    ),
    row(
        GOOGLE,
        ("google", "gemini-2.5-pro", NOV),
        Usage { reasoning: Some(200), ..text(200_000, 100) },
        ("200000×1.25 + 300×10", 25_300_000),
        "google/gemini-2.5-pro",
    ),
    row(
        GOOGLE,
        ("google", "gemini-2.5-pro", NOV),
        Usage { reasoning: Some(200), ..text(200_001, 100) },
        ("200001×2.5 + 300×15", 50_450_250),
        "google/gemini-2.5-pro",
    ),
    // audio and images by token
    row(
        OPENAI,
        ("openai", "gpt-audio", NOV),
        Usage { input_audio: Some(50), output_audio: Some(200), ..text(100, 20) },
        ("100×2.5 + 50×32 + 20×10 + 200×64", 1_485_000),
        "openai/gpt-audio",
    ),
    row(
        OPENAI,
        ("openai", "gpt-4o-realtime-preview", NOV),
        Usage { input_audio: Some(30), cache_read_audio: Some(40), output_audio: Some(6), ..read(10, 20, Some(5)) },
        ("10×5 + 20×2.5 + 30×40 + 40×2.5 + 5×20 + 6×80", 198_000),
        "openai/gpt-4o-realtime-preview",
    ),
    row(
        OPENAI,
        ("openai", "gpt-image-1", NOV),
        Usage { input_image: Some(100), output_image: Some(1_000), ..text(50, 0) },
        ("50×5 + 100×10 + 1000×40", 4_125_000),
        "openai/gpt-image-1",
    ),
    row(
        GOOGLE,
        ("google", "gemini-2.5-flash", NOV),
        Usage { input_audio: Some(300), cache_read_audio: Some(20), ..read(100, 50, Some(10)) },
        ("100×0.3 + 50×0.03 + 300×1 + 20×0.1 + 10×2.5", 35_850),
        "google/gemini-2.5-flash",
    ),
    row(
        GOOGLE,
        ("google", "gemini-2.5-flash-image", NOV),
        Usage { output_image: Some(1_290), ..text(10, 0) },
        ("10×0.3 + 1290×30", 3_870_300),
        "google/gemini-2.5-flash-image",
    ),
    // embeddings
    row(
        OPENAI,
        ("openai", "text-embedding-3-large", NOV),
        text(1_234, 0),
        ("1234×0.13", 16_042),
        "openai/text-embedding-3-large",
    ),
    row(OPENAI, ("openai", "text-embedding-3-small", NOV), text(8, 0), ("8×0.02", 16), "openai/text-embedding-3-small"),
    row(
        GOOGLE,
        ("google", "gemini-embedding-001", NOV),
        text(2_048, 0),
        ("2048×0.15", 30_720),
        "google/gemini-embedding-001",
    ),
    row(MISTRAL, ("mistral", "mistral-embed", NOV), text(15, 0), ("15×0.1", 150), "mistral/mistral-embed"),
    // flex, priority, batch
    tier(
        "priority",
        row(
            OPENAI_TIERS,
            ("openai", "gpt-4o", "2026-10-12T00:00:00Z"),
            text(1_000, 500),
            ("1000×4.25 + 500×17", 1_275_000),
            "openai/gpt-4o+priority@2026-10-12",
        ),
    ),
    tier(
        "priority",
        row(
            OPENAI,
            ("openai", "gpt-4o", "2026-10-11T23:59:59Z"),
            text(1_000, 500),
            ("1000×2.5 + 500×10", 750_000),
            "openai/gpt-4o",
        ),
    ),
    tier(
        "default",
        row(OPENAI, ("openai", "gpt-4o", NOV), text(1_000, 500), ("1000×2.5 + 500×10", 750_000), "openai/gpt-4o"),
    ),
    tier(
        "flex",
        row(
            OPENAI_TIERS,
            ("openai", "o3", NOV),
            Usage { reasoning: Some(300), ..text(1_000, 200) },
            ("1000×1 + 500×4", 300_000),
            "openai/o3#2025-06-10+flex@2026-10-12",
        ),
    ),
    tier(
        "flex",
        row(
            OPENAI_TIERS,
            ("openai", "gpt-5.4", NOV),
            read(0, 1_000, Some(0)),
            ("1000×0.13", 13_000),
            "openai/gpt-5.4+flex@2026-10-12",
        ),
    ),
    tier(
        "priority",
        row(
            OPENAI_TIERS,
            ("openai", "gpt-5.4", NOV),
            text(300_000, 10),
            ("300000×5 + 10×30", 150_030_000),
            "openai/gpt-5.4+priority@2026-10-12",
        ),
    ),
    tier(
        "batch",
        row(
            OPENAI_BATCH,
            ("openai", "gpt-4o", "2026-10-14T00:00:00Z"),
            read(100, 100, Some(10)),
            ("100×1.25 + 100×1.25 + 10×5", 30_000),
            "openai/gpt-4o+batch@2026-10-14",
        ),
    ),
    tier(
        "batch",
        row(
            OPENAI_BATCH,
            ("openai", "gpt-5", NOV),
            text(1_000, 1_000),
            ("1000×0.625 + 1000×5", 562_500),
            "openai/gpt-5+batch@2026-10-14",
        ),
    ),
    tier(
        "batch",
        row(
            ANTHROPIC_BATCH,
            ("anthropic", "claude-haiku-5-5", NOV),
            text(100_001, 10),
            ("100001×0.25 + 10×1.25", 2_501_275),
            "anthropic/claude-haiku-5-5+batch@2026-10-14",
        ),
    ),
    tier(
        "batch",
        row(
            ANTHROPIC_BATCH,
            ("anthropic", "claude-opus-4-5", NOV),
            Usage { cache_read: Some(1_000), ..write(10, 100, 100, 10) },
            ("10×2.5 + 1000×0.25 + 100×3.125 + 100×5 + 10×12.5", 121_250),
            "anthropic/claude-opus-4-5+batch@2026-10-14",
        ),
    ),
    tier(
        "batch",
        row(
            "console.groq.com/docs/batch: half price, 2026-10-14",
            ("groq", "openai/gpt-oss-120b", NOV),
            Usage { reasoning: Some(600), ..text(1_000, 400) },
            ("1000×0.075 + 1000×0.3", 37_500),
            "groq/openai/gpt-oss-120b+batch@2026-10-14",
        ),
    ),
    tier(
        "standard",
        row(
            ANTHROPIC,
            ("anthropic", "claude-opus-4-5", NOV),
            text(100, 10),
            ("100×5 + 10×25", 75_000),
            "anthropic/claude-opus-4-5",
        ),
    ),
    // the price of the day and of the hour
    row(OPENAI_O3, ("openai", "o3", "2025-06-09T23:59:59Z"), text(100, 100), ("100×10 + 100×40", 500_000), "openai/o3"),
    row(
        OPENAI_O3,
        ("openai", "o3", "2025-06-10T00:00:00Z"),
        text(100, 100),
        ("100×2 + 100×8", 100_000),
        "openai/o3#2025-06-10",
    ),
    row(
        ANTHROPIC_LONG,
        ("anthropic", "claude-sonnet-4-6", "2026-03-12T23:59:59Z"),
        text(300_000, 100),
        ("300000×6 + 100×22.5", 180_225_000),
        "anthropic/claude-sonnet-4-6",
    ),
    row(
        ANTHROPIC_LONG,
        ("anthropic", "claude-sonnet-4-6", "2026-03-13T00:00:00Z"),
        text(300_000, 100),
        ("300000×3 + 100×15", 90_150_000),
        "anthropic/claude-sonnet-4-6#2026-03-13",
    ),
    row(
        MISTRAL,
        ("mistral", "mistral-small-latest", "2026-03-15T12:00:00Z"),
        text(1_000, 1_000),
        ("1000×0.1 + 1000×0.3", 40_000),
        "mistral/mistral-small-latest",
    ),
    row(
        MISTRAL,
        ("mistral", "mistral-small-latest", "2026-03-16T12:00:00Z"),
        read(1_000, 1_000, Some(1_000)),
        ("1000×0.15 + 1000×0.015 + 1000×0.6", 76_500),
        "mistral/mistral-small-latest#2026-03-16",
    ),
    row(
        DEEPSEEK,
        ("deepseek", "deepseek-chat", "2025-07-01T16:29:59Z"),
        read(1_000, 1_000, Some(1_000)),
        ("1000×0.27 + 1000×0.07 + 1000×1.1", 144_000),
        "deepseek/deepseek-chat#00:30-16:30",
    ),
    row(
        DEEPSEEK,
        ("deepseek", "deepseek-chat", "2025-07-01T16:30:00Z"),
        read(1_000, 1_000, Some(1_000)),
        ("1000×0.135 + 1000×0.035 + 1000×0.55", 72_000),
        "deepseek/deepseek-chat",
    ),
    row(
        DEEPSEEK_FLASH,
        ("deepseek", "deepseek-flash", "2026-11-02T05:00:00Z"),
        read(100, 1_000, Some(10)),
        ("100×0.15 + 1000×0.003 + 10×0.6", 2_400),
        "deepseek/deepseek-flash",
    ),
    row(
        DEEPSEEK_FLASH,
        ("deepseek", "deepseek-flash", "2026-11-02T06:00:00Z"),
        read(100, 1_000, Some(10)),
        ("100×0.3 + 1000×0.006 + 10×1.2", 4_800),
        "deepseek/deepseek-flash#06:00-10:00",
    ),
    // other doors
    row(
        GROQ,
        ("groq", "llama-3.3-70b-versatile", NOV),
        text(18, 556),
        ("18×0.59 + 556×0.79", 44_986),
        "groq/llama-3.3-70b-versatile",
    ),
    row(
        MISTRAL,
        ("mistral", "mistral-large-2512", NOV),
        read(1_000, 100, Some(100)),
        ("1000×0.5 + 100×0.05 + 100×1.5", 65_500),
        "mistral/mistral-large-2512",
    ),
    row(
        OPENROUTER,
        ("openrouter", "anthropic/claude-sonnet-4.5", NOV),
        Usage { cache_read: Some(100), ..write(10, 50, 0, 5) },
        ("10×3 + 100×0.3 + 50×3.75 + 5×15", 32_250),
        "openrouter/anthropic/claude-sonnet-4.5",
    ),
    row(
        OPENROUTER,
        ("openrouter", "openai/gpt-4o", "2026-10-18T00:00:00Z"),
        read(100, 100, Some(10)),
        ("200×2.5 + 10×10", 60_000),
        "openrouter/openai/gpt-4o",
    ),
    row(
        OPENROUTER,
        ("openrouter", "openai/gpt-4o", NOV),
        read(100, 100, Some(10)),
        ("100×2.5 + 100×1.25 + 10×10", 47_500),
        "openrouter/openai/gpt-4o#2026-10-19",
    ),
    row(
        "openrouter.ai/docs: a :free variant costs nothing",
        ("openrouter", "google/gemma-3-27b-it:free", NOV),
        text(1_000, 1_000),
        ("0×1", 0),
        "openrouter/google/gemma-3-27b-it:free",
    ),
    row(
        AZURE,
        ("azure", "gpt-4o-2024-08-06", NOV),
        read(1_000, 100, Some(10)),
        ("1000×2.5 + 100×1.25 + 10×10", 272_500),
        "openai/gpt-4o",
    ),
    row(AZURE, ("azure", "o1", NOV), read(10, 10, Some(10)), ("10×15 + 10×7.5 + 10×60", 82_500), "azure/o1"),
    tier("flex", row(AZURE, ("azure", "gpt-5", NOV), text(1_000, 10), ("1000×1.25 + 10×10", 135_000), "openai/gpt-5")),
    row(
        FACTS,
        ("azure", "deepseek-v3.1", NOV),
        text(1_000, 10),
        ("1000×0.56 + 10×1.68", 57_680),
        "azure/deepseek-v3.1",
    ),
    row(
        "docs.perplexity.ai/docs/getting-started/pricing: the highest request fee of 2026-09",
        ("perplexity", "sonar", NOV),
        text(14, 100),
        ("14×1 + 100×1 + 0.012 USD", 1_211_400),
        "perplexity/sonar",
    ),
    row(
        "together.ai/pricing",
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", NOV),
        text(37, 25),
        ("62×0.88", 5_456),
        "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    ),
    row(
        "fireworks.ai/pricing",
        ("fireworks", "accounts/fireworks/models/deepseek-v3p2", NOV),
        read(7, 4, Some(9)),
        ("7×0.56 + 4×0.28 + 9×1.68", 2_016),
        "fireworks/deepseek-v3p2",
    ),
    row(
        "cerebras.ai/pricing",
        ("cerebras", "gpt-oss-120b", NOV),
        text(1_001, 1),
        ("1001×0.35 + 1×0.75", 35_110),
        "cerebras/gpt-oss-120b",
    ),
    row(
        "cohere.com/pricing",
        ("cohere", "command-r7b-12-2024", NOV),
        text(1_001, 3),
        ("1001×0.0375 + 3×0.15", 3_799),
        "cohere/command-r7b",
    ),
    // rounded once, half up
    row(
        "cohere.com/pricing: 3.75 microcents and 15 are 18.75",
        ("cohere", "command-r7b", NOV),
        text(1, 1),
        ("1×0.0375 + 1×0.15", 19),
        "cohere/command-r7b",
    ),
    row(
        "platform.openai.com/docs/pricing: 2.5 microcents",
        ("openai", "gpt-4.1-nano", NOV),
        read(0, 1, Some(0)),
        ("1×0.025", 3),
        "openai/gpt-4.1-nano",
    ),
];
