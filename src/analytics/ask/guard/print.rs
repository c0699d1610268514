//! Writes a parsed query as SQL for SQLite. What it has no arm for is refused.

use std::{collections::BTreeSet, fmt::Write as _};

use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause, ObjectName,
    ObjectNamePart, Offset, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Query, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TableAlias, TableFactor, TableWithJoins,
    Value as Literal, WildcardAdditionalOptions, With,
};

use super::{ROWS_ASKED, Refused, Value, view_names};
use crate::analytics::ask::views;

mod expression;

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

    fn select(&mut self, select: &Select) -> Done {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers: None,
            top: None,
            top_before_distinct: false,
            projection,
            exclude: None,
            into: None,
            from,
            lateral_views,
            prewhere: None,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify: None,
            window_before_qualify: false,
            value_table_mode: None,
            flavor: SelectFlavor::Standard,
        } = select
        else {
            return Err(unknown("this clause of SELECT"));
        };
        let is_plain = optimizer_hints.is_empty()
            && lateral_views.is_empty()
            && connect_by.is_empty()
            && cluster_by.is_empty()
            && distribute_by.is_empty()
            && sort_by.is_empty()
            && named_window.is_empty();
        if !is_plain {
            return Err(unknown("this clause of SELECT"));
        }
        self.put("SELECT ");
        match distinct {
            None => {}
            Some(Distinct::Distinct) => self.put("DISTINCT "),
            Some(_) => return Err(unknown("this kind of DISTINCT")),
        }
        self.list(projection, Self::select_item)?;
        if !from.is_empty() {
            self.put(" FROM ");
            self.list(from, Self::joined)?;
        }
        if let Some(condition) = selection {
            self.put(" WHERE ");
            self.expression(condition)?;
        }
        match group_by {
            GroupByExpr::Expressions(by, more) if more.is_empty() => {
                if !by.is_empty() {
                    self.put(" GROUP BY ");
                    self.list(by, Self::expression)?;
                }
            }
            _ => return Err(unknown("this kind of GROUP BY")),
        }
        if let Some(condition) = having {
            self.put(" HAVING ");
            self.expression(condition)?;
        }
        Ok(())
    }

    fn select_item(&mut self, item: &SelectItem) -> Done {
        match item {
            SelectItem::UnnamedExpr(expression) => self.expression(expression),
            SelectItem::ExprWithAlias { expr, alias } => {
                self.expression(expr)?;
                self.put(" AS ");
                self.name(alias)
            }
            SelectItem::Wildcard(options) if is_bare(options) => {
                self.put("*");
                Ok(())
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(table), options)
                if is_bare(options) =>
            {
                self.name(one_part(table)?)?;
                self.put(".*");
                Ok(())
            }
            _ => Err(unknown("this kind of column")),
        }
    }

    fn joined(&mut self, table: &TableWithJoins) -> Done {
        self.table(&table.relation)?;
        for join in &table.joins {
            let Join { relation, global: false, join_operator } = join else { return Err(unknown("GLOBAL")) };
            let (word, constraint) = match join_operator {
                JoinOperator::Join(on) => (" JOIN ", on),
                JoinOperator::Inner(on) => (" INNER JOIN ", on),
                JoinOperator::Left(on) => (" LEFT JOIN ", on),
                JoinOperator::LeftOuter(on) => (" LEFT OUTER JOIN ", on),
                JoinOperator::CrossJoin(on) => (" CROSS JOIN ", on),
                _ => return Err(unknown("this kind of join")),
            };
            self.put(word);
            self.table(relation)?;
            match constraint {
                JoinConstraint::None => {}
                JoinConstraint::On(condition) => {
                    self.put(" ON ");
                    self.expression(condition)?;
                }
                JoinConstraint::Using(columns) => {
                    self.put(" USING (");
                    self.list(columns, |this, column| this.name(one_part(column)?))?;
                    self.put(")");
                }
                JoinConstraint::Natural => return Err(unknown("NATURAL JOIN")),
            }
        }
        Ok(())
    }

    fn table(&mut self, table: &TableFactor) -> Done {
        match table {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                let name = one_part(name)?;
                self.relation(name)?;
                match alias {
                    Some(alias) => self.alias(alias),
                    // Columns may be qualified by the name that was written.
                    None if matches!(self.mode, Mode::ToRun { .. }) => {
                        self.put(" AS ");
                        self.name(name)
                    }
                    None => Ok(()),
                }
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                self.put("(");
                self.query(subquery, false)?;
                self.put(")");
                alias.as_ref().map_or(Ok(()), |alias| self.alias(alias))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.nested(|this| {
                this.put("(");
                this.joined(table_with_joins)?;
                this.put(")");
                Ok(())
            }),
            _ => Err(Refused::new("only views and queries may stand in FROM; functions and hints may not")),
        }
    }

    fn alias(&mut self, alias: &TableAlias) -> Done {
        let TableAlias { explicit, name, columns, at: None } = alias else { return Err(unknown("AT")) };
        if !columns.is_empty() {
            return Err(unknown("an alias with columns"));
        }
        self.put(if *explicit || matches!(self.mode, Mode::ToRun { .. }) { " AS " } else { " " });
        self.name(name)
    }

    /// The name of a view or of a table of one's own.
    fn relation(&mut self, name: &Ident) -> Done {
        let key = name.value.to_ascii_lowercase();
        if self.own_tables.iter().any(|known| known.contains(&key)) {
            return self.own_table(name);
        }
        let Some(view) = views::find(&key) else {
            return Err(Refused::new(format!("there is no view `{}`; there are {}", shown(name), view_names())));
        };
        if !self.views.contains(&view.name) {
            self.views.push(view.name);
        }
        match self.mode {
            Mode::Same => self.name(name),
            Mode::ToRun { token } => {
                self.put(&views::running_name(token, view.name));
                Ok(())
            }
        }
    }

    fn own_table(&mut self, name: &Ident) -> Done {
        match self.mode {
            Mode::Same => self.name(name),
            Mode::ToRun { token } => {
                let mut renamed = name.clone();
                renamed.value = format!("own_{token}_{}", name.value);
                self.name(&renamed)
            }
        }
    }

    fn order_by(&mut self, order_by: &OrderBy) -> Done {
        let OrderBy { kind: OrderByKind::Expressions(by), interpolate: None } = order_by else {
            return Err(unknown("this kind of ORDER BY"));
        };
        self.put(" ORDER BY ");
        self.list(by, Self::ordering)
    }

    fn ordering(&mut self, by: &OrderByExpr) -> Done {
        let OrderByExpr { expr, options, with_fill: None } = by else { return Err(unknown("WITH FILL")) };
        self.expression(expr)?;
        match &options.sort {
            None => {}
            Some(OrderBySort::Asc) => self.put(" ASC"),
            Some(OrderBySort::Desc) => self.put(" DESC"),
            Some(OrderBySort::Using(_)) => return Err(unknown("USING in ORDER BY")),
        }
        match options.nulls_first {
            None => {}
            Some(true) => self.put(" NULLS FIRST"),
            Some(false) => self.put(" NULLS LAST"),
        }
        Ok(())
    }

    fn limit(&mut self, clause: Option<&LimitClause>, is_outermost: bool) -> Done {
        let (limit, offset) = match clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                (limit.as_ref(), offset.as_ref())
            }
            Some(_) => return Err(Refused::new("write LIMIT n OFFSET m")),
        };
        match limit {
            Some(limit) => {
                let rows = whole_number(limit).ok_or_else(|| Refused::new("LIMIT must be a whole number"))?;
                let rows = if is_outermost { rows.min(ROWS_ASKED.into()) } else { rows };
                let _ = write!(self.sql, " LIMIT {rows}");
            }
            None if is_outermost => {
                let _ = write!(self.sql, " LIMIT {ROWS_ASKED}");
            }
            None => {}
        }
        if let Some(Offset { value, rows }) = offset {
            let skipped = whole_number(value).ok_or_else(|| Refused::new("OFFSET must be a whole number"))?;
            if limit.is_none() || *rows != sqlparser::ast::OffsetRows::None {
                return Err(Refused::new("write LIMIT n OFFSET m"));
            }
            let _ = write!(self.sql, " OFFSET {skipped}");
        }
        Ok(())
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

fn is_bare(options: &WildcardAdditionalOptions) -> bool {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none()
        && opt_alias.is_none()
}

/// A name without a database or a table before it.
fn one_part(name: &ObjectName) -> Result<&Ident, Refused> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Ok(name),
        _ => Err(Refused::new("write the names of views alone, without a database before them")),
    }
}

fn whole_number(expression: &Expr) -> Option<u64> {
    match expression {
        Expr::Value(value) => match &value.value {
            Literal::Number(digits, false) => digits.parse().ok().filter(|number| *number <= 1_000_000_000),
            _ => None,
        },
        _ => None,
    }
}

/// A name in a message, shortened.
fn shown(name: &Ident) -> String {
    name.value.chars().take(60).filter(|letter| !letter.is_control()).collect()
}

fn unknown(what: &str) -> Refused {
    Refused::new(format!("{what} is not allowed here"))
}
