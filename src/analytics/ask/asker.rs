//! From a question to its answer: the parser first, a model for what it cannot read, the one compiler, the sandbox.

use std::{sync::Arc, time::Instant};

use super::{
    Answer, Chip, Clock, DeclineKind, Declined, Names, Parsed, QuerySpec, Runner, SandboxError, SpecError, Understood,
    UnknownWord,
    model::{Calls, Case, Filled, Model},
    parse,
    present::{ColumnView, Why},
    sentence,
};

/// Longest question.
pub const QUESTION_BYTES_MAX: usize = 2_000;

/// Answers questions of one moment.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Runs what they become.
    pub runner: Runner,
    /// The names that they may mention.
    pub names: Arc<Names>,
    /// When and where they are asked.
    pub clock: Clock,
    /// Who reads what the parser cannot.
    pub model: Option<Model>,
}

/// Why there is neither an answer nor a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The spec that was sent cannot be asked.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// It could not be run.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl Asker {
    /// Answers a spec.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn answer_spec(&self, spec: QuerySpec) -> Result<Answer, AskError> {
        let reading = self.reading_of(&spec);
        Ok(Answer { reading, ..self.run(spec).await? })
    }

    async fn run(&self, spec: QuerySpec) -> Result<Answer, AskError> {
        spec.check()?;
        let now_us = self.clock.now.unix_us;
        let ran = self.runner.run(&spec, now_us).await?;
        Ok(Answer { question: Some(sentence(&spec, &self.clock)), ..Answer::of(spec, ran, now_us) })
    }

    /// The chips of a spec that nobody put into words: those of its sentence.
    fn reading_of(&self, spec: &QuerySpec) -> Vec<Chip> {
        let same = |one: &QuerySpec, other: &QuerySpec| unlabelled(one.clone()) == unlabelled(other.clone());
        match parse(&sentence(spec, &self.clock), &self.names, &self.clock, None) {
            Parsed::Understood(read) if same(&read.spec, spec) => {
                read.reading.into_iter().map(|chip| Chip { span: None, ..chip }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Answers a question, which may change the one before.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn answer(&self, question: &str, previous: Option<&QuerySpec>) -> Result<Answer, AskError> {
        let began = Instant::now();
        let parsed = parse(question, &self.names, &self.clock, previous);
        let mut calls = Calls::default();
        let mut why = Why { read_by: "parser", read_ms: millis(began), ..Why::default() };
        let mut answer = match parsed {
            Parsed::Understood(understood) => self.understood(understood).await?,
            Parsed::Declined(declined) => Answer::declined(declined),
            Parsed::Partly { best, unexplained, declined } => {
                let Some(model) = &self.model else { return Ok(self.closed(Answer::declined(declined), why)) };
                let case = Case {
                    question,
                    best: best.as_ref().map(|best| &best.spec),
                    unexplained: &unexplained,
                    previous,
                    names: &self.names,
                    clock: &self.clock,
                };
                let filled = model.fill(case, &mut calls).await;
                why = Why { read_by: "model", model: Some(model.name.clone()), read_ms: millis(began), ..why };
                match filled {
                    Filled::Spec(spec) => self.answer_spec(*spec).await?,
                    Filled::Sql(sql) => {
                        why.read_by = "free_sql";
                        self.free(&sql).await?
                    }
                    Filled::Declined(reason) => Answer::declined(Declined {
                        kind: DeclineKind::NotRecorded,
                        reason,
                        r#try: declined.r#try,
                        page: None,
                    }),
                    Filled::Nothing => {
                        why.read_by = "parser";
                        self.best(best, &unexplained, declined).await?
                    }
                }
            }
        };
        if let Some(model) = self.model.as_ref().filter(|_| answer.declined.is_none()) {
            let rows = super::Rows {
                columns: answer.columns.iter().map(|column| column.label.clone()).collect(),
                rows: answer.rows.clone(),
                truncated: answer.truncated,
            };
            answer.explanation = model.explain(question, &rows, &mut calls).await;
        }
        (why.record_ids, why.cost_microcents) = (calls.record_ids, calls.cost_microcents);
        Ok(self.closed(answer, why))
    }

    /// The answer with how it came about.
    #[allow(clippy::unused_self, reason = "it belongs to the two above")]
    fn closed(&self, mut answer: Answer, why: Why) -> Answer {
        answer.why = Why { run_ms: answer.why.run_ms, from_roll_up: answer.why.from_roll_up, ..why };
        answer
    }

    async fn understood(&self, understood: Understood) -> Result<Answer, AskError> {
        let Understood { spec, reading, assumptions, corrections, is_follow_up: _, keeping } = understood;
        let mut answer = Answer { reading, assumptions, corrections, ..self.run(spec).await? };
        answer.offer_first(keeping);
        Ok(answer)
    }

    /// What the parser made of a question that no model read either: said with the words that it left out.
    async fn best(
        &self,
        best: Option<Understood>,
        unexplained: &[UnknownWord],
        declined: Declined,
    ) -> Result<Answer, AskError> {
        let Some(best) = best else { return Ok(Answer::declined(declined)) };
        let mut answer = self.understood(best).await?;
        let words: Vec<_> = unexplained.iter().map(|word| format!("“{}”", word.word)).collect();
        answer.warnings.insert(0, format!("read without {}, which nobody could place", words.join(", ")));
        Ok(answer)
    }

    /// The answer of SQL that a model wrote.
    async fn free(&self, sql: &str) -> Result<Answer, AskError> {
        let began = Instant::now();
        let found = self.runner.sandbox.run(sql, &[], &self.runner.surroundings, self.runner.deadline).await?;
        let rows = found.rows;
        Ok(Answer {
            answer: Some(format!("{} rows, by SQL that a model wrote.", rows.rows.len())),
            sql: Some(sql.to_owned()),
            columns: rows.columns.iter().map(|name| ColumnView::plain(name)).collect(),
            rows: rows.rows,
            truncated: rows.truncated,
            warnings: vec!["the SQL was written by a model; nobody verified that it answers the question".to_owned()],
            why: Why { run_ms: millis(began), ..Why::default() },
            ..Answer::default()
        })
    }
}

/// A spec without what its windows are called.
fn unlabelled(mut spec: QuerySpec) -> QuerySpec {
    spec.window.label.clear();
    spec.window.assumed = false;
    if let Some(compare) = &mut spec.compare {
        compare.label.clear();
        compare.kind = super::CompareKind::Named;
    }
    spec
}

fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
