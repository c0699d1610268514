//! Runs a spec: compiles it, runs the statement, and puts what came of it in order.

use std::time::{Duration, Instant};

use super::{
    Dimension, QuerySpec, Window,
    compile::{Column, ColumnKind, Query, compile},
    guard::Value,
    sandbox::{Failure, Rows, Sandbox, SandboxError, Surroundings},
    series,
};

/// How long exact percentiles may take before those of the histograms, which are nearly as good, are taken instead.
pub const EXACT_FOR: Duration = Duration::from_millis(600);

/// What questions are run with.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Runs statements.
    pub sandbox: Sandbox,
    /// What they see besides the records.
    pub surroundings: Surroundings,
    /// How long one may run.
    pub deadline: Duration,
    /// [`EXACT_FOR`], or longer where time does not matter.
    pub exact_for: Duration,
}

/// A spec that was run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The statement and what its columns are, those that were added here included.
    pub query: Query,
    /// The rows: dimensions as text, a series without gaps.
    pub rows: Rows,
    /// How long the statements took, their processes included.
    pub took: Duration,
}

impl Runner {
    /// Runs a spec that was checked, asked at `now_us`.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub async fn run(&self, spec: &QuerySpec, now_us: i64) -> Result<Ran, SandboxError> {
        let began = Instant::now();
        let (query, rows) = self.statement(spec, now_us).await?;
        let mut ran = Ran { query, rows, took: Duration::ZERO };
        read_labels(&mut ran);
        if let Some(grain) = spec.grain() {
            series::fill(&mut ran, spec, grain);
            if let Some(compare) = &spec.compare {
                let window = Window {
                    from_us: compare.from_us,
                    to_us: compare.to_us,
                    label: compare.label.clone(),
                    assumed: false,
                };
                let earlier = QuerySpec { window, compare: None, ..spec.clone() };
                let (query, rows) = self.statement(&earlier, now_us).await?;
                let mut before = Ran { query, rows, took: Duration::ZERO };
                read_labels(&mut before);
                series::fill(&mut before, &earlier, grain);
                series::set_against(&mut ran, &before, spec);
            }
            if spec.cumulative {
                series::add_up(&mut ran, spec);
            }
        }
        ran.took = began.elapsed();
        Ok(ran)
    }

    async fn statement(&self, spec: &QuerySpec, now_us: i64) -> Result<(Query, Rows), SandboxError> {
        let run = async |query: Query, deadline: Duration| {
            let found = self.sandbox.run(&query.sql, &query.values, &self.surroundings, deadline).await?;
            Ok((query, found.rows))
        };
        let exact = compile(spec, now_us, true);
        let nearly = if exact.from_roll_up { None } else { Some(compile(spec, now_us, false)) };
        let Some(nearly) = nearly.filter(|nearly| nearly.from_roll_up) else {
            return run(exact, self.deadline).await;
        };
        // SQLite does not look at the time while it sorts, so the process is given up from here.
        let deadline = self.deadline.min(self.exact_for);
        match tokio::time::timeout(deadline, run(exact, deadline)).await {
            Ok(Err(SandboxError::Failed(Failure::TooSlow))) | Err(_) => run(nearly, self.deadline).await,
            Ok(done) => done,
        }
    }
}

/// Turns the values of dimensions into what is shown of them.
fn read_labels(ran: &mut Ran) {
    for (place, Column { kind, .. }) in ran.query.columns.iter().enumerate() {
        let ColumnKind::Dimension(dimension) = kind else { continue };
        for row in &mut ran.rows.rows {
            if let Some(value) = row.get_mut(place) {
                *value = Value::Text(super::compile::label(dimension, value));
            }
        }
    }
    ran.rows.columns = ran.query.columns.iter().map(|column| column.name.clone()).collect();
}

impl Ran {
    /// The place of the first column that fits.
    pub(super) fn place(&self, fits: impl Fn(&ColumnKind) -> bool) -> Option<usize> {
        self.query.columns.iter().position(|column| fits(&column.kind))
    }

    /// The place of a dimension's column.
    pub(super) fn place_of(&self, dimension: &Dimension) -> Option<usize> {
        self.place(|kind| matches!(kind, ColumnKind::Dimension(one) if one == dimension))
    }
}

impl Value {
    /// It as a number.
    #[allow(clippy::cast_precision_loss, reason = "a figure to be shown")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            Self::Null | Self::Text(_) => None,
        }
    }

    /// It as a text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
