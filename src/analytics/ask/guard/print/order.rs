//! In which order, and how many.

use std::fmt::Write as _;

use sqlparser::ast::{
    Expr, LimitClause, Offset, OffsetRows, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Value as Literal,
};

use super::{Done, Printer, Refused, unknown};
use crate::analytics::ask::guard::ROWS_ASKED;

impl Printer<'_> {
    pub(super) fn order_by(&mut self, order_by: &OrderBy) -> Done {
        let OrderBy { kind: OrderByKind::Expressions(by), interpolate: None } = order_by else {
            return Err(unknown("this kind of ORDER BY"));
        };
        self.put(" ORDER BY ");
        self.list(by, Self::ordering)
    }

    pub(super) fn ordering(&mut self, by: &OrderByExpr) -> Done {
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

    pub(super) fn limit(&mut self, clause: Option<&LimitClause>, is_outermost: bool) -> Done {
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
            if limit.is_none() || *rows != OffsetRows::None {
                return Err(Refused::new("write LIMIT n OFFSET m"));
            }
            let _ = write!(self.sql, " OFFSET {skipped}");
        }
        Ok(())
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
