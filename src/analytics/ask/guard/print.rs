//! Writes a parsed query as SQL for SQLite. What it has no arm for is refused.

use std::{collections::BTreeSet, fmt::Write as _};

use sqlparser::ast::{
    Cte, Ident, ObjectName, ObjectNamePart, Query, SetExpr, SetOperator, SetQuantifier, TableAlias, With,
};

use super::{Refused, Value};
use crate::analytics::ask::views;

mod expression;
mod function;
mod order;
mod relation;
mod select;

/// Deepest nesting of expressions and queries; SQLite is told the same.
const DEPTH_MAX: usize = 50;

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode<'t> {
    /// What runs: texts bound, views and own tables under names that begin with the token.
    ToRun { token: &'t str },
    /// The same query, to be read again.
    Same,
}

/// Writes one query.
pub(super) struct Printer<'t> {
    mode: Mode<'t>,
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    pub(super) views: Vec<&'static str>,
    /// How many of `values` the caller gave.
    given: usize,
    depth: usize,
    /// Names of the own tables (CTEs) of the queries around, in lower case.
    own_tables: Vec<BTreeSet<String>>,
}

type Done = Result<(), Refused>;

impl<'t> Printer<'t> {
    pub(super) fn new(mode: Mode<'t>, values: Vec<Value>) -> Self {
        let given = values.len();
        Self { mode, sql: String::new(), values, views: Vec::new(), given, depth: 0, own_tables: Vec::new() }
    }

    fn put(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    /// Writes `items` with commas between them.
    fn list<T>(&mut self, items: &[T], mut one: impl FnMut(&mut Self, &T) -> Done) -> Done {
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.put(", ");
            }
            one(self, item)?;
        }
        Ok(())
    }

    /// Goes one level deeper for the time of `inner`.
    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Done) -> Done {
        if self.depth >= DEPTH_MAX {
            return Err(Refused::new("the statement is nested too deeply"));
        }
        self.depth += 1;
        let done = inner(self);
        self.depth -= 1;
        done
    }

    /// A query; the outermost one gets a limit if it has none.
    pub(super) fn query(&mut self, query: &Query, is_outermost: bool) -> Done {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch: None,
            locks,
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators,
        } = query
        else {
            return Err(unknown("this clause after a query"));
        };
        if !locks.is_empty() || !pipe_operators.is_empty() {
            return Err(unknown("FOR UPDATE or `|>`"));
        }
        if is_outermost && matches!(**body, SetExpr::Values(_)) {
            return Err(Refused::new("begin with SELECT or WITH"));
        }
        self.nested(|this| {
            this.own_tables.push(BTreeSet::new());
            if let Some(with) = with {
                this.with(with)?;
            }
            this.set(body)?;
            if let Some(order_by) = order_by {
                this.order_by(order_by)?;
            }
            this.limit(limit_clause.as_ref(), is_outermost)?;
            this.own_tables.pop();
            Ok(())
        })
    }

    fn with(&mut self, with: &With) -> Done {
        let With { with_token: _, recursive, cte_tables } = with;
        if *recursive {
            return Err(Refused::new("WITH RECURSIVE is not allowed"));
        }
        self.put("WITH ");
        self.list(cte_tables, |this, cte| {
            let Cte { alias, query, from: None, materialized: None, closing_paren_token: _ } = cte else {
                return Err(unknown("MATERIALIZED"));
            };
            let TableAlias { explicit: _, name, columns, at: None } = alias else { return Err(unknown("AT")) };
            let key = name.value.to_ascii_lowercase();
            if views::find(&key).is_some() {
                return Err(Refused::new(format!("`{}` is a view: give your own table another name", name.value)));
            }
            this.own_table(name)?;
            this.columns(columns)?;
            this.put(" AS (");
            this.query(query, false)?;
            this.put(")");
            // From here on: a table of one's own does not see itself.
            if let Some(known) = this.own_tables.last_mut() {
                known.insert(key);
            }
            Ok(())
        })?;
        self.put(" ");
        Ok(())
    }

    fn columns(&mut self, columns: &[sqlparser::ast::TableAliasColumnDef]) -> Done {
        if columns.is_empty() {
            return Ok(());
        }
        self.put(" (");
        self.list(columns, |this, column| match column.data_type {
            None => this.name(&column.name),
            Some(_) => Err(unknown("a type of an alias")),
        })?;
        self.put(")");
        Ok(())
    }

    fn set(&mut self, set: &SetExpr) -> Done {
        match set {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, op, set_quantifier, right } => self.nested(|this| {
                this.set(left)?;
                let word = match (op, set_quantifier) {
                    (SetOperator::Union, SetQuantifier::None) => " UNION ",
                    (SetOperator::Union, SetQuantifier::All) => " UNION ALL ",
                    (SetOperator::Except, SetQuantifier::None) => " EXCEPT ",
                    (SetOperator::Intersect, SetQuantifier::None) => " INTERSECT ",
                    _ => return Err(unknown("this way to put queries together")),
                };
                this.put(word);
                // SQLite reads them from left to right.
                match &**right {
                    SetExpr::Select(_) | SetExpr::Values(_) => this.set(right),
                    _ => Err(unknown("queries in parentheses put together")),
                }
            }),
            SetExpr::Values(values) if !values.explicit_row && !values.value_keyword => {
                self.put("VALUES ");
                self.list(&values.rows, |this, row| {
                    this.put("(");
                    this.list(&row.content, Self::expression)?;
                    this.put(")");
                    Ok(())
                })
            }
            _ => Err(unknown("anything but SELECT")),
        }
    }

    /// A name as SQLite reads it: always in quotes, and of letters that none of its readers could end it by.
    fn name(&mut self, name: &Ident) -> Done {
        let is_harmless = |letter: char| letter.is_alphanumeric() || " _-.,:;%$€#+*/()<>=!?&@".contains(letter);
        if name.value.is_empty() || name.value.len() > 200 || !name.value.chars().all(is_harmless) {
            return Err(Refused::new("a name holds a sign that names may not hold here"));
        }
        match (self.mode, name.quote_style) {
            (Mode::Same, None) => self.put(&name.value),
            (Mode::Same, Some('[')) => {
                let _ = write!(self.sql, "[{}]", name.value);
            }
            (Mode::Same, Some(quote)) => {
                let _ = write!(self.sql, "{quote}{}{quote}", name.value);
            }
            (Mode::ToRun { .. }, _) => {
                let _ = write!(self.sql, "\"{}\"", name.value);
            }
        }
        Ok(())
    }
}

/// A name without a database or a table before it.
fn one_part(name: &ObjectName) -> Result<&Ident, Refused> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Ok(name),
        _ => Err(Refused::new("write the names of views alone, without a database before them")),
    }
}

/// A name in a message, shortened.
fn shown(name: &Ident) -> String {
    name.value.chars().take(60).filter(|letter| !letter.is_control()).collect()
}

fn unknown(what: &str) -> Refused {
    Refused::new(format!("{what} is not allowed here"))
}
