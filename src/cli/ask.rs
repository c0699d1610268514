//! `llm-gateway ask`: a question about the records of the data directory, answered in the terminal.
//!
//! It reads the database itself, beside a gateway that may be running, and asks no model.

use clap::Args;

use super::print;
use crate::{
    analytics::ask::{Answer, Value, shown},
    app::{self, AppError},
    config::Config,
};

/// Widest column, in characters.
const WIDTH_MAX: usize = 48;

/// What to ask, and how to show it.
#[derive(Args, Debug)]
pub(super) struct AskCommand {
    /// The question, in plain words
    #[arg(required = true)]
    question: Vec<String>,
    /// Print the whole answer as JSON, as POST /v1/ask sends it
    #[arg(long)]
    json: bool,
    /// Print the SQL that answers it as well
    #[arg(long)]
    sql: bool,
}

/// Asks and prints. A question that is declined is no failure.
pub(super) async fn run(command: AskCommand, config: &Config) -> Result<(), AppError> {
    let answer = app::ask(config, &command.question.join(" ")).await?;
    if command.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&answer).unwrap_or_default()));
        return Ok(());
    }
    print(&page(&answer, command.sql));
    Ok(())
}

/// The answer as text.
fn page(answer: &Answer, with_sql: bool) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words);
        text.push('\n');
    };
    if let Some(declined) = &answer.declined {
        line(&declined.reason);
        declined.r#try.iter().for_each(|question| line(&format!("  try: {question}")));
        return text;
    }
    answer.answer.iter().for_each(|sentence| line(sentence));
    answer.corrections.iter().for_each(|one| line(&format!("  read “{}” as “{}”", one.from, one.to)));
    answer.assumptions.iter().for_each(|one| line(&format!("  assumed: {one}")));
    answer.warnings.iter().for_each(|one| line(&format!("  note: {one}")));
    if answer.columns.len() > 1 || answer.rows.len() > 1 {
        line("");
        table(answer).iter().for_each(|row| line(row));
    }
    if let Some(sql) = answer.sql.as_ref().filter(|_| with_sql) {
        line("");
        line(sql);
        for (number, value) in answer.values.iter().enumerate() {
            line(&format!("-- ?{} = {}", number + 1, serde_json::json!(value)));
        }
    }
    text
}

/// The rows in columns, numbers to the right.
fn table(answer: &Answer) -> Vec<String> {
    let head: Vec<String> = answer.columns.iter().map(|column| column.label.clone()).collect();
    let cell = |(value, column): (&Value, &crate::analytics::ask::ColumnView)| match value {
        Value::Null => "–".to_owned(),
        value => shown(value, column.unit).replace(|letter: char| letter.is_control(), " "),
    };
    let body = answer.rows.iter().map(|row| row.iter().zip(&answer.columns).map(cell).collect::<Vec<_>>());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let width = |place: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(place))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .min(WIDTH_MAX)
    };
    let widths: Vec<usize> = (0..answer.columns.len()).map(width).collect();
    let is_number =
        |place: usize| answer.rows.iter().filter_map(|row| row.get(place)).any(|value| value.number().is_some());
    let numbers: Vec<bool> = (0..widths.len()).map(is_number).collect();
    let aligned = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).zip(&numbers).map(|((cell, width), is_number)| {
            let cut: String = cell.chars().take(*width).collect();
            if *is_number { format!("{cut:>width$}") } else { format!("{cut:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(aligned).collect()
}
