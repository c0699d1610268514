//! Promise: a cost is the exact sum of what the list price says, and unknown when it cannot be known.

use std::time::{Duration, UNIX_EPOCH};

use genai_prices::{Calculator, PriceRequest};
use llm_gateway::{
    catalog::{Catalog, PriceQuery, Priced},
    domain::{Timestamp, Usage},
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn ask(provider: &str, model: &str, usage: &Usage, at: Timestamp, service_tier: Option<&str>) -> Priced {
    Catalog::bundled(&[]).price(&PriceQuery {
        provider_id: provider,
        catalog_provider: Some(provider),
        provider_pricing: None,
        model,
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
