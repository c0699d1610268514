//! The reading: each part of the form in words, where it was read, and the form without it.

use super::{Chip, ChipKind, Choice, Order, OrderBy, QuerySpec, draft::Draft, texts};

/// One chip for each part of the form.
pub(super) fn chips(spec: &QuerySpec, draft: &Draft<'_>) -> Vec<Chip> {
    let mut chips = Vec::new();
    let mut add = |kind, text: String, assumed: bool, without: Option<QuerySpec>| {
        let span = draft.spans.get(&text).copied();
        let without = without.filter(|spec| spec.check().is_ok()).map(Box::new);
        chips.push(Chip { kind, text, span, assumed, without, instead: Vec::new() });
    };
    for (at, measure) in spec.measures.iter().enumerate() {
        let mut without = spec.clone();
        without.measures.remove(at);
        without.order = without.order.filter(|order| order.by != OrderBy::Measure(*measure));
        add(ChipKind::Measure, texts::measure(*measure), false, Some(without));
    }
    for (at, dimension) in spec.dimensions.iter().enumerate() {
        let mut without = spec.clone();
        without.dimensions.remove(at);
        if without.dimensions.is_empty() {
            (without.order, without.limit, without.first) = (None, None, false);
            without.having.clear();
        }
        without.cumulative &= without.grain().is_some();
        add(ChipKind::Breakdown, format!("by {}", texts::dimension(dimension)), false, Some(without));
    }
    for (at, filter) in spec.filters.iter().enumerate() {
        let mut without = spec.clone();
        without.filters.remove(at);
        add(ChipKind::Filter, texts::filter(filter), false, Some(without));
    }
    for (at, filter) in spec.share.iter().flat_map(|share| &share.part).enumerate() {
        let mut without = spec.clone();
        if let Some(share) = &mut without.share {
            share.part.remove(at);
        }
        add(ChipKind::Filter, texts::filter(filter), false, Some(without));
    }
    for (at, bound) in spec.share.iter().flat_map(|share| &share.bounds).enumerate() {
        let mut without = spec.clone();
        if let Some(share) = &mut without.share {
            share.bounds.remove(at);
        }
        add(ChipKind::Bound, texts::bound(bound), false, Some(without));
    }
    for (at, bound) in spec.row_bounds.iter().enumerate() {
        let mut without = spec.clone();
        without.row_bounds.remove(at);
        add(ChipKind::Bound, texts::bound(bound), false, Some(without));
    }
    for (at, bound) in spec.having.iter().enumerate() {
        let mut without = spec.clone();
        without.having.remove(at);
        add(ChipKind::Bound, texts::bound(bound), false, Some(without));
    }
    let without = (!spec.window.assumed).then(|| QuerySpec {
        window: draft.assumed_window(),
        compare: None,
        drivers: false,
        ..spec.clone()
    });
    let window = chips_window(spec);
    add(ChipKind::Window, window, spec.window.assumed, without.filter(|_| spec.compare.is_none()));
    if let Some(compare) = &spec.compare {
        let mut without = QuerySpec { compare: None, drivers: false, ..spec.clone() };
        without.order = without.order.filter(|order| order.by != OrderBy::Change);
        add(ChipKind::Compare, format!("vs {}", compare.label), false, Some(without));
    }
    shape_chips(spec, draft, &mut chips);
    let window = format!("window {}", spec.window.label);
    for chip in chips.iter_mut().filter(|chip| chip.kind == ChipKind::Window) {
        chip.span = draft.spans.get(&window).copied();
    }
    for (filter, instead) in &draft.choices {
        let mut switched = spec.clone();
        let place = switched.filters.iter_mut().find(|other| *other == filter);
        if let Some(place) = place {
            *place = instead.clone();
            let text = texts::filter(instead);
            if switched.check().is_ok()
                && let Some(chip) = chips.iter_mut().find(|chip| chip.text == texts::filter(filter))
            {
                chip.instead.push(Choice { text, spec: Box::new(switched) });
            }
        }
    }
    chips
}

fn chips_window(spec: &QuerySpec) -> String {
    spec.window.label.clone()
}

fn shape_chips(spec: &QuerySpec, draft: &Draft<'_>, chips: &mut Vec<Chip>) {
    let mut add = |text: String, source: &str, without: QuerySpec| {
        let span = draft.spans.get(source).copied();
        let without = Some(without).filter(|spec| spec.check().is_ok()).map(Box::new);
        let chip = Chip { kind: ChipKind::Shape, text, span, assumed: span.is_none(), without, instead: Vec::new() };
        chips.push(chip);
    };
    if let Some(order) = &spec.order {
        add(order_text(order), "order", QuerySpec { order: None, first: false, ..spec.clone() });
    }
    if let Some(limit) = spec.limit {
        add(format!("at most {limit} rows"), "limit", QuerySpec { limit: None, ..spec.clone() });
    }
    if spec.share.is_some() {
        add("as a share".to_owned(), "share", QuerySpec { share: None, ..spec.clone() });
    }
    if spec.cumulative {
        add("running total".to_owned(), "cumulative", QuerySpec { cumulative: false, ..spec.clone() });
    }
}

fn order_text(order: &Order) -> String {
    let by = match &order.by {
        OrderBy::Measure(measure) => texts::measure(*measure),
        OrderBy::Dimension(dimension) => texts::dimension(dimension),
        OrderBy::Time => return if order.descending { "newest first" } else { "oldest first" }.to_owned(),
        OrderBy::Change => "change".to_owned(),
    };
    format!("by {by}, {} first", if order.descending { "largest" } else { "smallest" })
}
