//! The verified examples: questions and the form that each means. They are tests, what a model is shown, and the
//! questions to start with; reviewed by people, on invented names.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Clock, Dimension, Name, Names, QuerySpec};
use crate::domain::Timestamp;

const TEXT: &str = include_str!("examples.toml");

/// A question and what it means.
#[derive(Clone, Debug)]
pub struct Example {
    /// The question.
    pub question: String,
    /// What it means, at the moment of [`Examples::clock`].
    pub spec: QuerySpec,
}

/// All examples, and the world that they are asked in.
#[derive(Clone, Debug)]
pub struct Examples {
    /// When they are asked.
    pub clock: Clock,
    /// The names of that world.
    pub names: Names,
    /// The examples, the plainest first.
    pub all: Vec<Example>,
}

/// The verified examples.
pub fn examples() -> &'static Examples {
    static EXAMPLES: LazyLock<Examples> = LazyLock::new(|| read().unwrap_or_else(Examples::none));
    &EXAMPLES
}

impl Examples {
    /// The questions that mean something whatever the names are, to start with.
    pub fn starters(&self) -> impl Iterator<Item = &str> {
        let is_plain = |example: &&Example| {
            let share = example.spec.share.iter().flat_map(|share| &share.part);
            example.spec.filters.iter().chain(share).all(|filter| !is_of_data(&filter.dimension))
                && !example.spec.dimensions.iter().any(|dimension| matches!(dimension, Dimension::Tag(_)))
        };
        self.all.iter().filter(is_plain).map(|example| example.question.as_str())
    }

    fn none() -> Self {
        Self { clock: Clock::utc(Timestamp::default()), names: Names::default(), all: Vec::new() }
    }
}

/// Whether the values of a dimension are made by who uses the gateway.
const fn is_of_data(dimension: &Dimension) -> bool {
    dimension.is_core() || matches!(dimension, Dimension::BudgetOwner | Dimension::Tag(_))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    now: String,
    names: toml::Table,
    example: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    question: String,
    /// A spec whose times are texts.
    spec: toml::Table,
}

fn read() -> Option<Examples> {
    let file: File = toml::from_str(TEXT).ok()?;
    let now = Timestamp::parse(&file.now)?;
    let mut names = Vec::new();
    for (dimension, values) in &file.names {
        let dimension = Dimension::parse(dimension)?;
        for value in values.as_array()? {
            names.push(Name { dimension: dimension.clone(), value: value.as_str()?.into() });
        }
    }
    let all = file.example.into_iter().map(|row| {
        let spec = spec_of(row.spec, now)?;
        Some(Example { question: row.question, spec })
    });
    Some(Examples { clock: Clock::utc(now), names: Names::new(names), all: all.collect::<Option<_>>()? })
}

/// A spec whose windows are `[from, to, label]` in texts; `now` is now and `""` the beginning of all records.
fn spec_of(mut table: toml::Table, now: Timestamp) -> Option<QuerySpec> {
    let moment = |text: &str| match text {
        "" => Some(0),
        "now" => Some(now.unix_us),
        text => Timestamp::parse(text).map(|at| at.unix_us),
    };
    for key in ["window", "compare"] {
        let Some(times) = table.get(key).and_then(|times| times.as_array()).cloned() else { continue };
        let text = |at: usize| times.get(at).and_then(toml::Value::as_str);
        let mut window = toml::Table::new();
        window.insert("from_us".to_owned(), moment(text(0)?)?.into());
        window.insert("to_us".to_owned(), moment(text(1)?)?.into());
        window.insert("label".to_owned(), text(2)?.into());
        if key == "compare" {
            window.insert("kind".to_owned(), text(3)?.into());
        } else {
            window.insert("assumed".to_owned(), (text(3) == Some("assumed")).into());
        }
        table.insert(key.to_owned(), window.into());
    }
    toml::Value::Table(table).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ask::{Parsed, parse, sentence};

    /// The spec without what only tells how it came about.
    fn bare(spec: &QuerySpec) -> QuerySpec {
        let mut spec = spec.clone();
        spec.window.label.clear();
        spec.window.assumed = false;
        if let Some(compare) = &mut spec.compare {
            compare.label.clear();
            compare.kind = crate::analytics::ask::CompareKind::Named;
        }
        spec
    }

    #[test]
    fn every_example_is_read_as_it_was_verified() {
        let Examples { clock, names, all } = examples();
        assert!(all.len() >= 80, "{}", all.len());
        for example in all {
            let Parsed::Understood(found) = parse(&example.question, names, clock, None) else {
                panic!("{}: {:?}", example.question, parse(&example.question, names, clock, None));
            };
            assert_eq!(found.spec, example.spec, "{}", example.question);
        }
    }

    #[test]
    fn a_spec_is_the_same_after_its_sentence_is_read() {
        let Examples { clock, names, all } = examples();
        for example in all {
            let text = sentence(&example.spec, clock);
            match parse(&text, names, clock, None) {
                Parsed::Understood(found) => assert_eq!(bare(&found.spec), bare(&example.spec), "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn every_chip_leaves_a_spec_that_can_be_asked() {
        let Examples { clock, names, all } = examples();
        let mut removable = 0;
        for example in all {
            let Parsed::Understood(found) = parse(&example.question, names, clock, None) else { continue };
            for chip in &found.reading {
                if let Some(without) = &chip.without {
                    removable += 1;
                    assert_eq!(without.check(), Ok(()));
                    assert_ne!(**without, found.spec, "{}: {}", example.question, chip.text);
                }
            }
        }
        assert!(removable > 80, "{removable}");
    }
}
