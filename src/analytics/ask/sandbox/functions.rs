//! Functions that SQLite does not have.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, Hasher as _},
};

use foldhash::quality::FixedState;
use rusqlite::{
    Connection, Error, Result,
    functions::{Aggregate, Context, FunctionFlags},
    types::{Null, Value, ValueRef},
};

use crate::{
    analytics::ask::family_of,
    routing::{Trace, TraceError},
    store::Histogram,
};

/// Most values of which an exact percentile is taken; a run has not the memory for many more.
const VALUES_MAX: usize = 16_000_000;
/// Most different values that are told apart.
const DISTINCT_MAX: usize = 4_000_000;

/// Makes them known to a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_aggregate_function("p", 2, pure, Exact)?;
    connection.create_aggregate_function("p_merged", 2, pure, Merged)?;
    connection.create_aggregate_function("count_distinct", 1, pure, Distinct)?;
    connection.create_scalar_function("family", 1, pure, |call| match call.get_raw(0) {
        ValueRef::Text(model) => Ok(Value::from(family_of(&String::from_utf8_lossy(model)))),
        _ => Ok(Value::from(Null)),
    })?;
    connection.create_scalar_function("dropped", 1, pure, |call| match call.get_raw(0) {
        ValueRef::Blob(trace) => Ok(dropped(trace)),
        _ => Ok("[]".to_owned()),
    })
}

/// Who fell at which layer, as a JSON list. A trace of another version tells nothing.
fn dropped(trace: &[u8]) -> String {
    let read = || -> std::result::Result<String, TraceError> {
        let trace = Trace::read(trace)?;
        let facts = &trace.facts;
        let steps = trace.decide().fallen.into_iter().filter_map(|(layer, fallen)| {
            let candidate = facts.candidates.get(fallen.candidate)?;
            Some(serde_json::json!({
                "provider": candidate.provider,
                "model": candidate.model,
                "layer": layer.as_str(),
                "reason": fallen.reason.code(),
            }))
        });
        Ok(serde_json::Value::from_iter(steps).to_string())
    };
    read().unwrap_or_else(|_| "[]".to_owned())
}

/// How many different values there are; NULL is none. What `count(DISTINCT …)` tells, without a tree on the way.
struct Distinct;

impl Aggregate<HashSet<u128>, i64> for Distinct {
    fn init(&self, _: &mut Context<'_>) -> Result<HashSet<u128>> {
        Ok(HashSet::new())
    }

    fn step(&self, call: &mut Context<'_>, seen: &mut HashSet<u128>) -> Result<()> {
        let hash = match call.get_raw(0) {
            ValueRef::Null => return Ok(()),
            ValueRef::Integer(value) => fingerprint(b'i', &value.to_le_bytes()),
            ValueRef::Real(value) => fingerprint(b'r', &value.to_bits().to_le_bytes()),
            ValueRef::Text(text) => fingerprint(b't', text),
            ValueRef::Blob(bytes) => fingerprint(b'b', bytes),
        };
        if seen.len() >= DISTINCT_MAX || seen.try_reserve(1).is_err() {
            return Err(Error::UserFunctionError("too many different values".into()));
        }
        seen.insert(hash);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, seen: Option<HashSet<u128>>) -> Result<i64> {
        Ok(seen.map_or(0, |seen| i64::try_from(seen.len()).unwrap_or(i64::MAX)))
    }
}

/// 128 bits of a value: among some millions no two are the same by chance.
fn fingerprint(kind: u8, bytes: &[u8]) -> u128 {
    let half = |seed: u64| {
        let mut hasher = FixedState::with_seed(seed).build_hasher();
        hasher.write_u8(kind);
        hasher.write(bytes);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// A share between 0 and 1, the second argument.
fn quantile(call: &Context<'_>) -> Result<f64> {
    let share: f64 = call.get(1)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(Error::UserFunctionError("the share of a percentile is from 0 to 1".into()))
}

/// The value below which a share of all values lies: one of them, by rank.
struct Exact;

impl Aggregate<(Vec<f64>, f64), Option<f64>> for Exact {
    fn init(&self, _: &mut Context<'_>) -> Result<(Vec<f64>, f64)> {
        Ok((Vec::new(), 0.0))
    }

    fn step(&self, call: &mut Context<'_>, (values, share): &mut (Vec<f64>, f64)) -> Result<()> {
        *share = quantile(call)?;
        let Some(value) = call.get::<Option<f64>>(0)? else { return Ok(()) };
        if values.len() >= VALUES_MAX || values.try_reserve(1).is_err() {
            return Err(Error::UserFunctionError("too many values for a percentile".into()));
        }
        values.push(value);
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn finalize(&self, _: &mut Context<'_>, found: Option<(Vec<f64>, f64)>) -> Result<Option<f64>> {
        let Some((mut values, share)) = found else { return Ok(None) };
        let rank = ((values.len() as f64 * share).ceil() as usize).max(1);
        if values.len() < rank {
            return Ok(None);
        }
        let (_, value, _) = values.select_nth_unstable_by(rank - 1, f64::total_cmp);
        Ok(Some(*value))
    }
}

/// The same of histograms put together, in milliseconds; right to within 3.2 %.
struct Merged;

impl Aggregate<(Histogram, f64), Option<f64>> for Merged {
    fn init(&self, _: &mut Context<'_>) -> Result<(Histogram, f64)> {
        Ok((Histogram::default(), 0.0))
    }

    fn step(&self, call: &mut Context<'_>, (sum, share): &mut (Histogram, f64)) -> Result<()> {
        *share = quantile(call)?;
        match call.get_raw(0) {
            ValueRef::Blob(bytes) if sum.merge_bytes(bytes).is_some() => Ok(()),
            ValueRef::Null => Ok(()),
            _ => Err(Error::UserFunctionError("this is not a histogram".into())),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn finalize(&self, _: &mut Context<'_>, found: Option<(Histogram, f64)>) -> Result<Option<f64>> {
        Ok(found.and_then(|(sum, share)| sum.quantile_us(share)).map(|us| us as f64 / 1e3))
    }
}
