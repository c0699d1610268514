//! Questions to begin with: the verified examples that mean something here.

use super::{Clock, Names, Parsed, examples, parse};

/// How many are offered.
const OFFERED: usize = 10;

/// Questions that are understood with the names that there are.
pub fn starters(names: &Names, clock: &Clock) -> Vec<String> {
    let is_understood = |question: &&str| matches!(parse(question, names, clock, None), Parsed::Understood(_));
    examples().starters().filter(is_understood).take(OFFERED).map(str::to_owned).collect()
}
