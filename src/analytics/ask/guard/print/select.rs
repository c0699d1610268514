//! What stands between SELECT and HAVING.

use sqlparser::ast::{
    Distinct, GroupByExpr, Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};

use super::{Done, Printer, one_part, unknown};

impl Printer<'_> {
    pub(super) fn select(&mut self, select: &Select) -> Done {
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
