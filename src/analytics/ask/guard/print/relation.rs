//! What stands in FROM: views, tables of one's own, queries, and how they are joined.

use sqlparser::ast::{Ident, Join, JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins};

use super::{Done, Mode, Printer, Refused, one_part, shown, unknown};
use crate::analytics::ask::{guard::view_names, views};

impl Printer<'_> {
    pub(super) fn joined(&mut self, table: &TableWithJoins) -> Done {
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

    pub(super) fn own_table(&mut self, name: &Ident) -> Done {
        match self.mode {
            Mode::Same => self.name(name),
            Mode::ToRun { token } => {
                let mut renamed = name.clone();
                renamed.value = format!("own_{token}_{}", name.value);
                self.name(&renamed)
            }
        }
    }
}
