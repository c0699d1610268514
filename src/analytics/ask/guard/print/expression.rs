//! The expressions that may stand in a query.

use std::fmt::Write as _;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, UnaryOperator, Value as Literal, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowSpec, WindowType,
};

use super::{Done, Mode, Printer, Refused, Value, one_part, shown, unknown};
use crate::analytics::ask::views;

impl Printer<'_> {
    /// Any expression, one level deeper.
    pub(super) fn expression(&mut self, expression: &Expr) -> Done {
        self.nested(|this| this.any(expression))
    }

    #[allow(clippy::too_many_lines, reason = "one arm a kind: the list of what is allowed")]
    fn any(&mut self, expression: &Expr) -> Done {
        match expression {
            Expr::Identifier(name) => self.name(name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => {
                    self.name(table)?;
                    self.put(".");
                    self.name(column)
                }
                _ => Err(unknown("a name of three parts")),
            },
            Expr::Value(value) => self.literal(&value.value),
            Expr::Nested(inner) => {
                self.put("(");
                self.expression(inner)?;
                self.put(")");
                Ok(())
            }
            Expr::IsNull(inner) => self.after(inner, " IS NULL"),
            Expr::IsNotNull(inner) => self.after(inner, " IS NOT NULL"),
            Expr::IsTrue(inner) => self.after(inner, " IS TRUE"),
            Expr::IsNotTrue(inner) => self.after(inner, " IS NOT TRUE"),
            Expr::IsFalse(inner) => self.after(inner, " IS FALSE"),
            Expr::IsNotFalse(inner) => self.after(inner, " IS NOT FALSE"),
            Expr::IsDistinctFrom(left, right) => self.between(left, " IS DISTINCT FROM ", right),
            Expr::IsNotDistinctFrom(left, right) => self.between(left, " IS NOT DISTINCT FROM ", right),
            Expr::InList { expr, list, negated } => {
                self.after(expr, if *negated { " NOT IN (" } else { " IN (" })?;
                self.list(list, Self::expression)?;
                self.put(")");
                Ok(())
            }
            Expr::InSubquery { expr, subquery, negated } => {
                self.after(expr, if *negated { " NOT IN (" } else { " IN (" })?;
                self.query(subquery, false)?;
                self.put(")");
                Ok(())
            }
            Expr::Between { expr, negated, low, high } => {
                self.after(expr, if *negated { " NOT BETWEEN " } else { " BETWEEN " })?;
                self.between(low, " AND ", high)
            }
            Expr::BinaryOp { left, op, right } => self.between(left, binary(op)?, right),
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.between(expr, if *negated { " NOT LIKE " } else { " LIKE " }, pattern)?;
                if let Some(letter) = escape_char {
                    self.put(" ESCAPE ");
                    self.expression(letter)?;
                }
                Ok(())
            }
            Expr::UnaryOp { op, expr } => {
                self.put(match op {
                    UnaryOperator::Minus => "- ",
                    UnaryOperator::Plus => "+ ",
                    UnaryOperator::Not => "NOT ",
                    _ => return Err(unknown("this operator")),
                });
                self.expression(expr)
            }
            Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None } => {
                let to = match data_type {
                    DataType::Integer(None) => "INTEGER",
                    DataType::Int(None) => "INT",
                    DataType::Real => "REAL",
                    DataType::Text => "TEXT",
                    _ => return Err(Refused::new("cast to INTEGER, REAL or TEXT")),
                };
                self.put("CAST(");
                self.expression(expr)?;
                let _ = write!(self.sql, " AS {to})");
                Ok(())
            }
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.put("CASE");
                if let Some(operand) = operand {
                    self.put(" ");
                    self.expression(operand)?;
                }
                for CaseWhen { condition, result } in conditions {
                    self.put(" WHEN ");
                    self.between(condition, " THEN ", result)?;
                }
                if let Some(otherwise) = else_result {
                    self.put(" ELSE ");
                    self.expression(otherwise)?;
                }
                self.put(" END");
                Ok(())
            }
            Expr::Exists { subquery, negated } => {
                self.put(if *negated { "NOT EXISTS (" } else { "EXISTS (" });
                self.query(subquery, false)?;
                self.put(")");
                Ok(())
            }
            Expr::Subquery(query) => {
                self.put("(");
                self.query(query, false)?;
                self.put(")");
                Ok(())
            }
            Expr::Substring { expr, substring_from, substring_for, special: true, shorthand: true } => {
                // `special` and `shorthand` are how the parser marks `substr(text, from, length)`.
                self.put("SUBSTR(");
                self.expression(expr)?;
                for part in [substring_from, substring_for].into_iter().flatten() {
                    self.put(", ");
                    self.expression(part)?;
                }
                self.put(")");
                Ok(())
            }
            Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters } => {
                self.put("TRIM(");
                self.expression(expr)?;
                for letters in trim_characters.iter().flatten() {
                    self.put(", ");
                    self.expression(letters)?;
                }
                self.put(")");
                Ok(())
            }
            Expr::Tuple(parts) => {
                self.put("(");
                self.list(parts, Self::expression)?;
                self.put(")");
                Ok(())
            }
            Expr::Function(function) => self.function(function),
            _ => Err(unknown("this kind of expression")),
        }
    }

    fn after(&mut self, inner: &Expr, word: &str) -> Done {
        self.expression(inner)?;
        self.put(word);
        Ok(())
    }

    fn between(&mut self, left: &Expr, word: &str, right: &Expr) -> Done {
        self.expression(left)?;
        self.put(word);
        self.expression(right)
    }

    fn literal(&mut self, literal: &Literal) -> Done {
        match literal {
            Literal::Null => self.put("NULL"),
            Literal::Boolean(true) => self.put("TRUE"),
            Literal::Boolean(false) => self.put("FALSE"),
            Literal::Number(digits, false) => {
                // `1e400` would be infinite, and `1_000` or `0x10` is read differently elsewhere.
                let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
                if !is_plain || digits.len() > 30 || !digits.parse().is_ok_and(f64::is_finite) {
                    return Err(unknown("this number"));
                }
                self.put(digits);
            }
            Literal::SingleQuotedString(text) => match self.mode {
                Mode::ToRun { .. } => {
                    self.values.push(Value::Text(text.clone()));
                    let _ = write!(self.sql, "?{}", self.values.len());
                }
                Mode::Same => {
                    let _ = write!(self.sql, "'{}'", text.replace('\'', "''"));
                }
            },
            Literal::Placeholder(name) => {
                let number = name.strip_prefix('?').and_then(|digits| digits.parse::<usize>().ok());
                if number.is_none_or(|number| number == 0 || number > self.given || format!("?{number}") != *name) {
                    return Err(Refused::new("there is no value for a placeholder: write the value itself"));
                }
                self.put(name);
            }
            _ => return Err(Refused::new("write texts in single quotes")),
        }
        Ok(())
    }

    fn function(&mut self, function: &Function) -> Done {
        let Function {
            name,
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args,
            within_group,
            filter,
            null_treatment: None,
            over,
        } = function
        else {
            return Err(unknown("this way to call a function"));
        };
        let name = one_part(name)?;
        let Some(known) = views::function(&name.value.to_ascii_lowercase()) else {
            return Err(Refused::new(format!("the function `{}` is not allowed", shown(name))));
        };
        if !within_group.is_empty() || name.quote_style.is_some() {
            return Err(unknown("this way to call a function"));
        }
        self.put(match self.mode {
            Mode::Same => &name.value,
            Mode::ToRun { .. } => known,
        });
        let FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses }) = args else {
            return Err(unknown("this way to call a function"));
        };
        if !clauses.is_empty() {
            return Err(unknown("a clause among the arguments of a function"));
        }
        self.put("(");
        match duplicate_treatment {
            None => {}
            Some(DuplicateTreatment::Distinct) => self.put("DISTINCT "),
            Some(DuplicateTreatment::All) => return Err(unknown("ALL")),
        }
        self.list(args, |this, argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => this.expression(expression),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {
                this.put("*");
                Ok(())
            }
            _ => Err(unknown("this kind of argument")),
        })?;
        self.put(")");
        if let Some(condition) = filter {
            self.put(" FILTER (WHERE ");
            self.expression(condition)?;
            self.put(")");
        }
        match over {
            None => Ok(()),
            Some(WindowType::WindowSpec(window)) => self.window(window),
            Some(WindowType::NamedWindow(_)) => Err(unknown("a named window")),
        }
    }

    fn window(&mut self, window: &WindowSpec) -> Done {
        let WindowSpec { window_name: None, partition_by, order_by, window_frame } = window else {
            return Err(unknown("a named window"));
        };
        self.put(" OVER (");
        if !partition_by.is_empty() {
            self.put("PARTITION BY ");
            self.list(partition_by, Self::expression)?;
        }
        if !order_by.is_empty() {
            self.put(" ORDER BY ");
            self.list(order_by, Self::ordering)?;
        }
        if let Some(WindowFrame { units, start_bound, end_bound }) = window_frame {
            self.put(match units {
                WindowFrameUnits::Rows => " ROWS ",
                WindowFrameUnits::Range => " RANGE ",
                WindowFrameUnits::Groups => " GROUPS ",
            });
            match end_bound {
                None => self.bound(start_bound)?,
                Some(end) => {
                    self.put("BETWEEN ");
                    self.bound(start_bound)?;
                    self.put(" AND ");
                    self.bound(end)?;
                }
            }
        }
        self.put(")");
        Ok(())
    }

    fn bound(&mut self, bound: &WindowFrameBound) -> Done {
        let (distance, word) = match bound {
            WindowFrameBound::CurrentRow => {
                self.put("CURRENT ROW");
                return Ok(());
            }
            WindowFrameBound::Preceding(distance) => (distance, " PRECEDING"),
            WindowFrameBound::Following(distance) => (distance, " FOLLOWING"),
        };
        match distance {
            None => self.put("UNBOUNDED"),
            Some(distance) => self.expression(distance)?,
        }
        self.put(word);
        Ok(())
    }
}

fn binary(operator: &BinaryOperator) -> Result<&'static str, Refused> {
    Ok(match operator {
        BinaryOperator::Plus => " + ",
        BinaryOperator::Minus => " - ",
        BinaryOperator::Multiply => " * ",
        BinaryOperator::Divide => " / ",
        BinaryOperator::Modulo => " % ",
        BinaryOperator::StringConcat => " || ",
        BinaryOperator::Gt => " > ",
        BinaryOperator::Lt => " < ",
        BinaryOperator::GtEq => " >= ",
        BinaryOperator::LtEq => " <= ",
        BinaryOperator::Eq => " = ",
        BinaryOperator::NotEq => " <> ",
        BinaryOperator::And => " AND ",
        BinaryOperator::Or => " OR ",
        BinaryOperator::Glob => " GLOB ",
        BinaryOperator::LongArrow => " ->> ",
        _ => return Err(unknown("this operator")),
    })
}
