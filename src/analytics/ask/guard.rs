//! What SQL may run at all: one query over the views, written anew from its parsed form.
//!
//! The text that was checked never runs: what runs is what [`print`] writes, which knows no syntax but
//! what is allowed, binds every text as a value, and names views and own tables (CTEs) by names that no
//! caller can know. So nothing depends on two parsers agreeing where a text ends.

mod print;

use sqlparser::{
    ast::{Query, Statement},
    dialect::SQLiteDialect,
    parser::{Parser, ParserError},
    tokenizer::{Token, Tokenizer},
};

use super::views;
use print::{Mode, Printer};

/// Longest statement.
pub const SQL_BYTES_MAX: usize = 20_000;
/// Most words and signs of a statement: operators in a row nest as deep as they are many.
const TOKENS_MAX: usize = 3_000;
/// Rows that are asked for at most: one more than are shown, so that it is seen that there are more.
pub(super) const ROWS_ASKED: u32 = 1_001;

/// A value that a statement is run with.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Text(String),
}

/// A statement that may run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The text to run.
    pub sql: String,
    /// What its `?1`, `?2`, … stand for.
    pub values: Vec<Value>,
    /// The views that it reads.
    pub views: Vec<&'static str>,
}

/// Why a statement may not run, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(super) String);

impl Refused {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// Checks a statement that somebody wrote, whose `?1`, `?2`, … stand for `values`. `token` is what the names of
/// views begin with in this run; it must be nothing that a caller could guess.
///
/// # Errors
/// When it is anything but one query over the views, by the syntax and the functions that are allowed.
pub fn check(sql: &str, values: &[Value], token: &str) -> Result<Checked, Refused> {
    let query = parse(sql)?;
    let mut printer = Printer::new(Mode::ToRun { token }, values.to_vec());
    printer.query(&query, true)?;
    // What the printer passed over would have run as something else than was written.
    let mut same = Printer::new(Mode::Same, values.to_vec());
    same.query(&query, false)?;
    if parse(&same.sql).as_ref() != Ok(&query) {
        return Err(Refused::new("this way to write a query is not known here"));
    }
    let Printer { sql, values, views, .. } = printer;
    Ok(Checked { sql, values, views })
}

fn parse(sql: &str) -> Result<Query, Refused> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(Refused::new(format!("the statement is over {SQL_BYTES_MAX} bytes")));
    }
    let dialect = SQLiteDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|fault| Refused::new(format!("this is not SQL: {fault}")))?;
    if tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count() > TOKENS_MAX {
        return Err(Refused::new(format!("the statement has over {TOKENS_MAX} words and signs")));
    }
    let mut statements =
        Parser::new(&dialect).with_tokens_with_locations(tokens).parse_statements().map_err(|fault| match fault {
            ParserError::TokenizerError(fault) | ParserError::ParserError(fault) => {
                Refused::new(format!("this is not SQL that is known here: {fault}"))
            }
            ParserError::RecursionLimitExceeded => Refused::new("the statement is nested too deeply"),
        })?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(*query),
        (Some(_), true) => Err(Refused::new("only queries may run: SELECT or WITH … SELECT")),
        (Some(_), false) => Err(Refused::new("only one statement may run at a time")),
        (None, _) => Err(Refused::new("there is no statement")),
    }
}

/// The views by name, for messages.
fn view_names() -> String {
    views::names().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
