//! What is said of a result: a sentence with its numbers, a chart by rule, what to ask next, and what to be careful
//! about. Nothing here reads the database.

mod chart;
mod follow_ups;
mod list;
mod numbers;
mod sentence;
mod warnings;

use serde::Serialize;
use utoipa::ToSchema;

pub use chart::{Chart, ChartKind};
pub use follow_ups::{FollowUp, RecordsLink, parameter};
pub use numbers::shown;
pub use sentence::measure_words;
use sentence::sentence;

use super::{
    Chip, Choice, Correction, Declined, QuerySpec, Unit, Value,
    compile::{Column, ColumnKind},
    run::Ran,
};

/// Answer to a question: the rows and what they say, or why there are none.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = AskAnswer)]
pub struct Answer {
    /// One sentence with the numbers; `null` when the question was declined.
    #[schema(example = "Cost was $1,204.10 from 2026-10-01 to 2026-10-31.")]
    pub answer: Option<String>,
    /// What a model says of the rows, where it may see them; unverified.
    pub explanation: Option<String>,
    /// The question as it was understood, in words.
    pub question: Option<String>,
    /// The same as a spec. Sent back as `spec`, changed or not, it is asked again.
    pub spec: Option<QuerySpec>,
    /// Which words became what; each can be removed or switched by asking the spec that it bears.
    pub reading: Vec<Chip>,
    /// What was filled in although nobody said it.
    pub assumptions: Vec<String>,
    /// Words that were read as others.
    pub corrections: Vec<Correction>,
    /// The statement that was run, over the views of `POST /v1/sql`.
    pub sql: Option<String>,
    /// What its `?1`, `?2`, … stand for.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub values: Vec<Value>,
    /// The columns of `rows`.
    pub columns: Vec<ColumnView>,
    /// One value for each column: a number, a text or `null`.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more rows than are shown.
    pub truncated: bool,
    /// How to draw them; `null` where a picture says nothing.
    pub chart: Option<Chart>,
    /// How the answer came about.
    pub why: Why,
    /// What to ask next.
    pub follow_ups: Vec<FollowUp>,
    /// The records behind the answer; `null` when no filter of the list of records means the same.
    pub records: Option<RecordsLink>,
    /// What to be careful about: unknown prices, periods that are not over, few samples.
    pub warnings: Vec<String>,
    /// Why the question was not answered, and what to ask instead; `null` when it was answered.
    pub declined: Option<Declined>,
}

/// A column of an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AskColumn)]
pub struct ColumnView {
    /// Its stable name.
    #[schema(example = "cost_change")]
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it holds: `dimension`, `measure`, `previous`, `change`, `share`, `whole`, `count` or `value`.
    pub role: &'static str,
    /// What its numbers are given in; `null` for texts.
    pub unit: Option<Unit>,
}

/// How an answer came about.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = AskWhy)]
pub struct Why {
    /// Who read the question: `parser`, `model`, `spec` (it was asked as a spec) or `free_sql` (a model wrote the SQL,
    /// which nobody verified).
    #[schema(example = "parser")]
    pub read_by: &'static str,
    /// How long reading took, in milliseconds.
    pub read_ms: u64,
    /// How long running took, in milliseconds.
    pub run_ms: u64,
    /// Whether the quarter-hour roll-ups answered it.
    pub from_roll_up: bool,
    /// The model that read the question.
    pub model: Option<String>,
    /// The records of the calls to that model.
    pub record_ids: Vec<String>,
    /// What these calls cost, in microcents; `null` when there was none or a price is not known.
    pub cost_microcents: Option<i64>,
}

impl Answer {
    /// What to say of a spec that was run, asked at `now_us`.
    pub fn of(spec: QuerySpec, ran: Ran, now_us: i64) -> Self {
        let mut ran = ran;
        let mut warnings = warnings::of(&spec, &mut ran, now_us);
        let answer = sentence(&spec, &ran);
        if ran.rows.truncated {
            warnings.push(format!("only the first {} rows are shown", ran.rows.rows.len()));
        }
        Self {
            answer: Some(answer),
            chart: chart::of(&spec, &ran),
            follow_ups: follow_ups::of(&spec, &ran),
            records: follow_ups::records(&spec),
            columns: ran.query.columns.iter().map(ColumnView::of).collect(),
            sql: Some(ran.query.sql),
            values: ran.query.values,
            truncated: ran.rows.truncated,
            rows: ran.rows.rows,
            why: Why {
                read_by: "spec",
                run_ms: u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
                from_roll_up: ran.query.from_roll_up,
                ..Why::default()
            },
            warnings,
            spec: Some(spec),
            ..Self::default()
        }
    }

    /// Offers a reading before what is offered by rule.
    pub(super) fn offer_first(&mut self, choice: Option<Choice>) {
        if let Some(Choice { text, spec }) = choice {
            self.follow_ups.insert(0, FollowUp { text, spec });
            self.follow_ups.truncate(follow_ups::OFFERED);
        }
    }

    /// Why there is no answer.
    pub fn declined(declined: Declined) -> Self {
        Self { declined: Some(declined), why: Why { read_by: "parser", ..Why::default() }, ..Self::default() }
    }
}

impl ColumnView {
    /// A column of which only the name is known.
    pub(super) fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), label: name.replace('_', " "), role: "value", unit: None }
    }

    fn of(column: &Column) -> Self {
        let plain = column.name.replace('_', " ");
        let (role, label) = match &column.kind {
            ColumnKind::Dimension(_) => ("dimension", plain),
            ColumnKind::Measure(measure) => ("measure", measure_words(*measure)),
            ColumnKind::Previous(measure) => ("previous", format!("{} before", measure_words(*measure))),
            ColumnKind::Change(_) => ("change", "change".to_owned()),
            ColumnKind::Share(measure) => ("share", format!("share of {}", measure_words(*measure))),
            ColumnKind::Whole(measure) => ("whole", format!("all {}", measure_words(*measure))),
            ColumnKind::UnknownPrice => ("count", "requests of unknown price".to_owned()),
            ColumnKind::Samples => ("count", "samples".to_owned()),
            ColumnKind::Nameless => ("measure", "without a name".to_owned()),
            ColumnKind::Plain => ("value", plain),
        };
        Self { name: column.name.clone(), label, role, unit: column.unit }
    }
}
