//! Durations as counts in fixed logarithmic buckets, so that any two histograms merge exactly.
//!
//! Never keeps single values: a quantile is right to within 3.2 %.

/// A mergeable histogram of durations in microseconds.
///
/// Below 16 µs each value has its own bucket; above, each power of two is cut into sixteen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The bucket of the first count.
    first: u16,
    /// Counts of the buckets from there on; neither the first nor the last is 0. In a row, because months of sums
    /// are added up bucket by bucket, where anything that searches takes ten times as long.
    counts: Vec<u64>,
}

/// One more than the bucket of the longest duration.
const BUCKETS: u16 = 61 * 16;

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration_us: u64) {
        self.add(bucket_of(duration_us), 1);
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        let Some(last) = other.counts.len().checked_sub(1) else { return };
        let start = self.make_room(other.first, last);
        for (sum, count) in self.counts.iter_mut().skip(start).zip(&other.counts) {
            *sum = sum.saturating_add(*count);
        }
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The duration in microseconds below which the share `quantile` (0 to 1) of all lies; `None` when empty.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        let rank = ((self.count() as f64 * quantile.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut below = 0_u64;
        self.buckets().find_map(|(bucket, count)| {
            below = below.saturating_add(count);
            (below >= rank).then(|| middle_of(bucket))
        })
    }

    /// The stored form: pairs of (distance to the bucket before, count) as LEB128 numbers.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.counts.len());
        let mut before = 0;
        for (bucket, count) in self.buckets() {
            push_number(&mut bytes, u64::from(bucket - before));
            push_number(&mut bytes, count);
            before = bucket;
        }
        bytes
    }

    /// Adds the counts of a stored histogram; `None` when the bytes are not one.
    pub fn merge_bytes(&mut self, mut bytes: &[u8]) -> Option<()> {
        let mut bucket = 0_u16;
        while !bytes.is_empty() {
            bucket = bucket.checked_add(u16::try_from(take_number(&mut bytes)?).ok()?).filter(|it| *it < BUCKETS)?;
            self.add(bucket, take_number(&mut bytes)?);
        }
        Some(())
    }

    /// Buckets that are not empty, in their order, and their counts.
    fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        (self.first..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    fn add(&mut self, bucket: u16, count: u64) {
        if count == 0 {
            return;
        }
        let place = self.make_room(bucket, 0);
        if let Some(sum) = self.counts.get_mut(place) {
            *sum = sum.saturating_add(count);
        }
    }

    /// Makes `first` and as many `more` buckets after it part of the row; returns the place of `first`.
    fn make_room(&mut self, first: u16, more: usize) -> usize {
        if self.counts.is_empty() {
            self.first = first;
        }
        if let Some(missing) = self.first.checked_sub(first).filter(|missing| *missing > 0) {
            self.counts.splice(0..0, std::iter::repeat_n(0, usize::from(missing)));
            self.first = first;
        }
        let place = usize::from(first - self.first);
        self.counts.resize(self.counts.len().max(place + more + 1), 0);
        place
    }
}

fn bucket_of(value: u64) -> u16 {
    let exponent = u16::try_from(value.max(16).ilog2()).unwrap_or(63);
    if value < 16 {
        return u16::try_from(value).unwrap_or(0);
    }
    let sixteenth = u16::try_from((value >> (exponent - 4)) & 15).unwrap_or(15);
    (exponent - 3) * 16 + sixteenth
}

fn middle_of(bucket: u16) -> u64 {
    if bucket < 16 {
        return u64::from(bucket);
    }
    let shift = u32::from(bucket / 16 - 1).min(59);
    let low = u64::from(16 + bucket % 16) << shift;
    low + ((1_u64 << shift) - 1) / 2
}

/// Appends a number in LEB128.
pub(super) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number in LEB128 from the front; `None` when there is none.
pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantile_is_within_a_thirtieth() {
        for value in [0, 1, 15, 16, 17, 31, 32, 999, 1_000, 123_456, 60_000_000, u64::MAX / 2] {
            let mut histogram = Histogram::default();
            histogram.record(value);
            let found = histogram.quantile_us(0.5).unwrap();
            assert!(found.abs_diff(value) <= value / 31, "{value} -> {found}");
        }
        assert_eq!(Histogram::default().quantile_us(0.5), None);
    }

    #[test]
    fn percentiles_of_a_known_distribution_come_out() {
        let mut histogram = Histogram::default();
        (1..=1_000_u64).for_each(|ms| histogram.record(ms * 1_000));
        for (quantile, expected) in [(0.5, 500_000_u64), (0.95, 950_000), (0.99, 990_000), (1.0, 1_000_000)] {
            let found = histogram.quantile_us(quantile).unwrap();
            assert!(found.abs_diff(expected) <= expected / 31, "{quantile}: {found}");
        }
    }

    proptest! {
        #[test]
        fn merging_is_the_same_as_counting_together(left: Vec<u64>, right: Vec<u64>) {
            let counted = |values: &[u64]| {
                let mut histogram = Histogram::default();
                values.iter().for_each(|value| histogram.record(*value));
                histogram
            };
            let mut merged = counted(&left);
            prop_assert!(merged.merge_bytes(&counted(&right).to_bytes()).is_some());
            prop_assert_eq!(merged, counted(&[left, right].concat()));
        }

        #[test]
        fn foreign_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Histogram::default().merge_bytes(&bytes);
        }
    }
}
