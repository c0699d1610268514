//! Calls of functions, and the windows that they look through.

use sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, WindowFrame,
    WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::{Done, Mode, Printer, Refused, one_part, shown, unknown};
use crate::analytics::ask::views;

impl Printer<'_> {
    pub(super) fn function(&mut self, function: &Function) -> Done {
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
