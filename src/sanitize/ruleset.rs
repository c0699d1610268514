//! The rules of one caller, compiled, and the scan.
//!
//! The law of the scan: however a text is cut into pieces, feeding them one after another and
//! dropping what is settled yields the same matches as one scan of the whole. Hence a match is
//! told only when no text that follows can change it, the match that begins first wins, then the
//! longest, then the earlier rule; and a rule sees no more than [`LOOK_BACK`] bytes before a match and
//! one character behind it.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use thiserror::Error;

use super::{
    actions,
    custom::Custom,
    fold::Folded,
    matcher::{Clock, Window},
    rules::{self, Tail},
    side::Side,
};
use crate::{
    config::{ApplyTo, Sanitization, SanitizationPattern},
    domain::{Action, Category, Direction, Finding},
};

/// How many bytes before a place a rule may look at: whoever drops settled text keeps so many. A rule sees
/// 64 signs; signs that look like others are up to three bytes long, and unseen ones stand between them.
pub const LOOK_BACK: usize = 1024;

/// Compiled rules and what is done about their matches.
pub struct RuleSet {
    request: Arc<Side>,
    response: Arc<Side>,
    longest: usize,
    scan_timeout: Duration,
}

/// Why settings cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// One of the operator's own patterns is wrong.
    #[error("the pattern {name:?} cannot be used: {what}")]
    Pattern {
        /// Its name.
        name: String,
        /// Where and why.
        what: String,
    },
    /// An action is stated for a name that is no category, kind, rule or pattern.
    #[error("{name:?} is no category, kind or rule{}", hint(close))]
    UnknownName {
        /// The name.
        name: String,
        /// Known names that look like it.
        close: Vec<String>,
    },
    /// All patterns together are too much.
    #[error("the patterns are too large together: {0}")]
    TooLarge(String),
}

fn hint(close: &[String]) -> String {
    if close.is_empty() { String::new() } else { format!("; did you mean {}?", close.join(", ")) }
}

/// What the rules of a direction can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing is looked for.
    Nothing,
    /// Matches are counted, and that is all.
    Observes,
    /// Text may be replaced or refused.
    Edits,
}

/// A match in a text.
#[derive(Clone, Debug)]
pub struct Match {
    /// Where, in bytes of the text that was scanned.
    pub range: Range<usize>,
    /// Whose match it is.
    pub rule: RuleRef,
    /// What is to be done about it.
    pub action: Action,
    /// What follows it and belongs to it, if it is longer than it may be.
    pub tail: Tail,
}

impl Match {
    /// What is kept of it.
    pub fn finding(&self, direction: Direction, place: &str) -> Finding {
        Finding {
            direction,
            rule: Arc::clone(self.rule.id()),
            kind: Arc::clone(self.rule.kind()),
            category: self.rule.category(),
            place: Arc::from(place),
            action: self.action,
            count: 1,
        }
    }
}

/// A rule's names. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RuleRef(Arc<Names>);

#[derive(Debug)]
struct Names {
    id: Arc<str>,
    kind: Arc<str>,
    category: Category,
    replacement: String,
}

impl RuleRef {
    fn new(id: &str, kind: &str, category: Category, replacement: Option<&str>) -> Self {
        let replacement = replacement.map_or_else(|| format!("[REDACTED|{kind}]"), str::to_owned);
        Self(Arc::new(Names { id: id.into(), kind: kind.into(), category, replacement }))
    }

    /// The rule's id; for an own pattern its name.
    pub fn id(&self) -> &Arc<str> {
        &self.0.id
    }

    /// The kind that stands in `[REDACTED|KIND]`; for an own pattern its name in capitals.
    pub fn kind(&self) -> &Arc<str> {
        &self.0.kind
    }

    /// The rule's family.
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// What `redact` writes in the place of a match.
    pub fn replacement(&self) -> &str {
        &self.0.replacement
    }
}

impl RuleSet {
    /// Compiles what `settings` state; with `enabled = false` everything is checked and nothing looked for.
    ///
    /// ```
    /// use llm_gateway::{config::Sanitization, domain::{Action, Direction}, sanitize::RuleSet};
    /// let actions = vec![("email".to_owned(), Action::Redact)];
    /// let rules = RuleSet::compile(&Sanitization { enabled: true, actions, ..Sanitization::default() }).unwrap();
    /// let mut found = Vec::new();
    /// rules.scan(Direction::Request, "to ada@lovelace.org, soon", 0, true, &mut found);
    /// assert_eq!(found[0].range, 3..19);
    /// assert_eq!(found[0].rule.replacement(), "[REDACTED|EMAIL]");
    /// ```
    pub fn compile(settings: &Sanitization) -> Result<Self, RuleError> {
        check_names(settings)?;
        let customs = settings.patterns.iter().map(|pattern| {
            Ok(OwnPattern {
                custom: Arc::new(Custom::compile(&pattern.name, &pattern.pattern)?),
                rule: RuleRef::new(
                    &pattern.name,
                    &pattern.name.to_ascii_uppercase(),
                    Category::Custom,
                    pattern.replacement.as_deref(),
                ),
                apply_to: pattern.apply_to,
                action: own_action(settings, pattern),
            })
        });
        let customs = customs.collect::<Result<Vec<_>, _>>()?;
        let builtin: Vec<_> = rules::all()
            .iter()
            .map(|rule| {
                let action = actions::action_for(settings, rule.id, rule.kind, rule.category);
                let is_on = settings.enabled && action != Action::Off;
                is_on.then(|| (RuleRef::new(rule.id, rule.kind, rule.category, None), action))
            })
            .collect();
        let side = |direction: Direction| {
            let mut own = Vec::new();
            let mut outcomes = builtin.clone();
            for pattern in customs.iter().filter(|one| settings.enabled && one.is_for(direction)) {
                own.push(Arc::clone(&pattern.custom));
                outcomes.push(Some((pattern.rule.clone(), pattern.action)));
            }
            Side::new(outcomes, own).map(Arc::new).map_err(RuleError::TooLarge)
        };
        let request = side(Direction::Request)?;
        // Compiling takes tens of milliseconds; mostly both directions are alike.
        let response = if settings.patterns.iter().all(|pattern| pattern.apply_to == ApplyTo::Both) {
            Arc::clone(&request)
        } else {
            side(Direction::Response)?
        };
        Ok(Self { request, response, longest: settings.max_match_bytes, scan_timeout: settings.scan_timeout })
    }

    /// What can happen to texts of this direction.
    pub fn effect(&self, direction: Direction) -> Effect {
        self.side(direction).effect
    }

    /// What is done about the matches of the rule or pattern of this id.
    pub fn action(&self, id: &str) -> Action {
        [&self.request, &self.response].into_iter().find_map(|side| side.action(id)).unwrap_or(Action::Off)
    }

    /// Longest match, in bytes.
    pub fn max_match_bytes(&self) -> usize {
        self.longest
    }

    /// Longest time that one check may take.
    pub fn scan_timeout(&self) -> Duration {
        self.scan_timeout
    }

    /// Scans `text`, of which the bytes before `from` have been settled and serve as context only:
    /// either all of the text before, or its last [`LOOK_BACK`] bytes at least. `is_final`: nothing
    /// follows.
    ///
    /// Appends the matches that lie between `from` and the returned place, in order and apart from
    /// each other. Text before that place can be no part of any further match. It is at most
    /// `max_match_bytes` + [`LOOK_BACK`] bytes away from the end, but for the end of a match that is
    /// only to be logged and has the beginning of another in it: then twice as many; and unseen signs
    /// within what is open count for nothing.
    pub fn scan(&self, direction: Direction, text: &str, from: usize, is_final: bool, out: &mut Vec<Match>) -> usize {
        let span = Span { text, from, is_final, deadline: None };
        self.scan_until(direction, &span, out).unwrap_or(from)
    }

    /// The same; `None` when it is not done at the deadline.
    pub(super) fn scan_until(&self, direction: Direction, span: &Span<'_>, out: &mut Vec<Match>) -> Option<usize> {
        let Span { text, from, is_final, deadline } = *span;
        let first = out.len();
        let side = self.side(direction);
        let window = Window { text, from, longest: self.longest, clock: Clock::until(deadline) };
        let mut settled = side.scan(&window, is_final, out);
        if side.effect != Effect::Nothing
            && let Some(folded) = Folded::of(text, from)
        {
            let clock = Clock::until(deadline);
            let second = Window { text: &folded.text, from: folded.here(from), longest: self.longest, clock };
            let mut seen = Vec::new();
            settled = settled.min(folded.there(side.scan(&second, is_final, &mut seen)));
            if second.clock.is_over() {
                return None;
            }
            out.extend(seen.into_iter().map(|found| Match { range: folded.range(found.range.clone()), ..found }));
            settled = join(out, first, settled);
        }
        (!window.clock.is_over()).then_some(settled)
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet")
            .field("request", &self.request.effect)
            .field("response", &self.response.effect)
            .finish()
    }
}

/// Of the matches of two looks at one text, from the `first` on: those that lie apart from each other. What is to be
/// replaced comes first, then what begins first. Returns the place before which no match is cut.
fn join(out: &mut Vec<Match>, first: usize, mut settled: usize) -> usize {
    let mut all: Vec<Match> = out.drain(first.min(out.len())..).collect();
    while let Some(cut) = all.iter().find(|found| found.range.start < settled && found.range.end > settled) {
        settled = cut.range.start;
    }
    all.retain(|found| found.range.end <= settled);
    all.sort_by_key(|found| (found.action == Action::Log, found.range.start, std::cmp::Reverse(found.range.end)));
    let logs = all.partition_point(|found| found.action != Action::Log);
    let logged = all.split_off(logs);
    let mut taken: Vec<Match> = Vec::with_capacity(all.len());
    for mut found in all {
        let done = taken.last().map_or(0, |last| last.range.end);
        found.range.start = found.range.start.max(done);
        if !found.range.is_empty() {
            taken.push(found);
        }
    }
    for found in logged {
        let behind = taken.partition_point(|other| other.range.end <= found.range.start);
        if taken.get(behind).is_none_or(|next| next.range.start >= found.range.end) {
            taken.insert(behind, found);
        }
    }
    out.append(&mut taken);
    settled
}

/// What is to be scanned, and until when.
pub(super) struct Span<'a> {
    pub(super) text: &'a str,
    pub(super) from: usize,
    pub(super) is_final: bool,
    pub(super) deadline: Option<Instant>,
}

struct OwnPattern {
    custom: Arc<Custom>,
    rule: RuleRef,
    apply_to: ApplyTo,
    action: Action,
}

impl OwnPattern {
    fn is_for(&self, direction: Direction) -> bool {
        let is_meant = match self.apply_to {
            ApplyTo::Both => true,
            ApplyTo::Request => direction == Direction::Request,
            ApplyTo::Response => direction == Direction::Response,
        };
        is_meant && self.action != Action::Off
    }
}

/// A statement about the pattern's name comes before the pattern's own action, so that a project
/// or a key can state another.
fn own_action(settings: &Sanitization, pattern: &SanitizationPattern) -> Action {
    actions::stated(settings, &pattern.name)
        .or(pattern.action)
        .map(|own| actions::gated(settings, own))
        .unwrap_or_else(|| actions::category_action(settings, Category::Custom))
}

fn check_names(settings: &Sanitization) -> Result<(), RuleError> {
    let mut known: Vec<&str> = Category::ALL.iter().map(|category| category.as_str()).collect();
    known.extend(rules::all().iter().flat_map(|rule| [rule.kind, rule.id]));
    let taken = |name: &str| known.iter().any(|other| other.eq_ignore_ascii_case(name));
    if let Some(pattern) = settings.patterns.iter().find(|pattern| taken(&pattern.name)) {
        let what = "a category, kind or rule that is built in has this name; choose another".to_owned();
        return Err(RuleError::Pattern { name: pattern.name.clone(), what });
    }
    known.extend(settings.patterns.iter().map(|pattern| pattern.name.as_str()));
    for (name, _) in &settings.actions {
        if !known.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(RuleError::UnknownName { name: name.clone(), close: actions::close_names(name, &known) });
        }
    }
    Ok(())
}
