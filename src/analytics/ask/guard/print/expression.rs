//! The expressions that may stand in a query.

use std::fmt::Write as _;

use sqlparser::ast::{BinaryOperator, CaseWhen, CastKind, DataType, Expr, Ident, UnaryOperator, Value as Literal};

use super::{Done, Mode, Printer, Refused, Value, unknown};

impl Printer<'_> {
    /// Any expression, one level deeper.
    pub(super) fn expression(&mut self, expression: &Expr) -> Done {
        self.nested(|this| this.any(expression))
    }

    fn any(&mut self, expression: &Expr) -> Done {
        match expression {
            Expr::Identifier(name) => self.name(name),
            Expr::CompoundIdentifier(parts) => self.column(parts),
            Expr::Value(value) => self.literal(&value.value),
            Expr::Nested(inner) => self.inside("(", |this| this.expression(inner)),
            Expr::Tuple(parts) => self.inside("(", |this| this.list(parts, Self::expression)),
            Expr::Subquery(query) => self.inside("(", |this| this.query(query, false)),
            Expr::Exists { subquery, negated } => {
                self.inside(if *negated { "NOT EXISTS (" } else { "EXISTS (" }, |this| this.query(subquery, false))
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
                self.expression(expr)?;
                self.inside(among(*negated), |this| this.list(list, Self::expression))
            }
            Expr::InSubquery { expr, subquery, negated } => {
                self.expression(expr)?;
                self.inside(among(*negated), |this| this.query(subquery, false))
            }
            Expr::Between { expr, negated, low, high } => {
                self.after(expr, if *negated { " NOT BETWEEN " } else { " BETWEEN " })?;
                self.between(low, " AND ", high)
            }
            Expr::BinaryOp { left, op, right } => self.between(left, binary(op)?, right),
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.between(expr, if *negated { " NOT LIKE " } else { " LIKE " }, pattern)?;
                let Some(letter) = escape_char else { return Ok(()) };
                self.put(" ESCAPE ");
                self.expression(letter)
            }
            Expr::UnaryOp { op, expr } => {
                self.put(unary(op)?);
                self.expression(expr)
            }
            Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None } => {
                let to = cast_type(data_type)?;
                self.put("CAST(");
                self.expression(expr)?;
                let _ = write!(self.sql, " AS {to})");
                Ok(())
            }
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            // `special` and `shorthand` are how the parser marks `substr(text, from, length)`.
            Expr::Substring { expr, substring_from, substring_for, special: true, shorthand: true } => {
                let more = [substring_from, substring_for].into_iter().flatten();
                self.inside("SUBSTR(", |this| this.arguments(expr, more.map(|part| &**part)))
            }
            Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters } => {
                self.inside("TRIM(", |this| this.arguments(expr, trim_characters.iter().flatten()))
            }
            Expr::Function(function) => self.function(function),
            _ => Err(unknown("this kind of expression")),
        }
    }

    /// A column, maybe of a table.
    fn column(&mut self, parts: &[Ident]) -> Done {
        let [table, column] = parts else { return Err(unknown("a name of three parts")) };
        self.name(table)?;
        self.put(".");
        self.name(column)
    }

    /// What stands between an opening text, which ends with a parenthesis, and the closing one.
    fn inside(&mut self, opening: &str, inner: impl FnOnce(&mut Self) -> Done) -> Done {
        self.put(opening);
        inner(self)?;
        self.put(")");
        Ok(())
    }

    fn arguments<'e>(&mut self, first: &Expr, more: impl Iterator<Item = &'e Expr>) -> Done {
        self.expression(first)?;
        for argument in more {
            self.put(", ");
            self.expression(argument)?;
        }
        Ok(())
    }

    fn case(&mut self, operand: Option<&Expr>, conditions: &[CaseWhen], otherwise: Option<&Expr>) -> Done {
        self.put("CASE");
        if let Some(operand) = operand {
            self.put(" ");
            self.expression(operand)?;
        }
        for CaseWhen { condition, result } in conditions {
            self.put(" WHEN ");
            self.between(condition, " THEN ", result)?;
        }
        if let Some(otherwise) = otherwise {
            self.put(" ELSE ");
            self.expression(otherwise)?;
        }
        self.put(" END");
        Ok(())
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
}

const fn among(negated: bool) -> &'static str {
    if negated { " NOT IN (" } else { " IN (" }
}

fn cast_type(to: &DataType) -> Result<&'static str, Refused> {
    Ok(match to {
        DataType::Integer(None) => "INTEGER",
        DataType::Int(None) => "INT",
        DataType::Real => "REAL",
        DataType::Text => "TEXT",
        _ => return Err(Refused::new("cast to INTEGER, REAL or TEXT")),
    })
}

fn unary(operator: &UnaryOperator) -> Result<&'static str, Refused> {
    Ok(match operator {
        UnaryOperator::Minus => "- ",
        UnaryOperator::Plus => "+ ",
        UnaryOperator::Not => "NOT ",
        _ => return Err(unknown("this operator")),
    })
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
