//! `[[catalog]]`: what the operator knows better about a model than the bundled catalog does.

use std::sync::Arc;

use super::{
    fields::Fields,
    report::{Report, did_you_mean},
    schema::{self, PRICE_KEYS},
    sections::{prices, warn_unknown},
    tree::Node,
    types::{CardOverride, CatalogOverride, PriceOverride, Provider},
};
use crate::domain::{Abilities, Ability, Modality, ModelStatus};

/// A model with more tokens than this is a slip of the keyboard.
const MOST_TOKENS: u64 = 1_000_000_000;

/// The `[[catalog]]` blocks.
pub(super) fn read(nodes: Vec<Node>, providers: &[Arc<Provider>], report: &Report) -> Vec<CatalogOverride> {
    let mut overrides: Vec<CatalogOverride> = Vec::new();
    for node in nodes {
        let mut fields = Fields::of("catalog", node, report);
        if let Some(section) = schema::section("catalog") {
            fields.only(section);
        }
        if !fields.has("model") {
            fields.error("model", "is missing; name the model exactly as the provider does");
        }
        let provider = fields.text("provider");
        if let Some(provider) = &provider {
            warn_unknown(&fields, "provider", provider, providers);
        }
        let provider = provider.map(|text| text.value);
        let model = fields.text("model").map(|text| text.value).unwrap_or_default();
        let has_price = PRICE_KEYS.iter().any(|key| fields.has(key));
        let price = if has_price { prices(&mut fields) } else { PriceOverride::default() };
        if !has_price && fields.names().is_empty() {
            let what = format!("states nothing of the model; give a price ({}) or a fact", PRICE_KEYS.join(", "));
            fields.error("", what);
        }
        let card = card(&mut fields);
        if overrides.iter().any(|other| other.model == model && other.provider == provider) {
            fields.error("model", "is stated twice for the same provider; keep one [[catalog]] block");
        }
        overrides.push(CatalogOverride { provider, model, price, card });
    }
    overrides
}

fn card(fields: &mut Fields<'_>) -> CardOverride {
    let statuses = ModelStatus::ALL.map(ModelStatus::as_str);
    let status = fields.text("status").and_then(|stated| {
        let status = ModelStatus::parse(&stated.value);
        if status.is_none() {
            fields.error_at(&stated.place, "status", format_args!("is none of {}", statuses.join(", ")));
        }
        status
    });
    CardOverride {
        name: fields.text("name").map(|text| text.value),
        family: fields.text("family").map(|text| text.value),
        status,
        released_on: date(fields, "released_on"),
        knowledge_cutoff: date(fields, "knowledge_cutoff"),
        context_window: fields.number("context_window", 1..=MOST_TOKENS),
        max_input_tokens: fields.number("max_input_tokens", 1..=MOST_TOKENS),
        max_output_tokens: fields.number("max_output_tokens", 1..=MOST_TOKENS),
        input_modalities: words(fields, "input_modalities", Modality::parse, &Modality::ALL.map(Modality::as_str)),
        output_modalities: words(fields, "output_modalities", Modality::parse, &Modality::ALL.map(Modality::as_str)),
        capabilities: words(fields, "capabilities", Ability::parse, &Ability::ALL.map(Ability::as_str))
            .map(Abilities::from_iter),
        prompt_cache: fields.flag("prompt_cache"),
        open_weights: fields.flag("open_weights"),
        quality: fields.fraction("quality", 1.0),
    }
}

fn words<T>(fields: &mut Fields<'_>, key: &str, parse: fn(&str) -> Option<T>, known: &[&str]) -> Option<Vec<T>> {
    let stated = fields.list(key)?;
    let mut read = Vec::new();
    for word in stated {
        match parse(&word.value) {
            Some(value) => read.push(value),
            None => {
                let hint = did_you_mean(&word.value, known.iter().copied());
                let right = if hint.is_empty() { format!("; known are {}", known.join(", ")) } else { hint };
                fields.error_at(&word.place, key, format_args!("{} is not known here{right}", word.quoted()));
            }
        }
    }
    Some(read)
}

/// `2026`, `2026-07` or `2026-07-02`.
fn date(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let stated = fields.text(key)?;
    let whole = match stated.value.len() {
        4 => format!("{}-01-01", stated.value),
        7 => format!("{}-01", stated.value),
        _ => stated.value.clone(),
    };
    if jiff::civil::Date::strptime("%Y-%m-%d", &whole).is_err() {
        fields.error_at(&stated.place, key, "is not a date; write 2026-07-02, 2026-07 or 2026");
    }
    Some(stated.value)
}
