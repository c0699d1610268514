//! Ways to cut one input into feeds. They follow from the input, so that a crash file says all.

/// `bytes` in feeds: byte by byte, then at several sets of places that are drawn from the bytes themselves;
/// an empty feed is among them.
pub(crate) fn of(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut dice = Dice::of(bytes);
    let mut all = vec![bytes.chunks(1).collect()];
    for cuts in 1..=4 {
        let mut at: Vec<usize> = (0..cuts).map(|_| dice.below(bytes.len() + 1)).collect();
        at.sort_unstable();
        at.push(bytes.len());
        let mut from = 0;
        all.push(at.into_iter().map(|to| &bytes[std::mem::replace(&mut from, to)..to]).collect());
    }
    all
}

/// xorshift64*, seeded by FNV-1a over the input.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let seed = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap_or(0) % bound.max(1)
    }
}
