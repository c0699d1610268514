//! Promise: a cost is the exact sum of what the list price says, and unknown when it cannot be known.

mod table;

use std::time::{Duration, UNIX_EPOCH};

use genai_prices::{Calculator, PriceRequest};
use llm_gateway::{
    catalog::{Catalog, PriceQuery, Priced},
    config::{CatalogOverride, PriceOverride, ProviderType},
    domain::{Microcents, Timestamp, Usage},
};
use proptest::prelude::{Strategy, prop_assert_eq, proptest};
use rust_decimal::Decimal;

const NOON: &str = "2026-11-01T12:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn ask(provider: &str, model: &str, usage: &Usage, at: Timestamp, service_tier: Option<&str>) -> Priced {
    Catalog::bundled(&[]).price(&PriceQuery {
        provider_id: provider,
        catalog_provider: Some(provider),
        provider_pricing: None,
        model,
        asked_model: None,
        usage,
        at,
        service_tier,
    })
}

/// The usage as genai-prices wants it: totals and overlapping parts.
fn overlapping(usage: &Usage) -> genai_prices::Usage {
    let mut theirs = genai_prices::Usage::new();
    let mut insert = |key: &str, classes: &[Option<u64>]| {
        theirs.insert(key, classes.iter().flatten().sum::<u64>() as f64);
    };
    insert("input_tokens", &[usage.input_tokens()]);
    insert("cache_read_tokens", &[usage.cache_read_tokens()]);
    insert("cache_write_tokens", &[usage.cache_write_tokens()]);
    insert("cache_write_5m_tokens", &[usage.cache_write_5m]);
    insert("cache_write_1h_tokens", &[usage.cache_write_1h]);
    insert("input_audio_tokens", &[usage.input_audio, usage.cache_read_audio]);
    insert("cache_audio_read_tokens", &[usage.cache_read_audio]);
    insert("input_image_tokens", &[usage.input_image]);
    insert("output_tokens", &[usage.output_tokens()]);
    insert("output_reasoning_tokens", &[usage.reasoning]);
    insert("output_audio_tokens", &[usage.output_audio]);
    insert("output_image_tokens", &[usage.output_image]);
    theirs
}

fn theirs(provider: &str, model: &str, usage: &Usage, at: Timestamp, tier: Option<&str>) -> Option<f64> {
    let usage = overlapping(usage);
    let moment = UNIX_EPOCH + Duration::from_secs(u64::try_from(at.unix_secs()).unwrap());
    let mut request = PriceRequest::new(model, &usage).with_provider_id(provider).with_timestamp(moment);
    if let Some(tier) = tier {
        let key = if tier == "batch" { "processing" } else { "service_tier" };
        request = request.with_price_context(key, tier);
    }
    Calculator::bundled().calculate(&request).ok().map(|price| price.total_price)
}

#[test]
fn every_bundled_price_agrees_with_the_crate_it_came_from() {
    let input = Usage { input: Some(1_000_000), output: Some(0), ..Usage::default() };
    let output = Usage { input: Some(0), output: Some(1_000_000), ..Usage::default() };
    let mixed = Usage {
        input: Some(12_345),
        cache_read: Some(6_789),
        cache_write_5m: Some(1_234),
        cache_write_1h: Some(567),
        input_audio: Some(89),
        cache_read_audio: Some(12),
        input_image: Some(345),
        output: Some(6_543),
        reasoning: Some(2_100),
        output_audio: Some(77),
        output_image: Some(33),
        estimated: false,
    };
    let long = Usage { cache_read: Some(400_000), ..mixed };
    let times = ["2025-03-01T03:00:00Z", "2025-09-01T20:00:00Z", "2026-11-21T08:00:00Z", "2027-02-01T00:00:00Z"];
    let tiers = [None, Some("batch"), Some("flex"), Some("priority"), Some("fast"), Some("default"), Some("no-such")];
    let (mut compared, mut unpriced) = (0, 0);
    for provider in Calculator::bundled().providers() {
        for model in provider.models() {
            for (time, tier) in times.into_iter().flat_map(|time| tiers.map(|tier| (at(time), tier))) {
                for usage in [&input, &output, &mixed, &long] {
                    let (provider, model) = (provider.id(), model.id());
                    let Some(expected) = theirs(provider, model, usage, time, tier) else { continue };
                    let ours = ask(provider, model, usage, time, tier);
                    if let Some(cost) = ours.cost {
                        let error = (cost.as_usd() - expected).abs();
                        // Half a microcent is our rounding, the rest is the bound on theirs.
                        assert!(error <= 5e-9 + 1e-9, "{provider}/{model} {time} {tier:?}: {ours:?}, not {expected}");
                        compared += 1;
                    } else {
                        // Theirs counts tokens without a rate as free.
                        let free = |usage| theirs(provider, model, usage, time, tier) == Some(0.0);
                        assert!(free(&input) || free(&output), "{provider}/{model} {time} {tier:?}: {ours:?}");
                        unpriced += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 200_000 && unpriced < compared / 5, "{compared} compared, {unpriced} unpriced");
}

#[test]
fn the_catalog_was_made_from_the_locked_version_of_its_source() {
    let lock: toml::Table = include_str!("../Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let locked = packages.iter().find(|package| package["name"].as_str() == Some("genai-prices")).unwrap();
    let version = ask("openai", "gpt-4o", &plain(1, 1), at(NOON), None).version.unwrap();
    let expected = format!("genai-prices@{}/openai/gpt-4o", locked["version"].as_str().unwrap());
    assert_eq!(*version, *expected, "run examples/catalog_refresh");
}

#[test]
fn a_cost_is_the_sum_by_hand_of_the_published_prices() {
    let mut wrong = String::new();
    for row in table::ROWS {
        let priced = ask(row.provider, row.model, &row.usage, at(row.at), row.tier);
        let version = priced.version.as_deref().and_then(|version| Some(version.split_once('/')?.1));
        if priced.cost != Some(Microcents(row.microcents)) || version != Some(row.version) {
            let table::Row { provider, model, at, sum, microcents, source, .. } = row;
            wrong += &format!("{provider} {model} {at}: {priced:?}, not {sum} = {microcents} ({source})\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(table::ROWS.len() >= 40);
}

#[test]
fn the_table_sums_up() {
    for row in table::ROWS {
        let sum: Decimal = row.sum.split(" + ").map(summand).sum();
        let cents = sum * Decimal::ONE_HUNDRED;
        let rounded = cents.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        assert_eq!(rounded, Decimal::from(row.microcents), "{}", row.sum);
    }
}

/// `1000×2.5`, or `0.012 USD` for a whole request, in millionths of a dollar.
fn summand(text: &str) -> Decimal {
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    match text.strip_suffix(" USD") {
        Some(per_request) => number(per_request) * Decimal::from(1_000_000),
        None => text.split('×').map(number).product(),
    }
}

fn plain(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::default() }
}

#[test]
fn an_unknown_price_is_null_and_says_so() {
    let usage = plain(10, 10);
    for (provider, model) in [("openai", "gpt-nobody-knows"), ("no-such-provider", "gpt-4o"), ("openai", "")] {
        let priced = ask(provider, model, &usage, at(NOON), None);
        assert_eq!(priced, Priced { cost: None, unknown_reason: Some("no_price"), version: None }, "{model}");
    }
    // Billed by the second and the character; a count of tokens says nothing about it.
    for model in ["whisper-1", "tts-1"] {
        assert_eq!(ask("openai", model, &usage, at(NOON), None).unknown_reason, Some("no_price"), "{model}");
    }
    // An embedding has no price for output.
    let embedding = ask("openai", "text-embedding-3-small", &usage, at(NOON), None);
    assert_eq!(embedding.unknown_reason, Some("no_price"));
}

#[test]
fn unknown_usage_is_null_and_not_free() {
    let halves = [
        Usage::default(),
        Usage { input: Some(10), ..Usage::default() },
        Usage { output: Some(10), ..Usage::default() },
        Usage { reasoning: Some(10), ..Usage::default() },
    ];
    for usage in halves {
        let priced = ask("openai", "gpt-4o", &usage, at(NOON), None);
        assert_eq!(priced, Priced { cost: None, unknown_reason: Some("no_usage"), version: None });
    }
    assert_eq!(ask("openai", "gpt-4o", &plain(0, 0), at(NOON), None).cost, Some(Microcents(0)));
}

#[test]
fn a_local_model_is_not_free_unless_the_operator_says_so() {
    let address = "http://127.0.0.1:11434".parse().unwrap();
    for kind in [ProviderType::Local, ProviderType::Ollama] {
        assert_eq!(Catalog::catalog_provider_for(kind, "openai", &address), None);
    }
    let usage = plain(1_000, 1_000);
    let mut query = PriceQuery {
        provider_id: "ollama",
        catalog_provider: None,
        provider_pricing: None,
        model: "llama3.2",
        asked_model: None,
        usage: &usage,
        at: at(NOON),
        service_tier: None,
    };
    assert_eq!(Catalog::bundled(&[]).price(&query).unknown_reason, Some("no_price"));
    let free = price("0", "0");
    query.provider_pricing = Some(&free);
    assert_eq!(Catalog::bundled(&[]).price(&query).cost, Some(Microcents(0)));
}

fn price(input: &str, output: &str) -> PriceOverride {
    let decimal = |text: &str| Some(text.parse().unwrap());
    PriceOverride { input: decimal(input), output: decimal(output), ..PriceOverride::default() }
}

fn with_override(provider: Option<&str>, price: PriceOverride, usage: &Usage) -> Priced {
    let entry = CatalogOverride {
        provider: provider.map(str::to_owned),
        model: "gpt-4o".into(),
        price,
        ..CatalogOverride::default()
    };
    let pricing = self::price("7", "7");
    Catalog::bundled(&[entry]).price(&PriceQuery {
        provider_id: "openai",
        catalog_provider: Some("openai"),
        provider_pricing: Some(&pricing),
        model: "gpt-4o",
        asked_model: None,
        usage,
        at: at(NOON),
        service_tier: Some("priority"),
    })
}

#[test]
fn the_operator_knows_better_than_the_provider_block_and_that_better_than_the_catalog() {
    let usage = plain(1_000, 100);
    let own = with_override(Some("openai"), price("1", "2"), &usage);
    assert_eq!(own.cost, Some(Microcents(120_000)));
    assert_eq!(own.version.as_deref(), Some("config/openai/gpt-4o#input=1,output=2"));
    let any = with_override(None, price("1.50", "2"), &usage);
    assert_eq!(any.cost, Some(Microcents(170_000)));
    assert_eq!(any.version.as_deref(), Some("config/*/gpt-4o#input=1.5,output=2"));
    let block = with_override(Some("another"), price("1", "2"), &usage);
    assert_eq!(block.cost, Some(Microcents(770_000)));
    assert_eq!(block.version.as_deref(), Some("config/openai/*#input=7,output=7"));
}

#[test]
fn half_a_microcent_is_rounded_up_and_less_is_not() {
    for (input, tokens, expected) in [
        ("0.005", 1, 1),
        ("0.004999999999999999", 1, 0),
        ("0.015", 1, 2),
        ("0.005", 3, 2),
        ("0.00333", 3, 1),
        ("0.001", 5, 1),
        ("0.000000000000000001", 1, 0),
    ] {
        let priced = with_override(None, price(input, "0"), &plain(tokens, 0));
        assert_eq!(priced.cost, Some(Microcents(expected)), "{tokens} × {input}");
    }
    // The parts are not rounded: 0.25 + 0.25 is a half.
    assert_eq!(with_override(None, price("0.0025", "0.0025"), &plain(1, 1)).cost, Some(Microcents(1)));
}

#[test]
fn a_class_without_a_rate_is_priced_as_its_parent() {
    let usage = Usage {
        cache_read: Some(1),
        cache_write_5m: Some(10),
        cache_write_1h: Some(100),
        input_audio: Some(1_000),
        reasoning: Some(10_000),
        output_audio: Some(100_000),
        ..plain(0, 0)
    };
    let parents = with_override(None, price("1", "2"), &usage);
    assert_eq!(parents.cost, Some(Microcents((1_111 + 2 * 110_000) * 100)));
    let decimal = |text: &str| Some(text.parse().unwrap());
    let some = PriceOverride { cache_write: decimal("3"), reasoning: decimal("5"), ..price("1", "2") };
    assert_eq!(with_override(None, some, &usage).cost, Some(Microcents((1_001 + 330 + 50_000 + 200_000) * 100)));
    let input_only = PriceOverride { input: decimal("1"), ..PriceOverride::default() };
    assert_eq!(with_override(None, input_only.clone(), &plain(1, 0)).cost, Some(Microcents(100)));
    assert_eq!(with_override(None, input_only, &plain(1, 1)).unknown_reason, Some("no_price"));
    let per_request = PriceOverride { per_request: decimal("0.01"), ..PriceOverride::default() };
    assert_eq!(with_override(None, per_request, &Usage::default()).cost, Some(Microcents(1_000_000)));
}

#[test]
fn huge_counts_saturate_instead_of_wrapping() {
    let usage = plain(u64::MAX, u64::MAX);
    assert_eq!(ask("openai", "gpt-4o", &usage, at(NOON), None).cost, Some(Microcents(i64::MAX)));
    let dear = price("79228162514264337593543950335", "79228162514264337593543950335");
    assert_eq!(with_override(None, dear, &plain(1, 1)).cost, Some(Microcents(i64::MAX)));
    // 9.2 × 10¹⁰ USD still fit.
    let large = ask("openai", "gpt-4o", &plain(36_000_000_000_000_000, 0), at(NOON), None);
    assert_eq!(large.cost, Some(Microcents(9_000_000_000_000_000_000)));
}

proptest! {
    #[test]
    fn a_sum_is_exact_whatever_the_rates(
        counts in [0..1_000_000_000_u64, 0..1_000_000_000, 0..1_000_000_000],
        rates in [rate(), rate(), rate()],
    ) {
        let [input, cache_read, output] = counts;
        let price = PriceOverride {
            input: Some(rates[0]), cache_read: Some(rates[1]), output: Some(rates[2]), ..PriceOverride::default()
        };
        let usage = Usage { cache_read: Some(cache_read), ..plain(input, output) };
        let sum: Decimal = counts.iter().zip(rates).map(|(count, rate)| Decimal::from(*count) * rate).sum();
        let expected = (sum * Decimal::ONE_HUNDRED + Decimal::new(5, 1)).floor();
        let cost = with_override(None, price, &usage).cost.unwrap();
        prop_assert_eq!(Decimal::from(cost.0), expected);
    }
}

fn rate() -> impl Strategy<Value = Decimal> {
    (0..100_000_000_i64, 5..15_u32).prop_map(|(digits, scale)| Decimal::new(digits, scale))
}

#[test]
fn a_configured_provider_is_recognised_by_host_then_type_then_id() {
    use ProviderType::{Anthropic, AzureOpenai, Gemini, Openai, OpenaiCompatible};
    for (kind, id, address, expected) in [
        (Openai, "openai", "https://api.openai.com/v1", Some("openai")),
        (Openai, "demo", "http://127.0.0.1:9000/v1", Some("openai")),
        (Anthropic, "claude", "http://127.0.0.1:9000", Some("anthropic")),
        (Gemini, "gemini", "https://generativelanguage.googleapis.com", Some("google")),
        (AzureOpenai, "work", "https://contoso.openai.azure.com", Some("azure")),
        (OpenaiCompatible, "cheap", "https://api.deepseek.com", Some("deepseek")),
        (OpenaiCompatible, "groq", "https://api.groq.com/openai/v1", Some("groq")),
        (OpenaiCompatible, "xai", "http://127.0.0.1:9000/v1", Some("x-ai")),
        (OpenaiCompatible, "router", "https://openrouter.ai/api/v1", Some("openrouter")),
        (OpenaiCompatible, "together", "https://api.together.xyz/v1", Some("together")),
        (OpenaiCompatible, "mine", "https://llm.example.com/v1", None),
        (OpenaiCompatible, "mine", "https://api.openai.com.evil.example/v1", None),
        (OpenaiCompatible, "mine", "https://notapi.groq.com.example/v1", None),
        (Openai, "disguised", "https://api.deepseek.com/v1", Some("deepseek")),
    ] {
        let found = Catalog::catalog_provider_for(kind, id, &address.parse().unwrap());
        assert_eq!(found, expected, "{id} at {address}");
    }
}

#[test]
fn the_models_of_a_provider_are_current_exact_and_priced() {
    let catalog = Catalog::bundled(&[]);
    let has = |provider: &str, model: &str| catalog.models_of(provider).iter().any(|card| card.id == model);
    assert!(has("openai", "gpt-4o") && has("openai", "text-embedding-3-small"));
    assert!(has("anthropic", "claude-sonnet-4-20250514") && !has("anthropic", "claude-3-opus-20240229"));
    assert!(
        has("google", "gemini-2.5-flash") && has("deepseek", "deepseek-flash") && !has("deepseek", "deepseek-chat")
    );
    assert!(catalog.models_of("no-such-provider").is_empty());
    // The others list models that are billed by the second, the page or the picture, too.
    for provider in ["openai", "anthropic", "deepseek"] {
        for model in catalog.models_of(provider) {
            assert!(ask(provider, model.id, &plain(1, 0), at(NOON), None).cost.is_some(), "{provider}/{}", model.id);
        }
        assert!(catalog.models_of(provider).is_sorted_by_key(|card| card.id));
    }
}

#[test]
fn a_model_is_known_to_its_maker_even_when_it_is_new() {
    let catalog = Catalog::bundled(&[]);
    for (provider, model) in [
        ("openai", "gpt-4o"),
        ("openai", "gpt-4o-mini-2024-07-18"),
        ("openai", "gpt-99-of-next-year"),
        ("anthropic", "claude-sonnet-4-20250514"),
        ("google", "gemini-2.5-pro"),
        ("mistral", "mistral-large-latest"),
        ("deepseek", "deepseek-chat"),
        ("x-ai", "grok-4"),
        ("groq", "llama-3.3-70b-versatile"),
        ("openrouter", "anthropic/claude-sonnet-4"),
    ] {
        assert!(catalog.serves(provider, model), "{provider}/{model}");
    }
    for (provider, model) in [
        ("anthropic", "anthropic/claude-sonnet-9"),
        ("openai", "claude-sonnet-4-20250514"),
        ("anthropic", "gpt-4o"),
        ("groq", "gpt-4o"),
        ("no-such-provider", "gpt-4o"),
    ] {
        assert!(!catalog.serves(provider, model), "{provider}/{model}");
    }
}

#[test]
fn the_answer_names_the_price_and_the_question_names_it_where_the_answer_is_private() {
    let entry =
        CatalogOverride { provider: None, model: "mine".into(), price: price("1", "1"), ..CatalogOverride::default() };
    let catalog = Catalog::bundled(&[entry]);
    let usage = plain(1_000, 0);
    let cost = |model, asked_model| {
        let query = PriceQuery {
            provider_id: "work",
            catalog_provider: Some("azure"),
            provider_pricing: None,
            model,
            asked_model,
            usage: &usage,
            at: at(NOON),
            service_tier: None,
        };
        catalog.price(&query).cost
    };
    assert_eq!(cost("gpt-4o-2024-08-06", Some("our-deployment")), Some(Microcents(250_000)));
    assert_eq!(cost("our-deployment", Some("gpt-4o")), Some(Microcents(250_000)));
    assert_eq!(cost("gpt-4o-2024-08-06", Some("mine")), Some(Microcents(100_000)));
    assert_eq!(cost("our-deployment", None), None);
}

#[test]
fn a_misspelled_model_finds_its_neighbours() {
    let models = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-20250514", "gpt-4o", "text-embedding-3-small"];
    assert_eq!(Catalog::nearest("gpt-4p", models).first(), Some(&"gpt-4o"));
    assert_eq!(Catalog::nearest("claude-sonet-4-20250514", models), ["claude-sonnet-4-20250514"]);
    assert!(Catalog::nearest("qwen-max", models).is_empty());
    assert!(Catalog::nearest(&"gpt-4o".repeat(10_000), models).is_empty());
}
