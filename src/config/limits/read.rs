//! Reads limits and budgets from tables, with the reason for what cannot be.

use std::collections::BTreeMap;

use super::{Algorithm, Budget, BudgetAction, BudgetPeriod, BudgetTerms, LimitSet, Limits, Scope};
use crate::{
    config::{
        fields::{Fields, Stated},
        report::{Report, did_you_mean},
        schema,
        tree::{Node, Value},
    },
    domain::Microcents,
};

/// Above any real number of requests or tokens, and small enough for all sums.
const MOST: u64 = 1_000_000_000_000;

/// Tables of `[limits]` that hold for each subject of a scope.
const EACH: [(Scope, &str); 5] = [
    (Scope::Key, "per_key"),
    (Scope::Project, "per_project"),
    (Scope::Source, "per_source"),
    (Scope::Provider, "per_provider"),
    (Scope::Model, "per_model"),
];

/// Tables of `[limits]` by the name of a subject.
const NAMED: [(Scope, &str); 2] = [(Scope::Source, "sources"), (Scope::Model, "models")];

/// `[limits]`
pub(in crate::config) fn limits(mut fields: Fields<'_>, report: &Report) -> Limits {
    let mut limits = Limits::default();
    for (scope, key) in EACH {
        let path = format!("limits.{key}");
        if let Some(node) = fields.node(key) {
            limits.each.push((scope, table(&path, node, report)));
        }
    }
    for (scope, key) in NAMED {
        let path = format!("limits.{key}");
        let Some(node) = fields.node(key) else { continue };
        let mut names = Fields::of(&path, node, report);
        for name in names.names() {
            if let Some(node) = names.node(&name) {
                limits.named.push((scope, name, table(&path, node, report)));
            }
        }
    }
    limits.global = set(&mut fields);
    limits
}

/// The `limits` of a provider, project or key; `path` is what messages call them.
pub(in crate::config) fn inner(fields: &mut Fields<'_>, path: &str, report: &Report) -> Option<LimitSet> {
    Some(table(path, fields.node("limits")?, report))
}

fn table(path: &str, node: Node, report: &Report) -> LimitSet {
    checked_set(Fields::of(path, node, report))
}

/// A set whose table is open.
pub(super) fn checked_set(mut fields: Fields<'_>) -> LimitSet {
    fields.only_keys(&schema::LIMIT_KEYS, &[]);
    set(&mut fields)
}

fn set(fields: &mut Fields<'_>) -> LimitSet {
    let mut set = LimitSet {
        algorithm: word(fields, "algorithm", Algorithm::parse, &Algorithm::ALL.map(Algorithm::as_str))
            .unwrap_or_default(),
        ..LimitSet::default()
    };
    for (unit, period, key) in LimitSet::AMOUNTS {
        set.set_amount(unit, period, fields.number(key, 1..=MOST));
    }
    for (unit, key) in LimitSet::BURSTS {
        let place = fields.place_of(key);
        let Some(burst) = fields.number(key, 1..=MOST) else { continue };
        let is_limited =
            LimitSet::AMOUNTS.iter().any(|(of, period, _)| *of == unit && set.amount(unit, *period).is_some());
        if set.algorithm == Algorithm::SlidingWindow {
            fields.error_at(&place, key, "belongs to algorithm = \"token_bucket\"; a sliding window has none");
        } else if !is_limited {
            fields.error_at(&place, key, format_args!("bounds nothing; give a limit of {} as well", unit.as_str()));
        }
        set.set_burst(unit, Some(burst));
    }
    set
}

/// One of a few words.
fn word<T>(fields: &mut Fields<'_>, key: &str, parse: impl Fn(&str) -> Option<T>, words: &[&str]) -> Option<T> {
    let text = fields.text(key)?;
    let found = parse(&text.value);
    if found.is_none() {
        let hint = did_you_mean(&text.value, words.iter().copied());
        let right = if hint.is_empty() { format!("; write one of {}", words.join(", ")) } else { hint };
        fields.error_at(&text.place, key, format_args!("{} is not known{right}", text.quoted()));
    }
    found
}

/// `[[budgets]]`
pub(in crate::config) fn budgets(nodes: Vec<Node>, report: &Report) -> Vec<Budget> {
    let mut budgets: Vec<Budget> = Vec::new();
    for node in nodes {
        let mut fields = Fields::of("budgets", node, report);
        if let Some(section) = schema::section("budgets") {
            fields.only(section);
        }
        let name = name(&mut fields);
        if let Some(name) = name.as_ref().filter(|name| budgets.iter().any(|other| other.name == name.value)) {
            fields.error_at(&name.place, "name", format_args!("{} is used twice; choose another", name.quoted()));
        }
        let words = Scope::ALL.map(Scope::as_str);
        let scope = word(&mut fields, "scope", Scope::parse, &words).unwrap_or(Scope::Global);
        let subject = fields.text("subject");
        if let Some(subject) = subject.as_ref().filter(|_| scope == Scope::Global) {
            fields.error_at(&subject.place, "subject", "belongs to a scope; a global budget holds for all");
        }
        let terms = terms(&mut fields);
        if let (Some(name), Some(terms)) = (name, terms) {
            budgets.push(Budget { name: name.value, scope, subject: subject.map(|text| text.value), terms });
        }
    }
    budgets
}

fn name(fields: &mut Fields<'_>) -> Option<Stated<String>> {
    if !fields.has("name") {
        fields.error("name", "is missing; write for example name = \"all\"");
    }
    let name = fields.text("name")?;
    let is_name =
        name.value.len() <= 64 && name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !is_name {
        let what = format!("{} is no name; write letters, digits, \".\", \"_\" and \"-\"", name.quoted());
        fields.error_at(&name.place, "name", what);
    }
    is_name.then_some(name)
}

fn terms(fields: &mut Fields<'_>) -> Option<BudgetTerms> {
    for (key, right) in [("limit_usd", "limit_usd = 50"), ("period", "period = \"month\"")] {
        if !fields.has(key) {
            fields.error(key, format_args!("is missing; write for example {right}"));
        }
    }
    let limit = fields.price("limit_usd").and_then(|usd| {
        let microcents = usd.checked_mul(Microcents::PER_USD.into())?.round();
        i64::try_from(microcents.mantissa().checked_div(10_i128.checked_pow(microcents.scale())?)?).ok()
    });
    let period = word(fields, "period", BudgetPeriod::parse, &BudgetPeriod::ALL.map(BudgetPeriod::as_str));
    let time_zone = time_zone(fields);
    let place = fields.place_of("warn_at");
    let warn_at = fields.fraction("warn_at", 1.0).unwrap_or(0.8);
    if warn_at <= 0.0 {
        fields.error_at(&place, "warn_at", "would always warn; write a share above 0, such as 0.8");
    }
    let action = word(fields, "action", BudgetAction::parse, &BudgetAction::ALL.map(BudgetAction::as_str));
    let require_price = fields.flag("require_price").unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1, in thousandths")]
    let warn_at_permille = (warn_at * 1e3).round() as u16;
    Some(BudgetTerms {
        limit: Microcents(limit?),
        period: period?,
        time_zone,
        warn_at_permille,
        action: action.unwrap_or_default(),
        require_price,
    })
}

fn time_zone(fields: &mut Fields<'_>) -> String {
    let Some(name) = fields.text("time_zone") else { return "UTC".to_owned() };
    if jiff::tz::TimeZone::get(&name.value).is_err() {
        let what = format!("{} is not a time zone; write its IANA name, such as \"Europe/Berlin\"", name.quoted());
        fields.error_at(&name.place, "time_zone", what);
    }
    name.value
}

/// The `budgets` of a key: a list of terms.
pub(in crate::config) fn budget_items(fields: &mut Fields<'_>, path: &str, report: &Report) -> Vec<BudgetTerms> {
    let Some(node) = fields.node("budgets") else { return Vec::new() };
    let Value::List(items) = node.value else {
        report.error(&node.place, path, format_args!("is {}; write [[{path}]]", node.value.kind()));
        return Vec::new();
    };
    items.into_iter().filter_map(|item| checked_terms(Fields::of(path, item, report))).collect()
}

/// Terms whose table is open.
pub(super) fn checked_terms(mut fields: Fields<'_>) -> Option<BudgetTerms> {
    fields.only_keys(&schema::BUDGET_KEYS, &[]);
    terms(&mut fields)
}

/// The `metadata` of a key: the operator's own words about it, which nothing here reads.
pub(in crate::config) fn metadata(fields: &mut Fields<'_>, path: &str, report: &Report) -> BTreeMap<String, String> {
    let Some(node) = fields.node("metadata") else { return BTreeMap::new() };
    let mut words = Fields::of(path, node, report);
    words.names().into_iter().filter_map(|name| Some((name.clone(), words.text_or_empty(&name)?.value))).collect()
}
