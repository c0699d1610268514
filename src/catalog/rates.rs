//! Exact arithmetic on prices: token classes, rates and the one rounding.
//!
//! Nothing here knows floating point. A rate is an integer of 10⁻¹⁸ USD per million tokens, so a sum of
//! `tokens × rate` is exact, and one division at the very end turns it into microcents, half up.

use std::fmt::Write as _;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    config::PriceOverride,
    domain::{Microcents, Usage},
};

/// Decimal places that a rate keeps.
const SCALE: u32 = 18;
/// One microcent in units of `tokens × rate`: 10⁻⁸ USD × 10⁶ tokens × 10¹⁸.
const MICROCENT: u128 = 10_000_000_000_000_000;
/// Makes a rate in USD a product like the others, which are in USD per million tokens.
const MILLION: u64 = 1_000_000;

/// A class of use that may have a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Class {
    Input,
    CacheRead,
    CacheWrite,
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    InputAudio,
    CacheReadAudio,
    InputImage,
    Output,
    Reasoning,
    OutputAudio,
    OutputImage,
    /// USD for each request, whatever it used.
    PerRequest,
}

/// A price: what it is for tokens of one class, and above which number of input tokens it is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    base: u128,
    /// `(threshold, rate)`: the whole request is at that rate when it has more input tokens than the threshold.
    above: Vec<(u64, u128)>,
}

impl Rate {
    fn at(&self, input_tokens: u64) -> u128 {
        let tier = self.above.iter().filter(|(threshold, _)| input_tokens > *threshold).max_by_key(|(from, _)| *from);
        tier.map_or(self.base, |(_, rate)| *rate)
    }

    /// Reads `"2.5"` or `"2.5 >200000 5"`.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let base = scaled(words.next()?.parse().ok()?)?;
        let mut above = Vec::new();
        while let Some(threshold) = words.next() {
            above.push((threshold.strip_prefix('>')?.parse().ok()?, scaled(words.next()?.parse().ok()?)?));
        }
        Some(Self { base, above })
    }
}

/// A decimal in units of 10⁻¹⁸; `None` if it is negative. A nineteenth place is rounded, half up.
fn scaled(value: Decimal) -> Option<u128> {
    let value = value.round_dp_with_strategy(SCALE, RoundingStrategy::MidpointAwayFromZero);
    let mantissa = u128::try_from(value.mantissa()).ok()?;
    let missing = SCALE.checked_sub(value.scale())?;
    Some(mantissa.saturating_mul(10_u128.saturating_pow(missing)))
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        Self::parse(text).ok_or_else(|| D::Error::custom(format_args!("not a rate: {text:?}")))
    }
}

/// The rates of one price, by class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rates(Vec<(Class, Rate)>);

impl<'de> Deserialize<'de> for Rates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Rates;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of rates by class")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Rates, A::Error> {
                let mut rates = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    rates.push(entry);
                }
                Ok(Rates(rates))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// A rate as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRate {
    /// The class, as in a `[[catalog]]` block.
    pub class: &'static str,
    /// USD per million tokens, per request for `per_request`.
    pub usd: Decimal,
    /// What it is instead for requests with more input tokens than a threshold.
    pub above: Vec<ListedStep>,
}

/// A step of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedStep {
    /// It holds for requests with more input tokens than this.
    pub input_tokens: u64,
    /// USD per million tokens.
    pub usd: Decimal,
}

impl Rates {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn listed(&self) -> Vec<ListedRate> {
        let usd = |rate: u128| i128::try_from(rate).ok().map(|rate| Decimal::try_from_i128_with_scale(rate, SCALE));
        let usd = |rate: u128| usd(rate)?.ok().map(|rate| rate.normalize());
        let listed = self.0.iter().filter_map(|(class, rate)| {
            let step =
                |(input_tokens, rate): &(u64, u128)| Some(ListedStep { input_tokens: *input_tokens, usd: usd(*rate)? });
            Some(ListedRate {
                class: class.as_str(),
                usd: usd(rate.base)?,
                above: rate.above.iter().filter_map(step).collect(),
            })
        });
        listed.collect()
    }
}

impl Class {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWrite => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::InputAudio => "input_audio",
            Self::CacheReadAudio => "cache_read_audio",
            Self::InputImage => "input_image",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::OutputAudio => "output_audio",
            Self::OutputImage => "output_image",
            Self::PerRequest => "per_request",
        }
    }
}

impl From<&PriceOverride> for Rates {
    fn from(price: &PriceOverride) -> Self {
        let rates = classes(price).into_iter().filter_map(|(class, _, value)| {
            let base = scaled(value?)?;
            Some((class, Rate { base, above: Vec::new() }))
        });
        Self(rates.collect())
    }
}

/// The rates of an override as text, which makes its price version say all that the sum needs.
pub(super) fn describe(price: &PriceOverride) -> String {
    let mut text = String::new();
    for (_, name, value) in classes(price) {
        if let Some(value) = value {
            let separator = if text.is_empty() { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{name}={}", value.normalize());
        }
    }
    text
}

fn classes(price: &PriceOverride) -> [(Class, &'static str, Option<Decimal>); 9] {
    [
        (Class::Input, "input", price.input),
        (Class::CacheRead, "cache_read", price.cache_read),
        (Class::CacheWrite, "cache_write", price.cache_write),
        (Class::CacheWrite1h, "cache_write_1h", price.cache_write_1h),
        (Class::InputAudio, "input_audio", price.input_audio),
        (Class::Output, "output", price.output),
        (Class::Reasoning, "reasoning", price.reasoning),
        (Class::OutputAudio, "output_audio", price.output_audio),
        (Class::PerRequest, "per_request", price.per_request),
    ]
}

/// Why a sum is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The input or the output total was never reported.
    Usage,
    /// Tokens were used that no rate covers.
    Price,
}

/// The rates that count: a tier's own before the standard ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Applied<'a> {
    pub(super) standard: &'a Rates,
    pub(super) tier: Option<&'a Rates>,
}

impl Applied<'_> {
    fn get(&self, class: Class) -> Option<&Rate> {
        let of = |rates: &'_ Rates| rates.0.iter().position(|(of, _)| *of == class);
        let tier = self.tier.and_then(|rates| rates.0.get(of(rates)?));
        tier.or_else(|| self.standard.0.get(of(self.standard)?)).map(|(_, rate)| rate)
    }

    /// What `usage` costs: every class at its own rate or its parent's, summed exactly, rounded once.
    ///
    /// A price that is only per request needs no usage. Any other needs both totals, since a sum without
    /// one of them would be too low and look true.
    pub(super) fn cost(&self, usage: &Usage) -> Result<Microcents, Unknown> {
        let per_request = self.get(Class::PerRequest).map(|rate| rate.at(0));
        let by_token = self.get(Class::Input).is_some() || self.get(Class::Output).is_some();
        let sum = match per_request {
            None if !by_token => return Err(Unknown::Price),
            Some(rate) if !by_token => rate.checked_mul(MILLION.into()),
            _ => self
                .tokens(usage)?
                .and_then(|sum| sum.checked_add(per_request.unwrap_or(0).checked_mul(MILLION.into())?)),
        };
        // What does not fit here would not fit in the result either.
        let rounded = sum.and_then(|sum| sum.checked_add(MICROCENT / 2)).map_or(u128::MAX, |sum| sum / MICROCENT);
        Ok(Microcents(i64::try_from(rounded).unwrap_or(i64::MAX)))
    }

    /// The sum of `tokens × rate`; `Ok(None)` when it is beyond all bounds.
    fn tokens(&self, usage: &Usage) -> Result<Option<u128>, Unknown> {
        use Class::{
            CacheRead, CacheReadAudio, CacheWrite, CacheWrite1h, Input, InputAudio, InputImage, Output, OutputAudio,
            OutputImage, Reasoning,
        };
        let (Some(input_tokens), Some(_)) = (usage.input_tokens(), usage.output_tokens()) else {
            return Err(Unknown::Usage);
        };
        let counts: [(Option<u64>, &[Class]); 11] = [
            (usage.input, &[Input]),
            (usage.cache_read, &[CacheRead, Input]),
            (usage.cache_write_5m, &[CacheWrite, Input]),
            (usage.cache_write_1h, &[CacheWrite1h, CacheWrite, Input]),
            (usage.input_audio, &[InputAudio, Input]),
            (usage.cache_read_audio, &[CacheReadAudio, CacheRead, InputAudio, Input]),
            (usage.input_image, &[InputImage, Input]),
            (usage.output, &[Output]),
            (usage.reasoning, &[Reasoning, Output]),
            (usage.output_audio, &[OutputAudio, Output]),
            (usage.output_image, &[OutputImage, Output]),
        ];
        let mut sum = Some(0_u128);
        for (count, classes) in counts {
            let count = count.unwrap_or(0);
            if count > 0 {
                let rate = classes.iter().find_map(|class| self.get(*class)).ok_or(Unknown::Price)?;
                let part = u128::from(count).checked_mul(rate.at(input_tokens));
                sum = sum.and_then(|sum| sum.checked_add(part?));
            }
        }
        Ok(sum)
    }
}
