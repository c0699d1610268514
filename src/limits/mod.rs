//! Limits and budgets: who may still ask, and who may still spend.
//!
//! The arithmetic is pure, its clock an argument; the counters are in memory, sharded and bounded. Nothing here waits
//! for anything, asks a database or forgets a count that still matters.

mod bucket;
mod window;
mod rate;
mod table;
mod limiter;
mod rules;
mod calendar;
mod purse;
mod ledger;
mod budgets;
#[cfg(test)]
mod tests;

pub use budgets::{BudgetRule, Budgets, Payer, Refused};
pub use ledger::{Books, Reservation};
pub use limiter::{Claim, Denial, Head, Limiter, Standing, Take, Taken, Used};
pub use purse::Purse;
pub use rate::{Meter, Rate, RateSet};
pub use rules::{Caller, LimitRules};
