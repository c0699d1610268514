//! The catalog file that this binary was built with: its schema and the lookup in it.
//!
//! `data/catalog.json` is written by `examples/catalog_refresh.rs` and never by hand. It is read once,
//! without copying its texts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    ModelCard,
    rates::{Applied, ListedRate, Rates},
    rules::{Rule, folded, with_dashed_dates},
};
use crate::domain::Timestamp;

const TEXT: &str = include_str!("data/catalog.json");

/// The source of models that name none.
pub(super) const DEFAULT_SOURCE: &str = "genai-prices";

/// The bundled catalog, decoded at first use. A test decodes it, so the empty one is never seen.
pub(super) static BUNDLED: LazyLock<Bundled> = LazyLock::new(|| Bundled::decode(TEXT).unwrap_or_default());

/// Everything in the file, with the names indexed.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(super) struct Bundled {
    /// Versions of the sources, by their names.
    pub(super) sources: BTreeMap<&'static str, &'static str>,
    pub(super) providers: Vec<Provider>,
}

/// A provider of the catalog.
#[derive(Debug, Deserialize)]
pub(super) struct Provider {
    pub(super) id: &'static str,
    /// Names that mean a model of this provider, even one that the catalog does not know yet.
    pub(super) home: Option<Rule<'static>>,
    /// Providers whose list prices hold here for models without an entry.
    #[serde(default)]
    falls_back_to: Vec<&'static str>,
    /// The exact names of its current models.
    pub(super) listed: Vec<ModelCard>,
    /// The first one that matches is meant.
    models: Vec<Model>,
    /// Positions in `models` by plain name.
    #[serde(skip)]
    by_name: HashMap<&'static str, usize>,
    /// Positions of the models that have a rule besides.
    #[serde(skip)]
    with_rule: Vec<usize>,
}

/// A model or a family of names at one price.
#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) id: &'static str,
    #[serde(default)]
    pub(super) source: Option<&'static str>,
    /// Its plain names, in lower case.
    #[serde(default)]
    is: Vec<&'static str>,
    /// What else is one of its names.
    #[serde(default)]
    like: Option<Rule<'static>>,
    /// The last one in force counts.
    pub(super) prices: Vec<Price>,
    /// Prices of service tiers, over the standard ones; the first one in force counts.
    #[serde(default)]
    tiers: Vec<Price>,
}

/// Rates and when they are in force.
#[derive(Debug, Deserialize)]
pub(super) struct Price {
    #[serde(default)]
    pub(super) tier: Option<&'static str>,
    #[serde(default)]
    pub(super) from: Option<Day>,
    #[serde(default)]
    pub(super) hours: Option<(Minute, Minute)>,
    rates: Rates,
}

/// Midnight UTC at which a price began, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    pub(super) text: &'static str,
    starts_at_s: i64,
}

/// A time of day in UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minute {
    pub(super) text: &'static str,
    of_day_s: i64,
}

impl<'de: 'static> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'static str>::deserialize(deserializer)?;
        let day: jiff::civil::Date = text.parse().map_err(D::Error::custom)?;
        let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(D::Error::custom)?;
        Ok(Self { text, starts_at_s: midnight.timestamp().as_second() })
    }
}

impl<'de: 'static> Deserialize<'de> for Minute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'static str>::deserialize(deserializer)?;
        let time: jiff::civil::Time = text.parse().map_err(D::Error::custom)?;
        Ok(Self { text, of_day_s: i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 })
    }
}

impl Price {
    /// Its rates as they are shown.
    pub(super) fn listed(&self) -> Vec<ListedRate> {
        self.rates.listed()
    }

    fn in_force(&self, at: Timestamp) -> bool {
        let second = at.unix_secs();
        let begun = self.from.is_none_or(|day| second >= day.starts_at_s);
        let in_hours = self.hours.is_none_or(|(start, end)| {
            let (start, end, of_day) = (start.of_day_s, end.of_day_s, second.rem_euclid(86_400));
            if end < start { of_day >= start || of_day < end } else { of_day >= start && of_day < end }
        });
        begun && in_hours
    }
}

/// The entries that price one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct InForce<'a> {
    pub(super) standard: &'a Price,
    pub(super) tier: Option<&'a Price>,
}

impl<'a> InForce<'a> {
    pub(super) fn rates(&self) -> Applied<'a> {
        Applied { standard: &self.standard.rates, tier: self.tier.map(|price| &price.rates) }
    }
}

/// A model and the provider whose entry it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) provider: &'a Provider,
    pub(super) model: &'a Model,
    /// Whether the entry is the asked provider's own, and not one that it falls back to.
    own: bool,
}

impl<'a> Found<'a> {
    /// The prices at a time. Tiers belong to the provider that sets them: a fallback is at standard rates.
    pub(super) fn in_force(&self, at: Timestamp, tier: Option<&str>) -> Option<InForce<'a>> {
        let standard = self.model.prices.iter().rev().find(|price| price.in_force(at));
        let standard = standard.or_else(|| self.model.prices.first())?;
        let tier = tier
            .filter(|_| self.own)
            .and_then(|tier| self.model.tiers.iter().find(|price| price.tier == Some(tier) && price.in_force(at)));
        Some(InForce { standard, tier })
    }
}

impl<'a> Found<'a> {
    /// Whether the standard price is the same from `at` on.
    pub(super) fn is_settled(&self, at: Timestamp) -> bool {
        let begun = |day: Day| at.unix_secs() >= day.starts_at_s;
        self.model.prices.iter().all(|price| price.hours.is_none() && price.from.is_none_or(begun))
    }

    /// The tiers of the entry, if it is the asked provider's own.
    pub(super) fn own_tiers(&self) -> &'a [Price] {
        if self.own { &self.model.tiers } else { &[] }
    }
}

impl Bundled {
    pub(super) fn decode(text: &'static str) -> Result<Self, serde_json::Error> {
        let mut bundled: Self = serde_json::from_str(text)?;
        for provider in &mut bundled.providers {
            for (index, model) in provider.models.iter().enumerate() {
                for name in &model.is {
                    provider.by_name.entry(name).or_insert(index);
                }
                if model.like.is_some() {
                    provider.with_rule.push(index);
                }
            }
        }
        Ok(bundled)
    }

    pub(super) fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    /// The entry that prices `model` at `provider`: its own, or of one that it falls back to; first by the
    /// name as it is, then with its date spelled with dashes, then without Gemini's `models/` before it.
    pub(super) fn find(&self, provider: &str, model: &str) -> Option<Found<'_>> {
        let provider = self.provider(provider)?;
        let name = folded(model);
        let find = |name: &str| {
            let own = provider.find(name).map(|model| Found { provider, model, own: true });
            own.or_else(|| {
                let mut fallbacks = provider.falls_back_to.iter().filter_map(|id| self.provider(id));
                fallbacks.find_map(|provider| Some(Found { provider, model: provider.find(name)?, own: false }))
            })
        };
        let dashed = || find(&with_dashed_dates(&name)?);
        find(&name).or_else(dashed).or_else(|| find(name.strip_prefix("models/")?))
    }
}

impl Provider {
    /// Its own entry for a name in lower case.
    pub(super) fn find(&self, name: &str) -> Option<&Model> {
        let named = self.by_name.get(name).copied();
        let like = |index: usize| self.models.get(index)?.like.as_ref()?.matches(name).then_some(index);
        let ruled = self.with_rule.iter().copied().take_while(|index| named.is_none_or(|named| *index < named));
        let index = { ruled }.find_map(like).or(named)?;
        self.models.get(index)
    }
}
