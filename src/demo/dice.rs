//! A small seeded generator (`SplitMix64`), so that the same seed gives the same answers and the
//! same history in every build; never used for a secret.

/// A stream of numbers that depends on its seed alone.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Starts at `seed`.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Starts at a hash of `bytes` (FNV-1a; any text may be a seed).
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(
            bytes
                .iter()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)),
        )
    }

    /// The next 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }

    /// A number in `low..=high`.
    pub(super) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A number in `[0, 1)`.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `chance`.
    pub(super) fn chance(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// One of `choices`; `None` only when there are none.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(at)
    }

    /// One of `choices`, as likely as its weight.
    pub(super) fn weigh<'a, T>(&mut self, choices: &'a [(T, f64)]) -> Option<&'a T> {
        let total: f64 = choices.iter().map(|(_, weight)| weight).sum();
        let mut left = self.unit() * total;
        for (choice, weight) in choices {
            left -= weight;
            if left < 0.0 {
                return Some(choice);
            }
        }
        choices.last().map(|(choice, _)| choice)
    }

    /// A factor around 1 whose logarithm is roughly normal with deviation `spread`, as latencies
    /// and prompt lengths are distributed.
    pub(super) fn skewed(&mut self, spread: f64) -> f64 {
        // The sum of twelve units has mean 6 and deviation 1.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        (normal * spread).exp()
    }

    /// How many events happen where `expected` are to be expected (Poisson).
    pub(super) fn count(&mut self, expected: f64) -> u64 {
        let limit = (-expected).exp();
        let mut product = self.unit();
        let mut count = 0;
        while product > limit && count < 100_000 {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// `length` characters of `[0-9A-Za-z]`, as providers use them in ids.
    pub(super) fn id(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..length).map(|_| self.pick(ALPHABET).map_or('0', |byte| char::from(*byte))).collect()
    }

    /// `length` hexadecimal characters.
    pub(super) fn hex(&mut self, length: usize) -> String {
        (0..length).filter_map(|_| self.pick(b"0123456789abcdef")).map(|byte| char::from(*byte)).collect()
    }
}
