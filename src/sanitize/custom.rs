//! The operator's own patterns, compiled by the same engine as the built-in rules and held to the
//! same law.

use regex_automata::{Anchored, Input, meta::Regex, util::syntax};
use regex_syntax::hir::Hir;

use super::{matcher::Window, ruleset::RuleError};

/// Largest automaton of one pattern, in bytes.
const AUTOMATON_BYTES: usize = 1 << 20;
/// How many places are tried at which a pattern only matches more than it may.
const MAX_TRIES: usize = 256;
/// Deepest nesting of groups.
const MAX_NEST: u32 = 64;

/// One pattern.
#[derive(Debug)]
pub(super) struct Custom {
    regex: Regex,
    pub(super) hir: Hir,
}

impl Custom {
    /// Compiles `pattern` of the name `name`.
    pub(super) fn compile(name: &str, pattern: &str) -> Result<Self, RuleError> {
        let refuse = |what: String| RuleError::Pattern { name: name.to_owned(), what };
        let mut parser = regex_syntax::ParserBuilder::new().nest_limit(MAX_NEST).build();
        let hir = parser.parse(pattern).map_err(|error| refuse(reason(&error)))?;
        match hir.properties().minimum_len() {
            None => return Err(refuse("it can never match".to_owned())),
            Some(0) => return Err(refuse("it matches the empty text, so it would be found everywhere".to_owned())),
            Some(_) => {}
        }
        let config = Regex::config()
            .nfa_size_limit(Some(AUTOMATON_BYTES))
            .hybrid_cache_capacity(AUTOMATON_BYTES)
            .onepass_size_limit(Some(AUTOMATON_BYTES))
            .dfa_size_limit(Some(AUTOMATON_BYTES));
        let regex =
            Regex::builder().configure(config).syntax(syntax::Config::new()).build_from_hir(&hir).map_err(|error| {
                match error.size_limit() {
                    Some(limit) => refuse(format!(
                        "its automaton is larger than {limit} bytes; use smaller counts or fewer classes"
                    )),
                    None => refuse(error.to_string()),
                }
            })?;
        Ok(Self { regex, hir })
    }

    /// The first match at or behind `from` that is not longer than it may be.
    pub(super) fn next(&self, window: &Window<'_>, mut from: usize) -> Option<(usize, usize)> {
        let (text, longest) = (window.text, window.longest);
        let mut tries = 0;
        while !window.clock.step() {
            let found = self.regex.find(Input::new(text).span(from..text.len()))?;
            if found.len() <= longest {
                return Some((found.start(), found.end()));
            }
            let end = text.floor_char_boundary(found.start() + longest);
            let span = Input::new(text).span(found.start()..end).anchored(Anchored::Yes);
            if let Some(found) = self.regex.find(span) {
                return Some((found.start(), found.end()));
            }
            // From each of its characters on, the same could be looked for again, to the same end.
            tries += 1;
            if tries > MAX_TRIES {
                window.clock.give_up();
                break;
            }
            from = text.ceil_char_boundary(found.start() + 1);
        }
        None
    }
}

/// Where a pattern is wrong, and why; never the library's picture of several lines.
fn reason(error: &regex_syntax::Error) -> String {
    let (start, what) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (error.span().start, error.kind().to_string()),
        other => return other.to_string(),
    };
    if start.line > 1 {
        return format!("line {}, character {}: {what}", start.line, start.column);
    }
    format!("character {}: {what}", start.column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sanitize::matcher::Clock;

    #[test]
    fn a_pattern_that_only_matches_more_than_it_may_is_given_up_soon() {
        let custom = Custom::compile("own", "a+$").unwrap();
        let text = "a".repeat(300_000);
        let window = Window { text: &text, from: 0, longest: 16_384, clock: Clock::default() };
        assert_eq!(custom.next(&window, 0), None);
        assert!(window.clock.is_over(), "what was not looked through does not count as clean");
        let text = format!("{} aa", "a".repeat(20_000));
        let window = Window { text: &text, from: 0, longest: 16_384, clock: Clock::default() };
        assert_eq!(custom.next(&window, 0), Some((20_001, 20_003)));
    }
}
