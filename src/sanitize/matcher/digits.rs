//! The places where numbers may begin, passed over quickly: blocks without digits, and runs of digits that no rule
//! could begin with.

use regex_automata::{Anchored, Input, PatternID, hybrid::dfa::DFA};

/// The rules that begin at the same distance before a run of digits.
pub(super) struct DigitGroup {
    pub(super) distance: usize,
    /// Matches wherever one of the rules does.
    pub(super) any: PatternID,
    /// Whether a match of one of them may begin with these two bytes.
    begins: Box<[bool; 1 << 16]>,
    pub(super) rules: Vec<usize>,
}

/// Length of what every match that begins with a digit begins with: digits and what stands between them.
const NUMBER_BYTES: usize = 6;

impl DigitGroup {
    pub(super) fn new(forward: &DFA, distance: usize, any: PatternID, rules: Vec<usize>) -> Self {
        Self { distance, any, begins: beginnings(forward, any), rules }
    }

    /// Whether a match may begin with `text`; quick, and right for all but a few.
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        let Some([first, second]) = text.first_chunk() else { return false };
        if !self.begins.get(usize::from(u16::from_be_bytes([*first, *second]))).copied().unwrap_or(true) {
            return false;
        }
        let Some(number) = text.first_chunk::<NUMBER_BYTES>().filter(|_| self.distance == 0) else {
            return self.distance > 0;
        };
        let is_part =
            |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'(' | b')' | b'+' | b'-' | b'.' | b'/');
        number.iter().all(is_part) && number.iter().filter(|byte| byte.is_ascii_digit()).count() >= NUMBER_BYTES / 2
    }
}

/// The pairs of bytes with which a match of this pattern may begin.
fn beginnings(forward: &DFA, pattern: PatternID) -> Box<[bool; 1 << 16]> {
    let mut begins = Box::new([true; 1 << 16]);
    let mut cache = forward.create_cache();
    let input = Input::new("").anchored(Anchored::Pattern(pattern));
    let Ok(start) = forward.start_state_forward(&mut cache, &input) else { return begins };
    for first in 0..=u8::MAX {
        let after = forward.next_state(&mut cache, start, first);
        for second in 0..=u8::MAX {
            let is_dead = match after {
                Ok(after) => {
                    after.is_dead() || forward.next_state(&mut cache, after, second).is_ok_and(|state| state.is_dead())
                }
                Err(_) => false,
            };
            if let Some(slot) = begins.get_mut(usize::from(u16::from_be_bytes([first, second]))) {
                *slot = !is_dead;
            }
        }
    }
    begins
}

/// The places where runs of digits begin.
pub(super) struct DigitRuns<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Bytes that are looked at together; clean text is passed block by block.
const BLOCK: usize = 32;

impl<'a> DigitRuns<'a> {
    pub(super) fn of(bytes: &'a [u8], from: usize) -> Self {
        Self { bytes, at: from }
    }
}

impl Iterator for DigitRuns<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            if let Some(block) = rest.first_chunk::<BLOCK>()
                && !block.iter().fold(false, |any, byte| any | byte.is_ascii_digit())
            {
                self.at += BLOCK;
                continue;
            }
            let at = self.at + rest.iter().position(u8::is_ascii_digit)?;
            let run = self.bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
            self.at = at + run;
            let goes_on = at.checked_sub(1).and_then(|before| self.bytes.get(before)).is_some_and(u8::is_ascii_digit);
            if !goes_on {
                return Some(at);
            }
        }
    }
}
