//! What the demo's sanitizer is told to do, what it found in the history, and what it finds in live traffic.

use std::sync::Arc;

use crate::domain::{Action, Category, Direction, Endpoint, Finding};

use super::{dice::Dice, workload::Workload};

/// The sanitizer of the demo's configuration.
pub(super) const SETTINGS: &str = "
[sanitization]
enabled = true
[sanitization.actions]
credentials = \"redact\"
email = \"mask\"
[[sanitization.patterns]]
name = \"customer_id\"
pattern = 'CUST-[0-9]{6}'
action = \"log\"
";

/// Share of the requests in which something is found.
const SHARE: f64 = 0.04;

/// What is found: rule, kind, category, action, text of a prompt that has it, how often.
const FOUND: [(&str, &str, Category, Action, &str, f64); 3] = [
    ("email", "EMAIL", Category::Pii, Action::Mask, " Write the answer to maria.lopez@harbor-mail.net.", 6.0),
    ("customer_id", "CUSTOMER_ID", Category::Custom, Action::Log, " It is about customer CUST-204117.", 3.0),
    (
        "openai_api_key",
        "OPENAI_KEY",
        Category::Credentials,
        Action::Redact,
        // Made up, of the right form.
        " The script has OPENAI_API_KEY=sk-proj-9vQ2mX7Lr4TbY8nWc3Kd6ZpH1sJf5GaUe0RoPtDiBqMxVyNw in it.",
        1.0,
    ),
];

/// The findings of one request of the history, mostly none.
pub(super) fn in_history(dice: &mut Dice, workload: &Workload) -> Vec<Finding> {
    let place = match workload.endpoint {
        Endpoint::ChatCompletions => "messages[1].content",
        Endpoint::Messages => "messages[0].content",
        Endpoint::Responses => "input",
        _ => return Vec::new(),
    };
    let Some((rule, kind, category, action, ..)) = draw(dice) else { return Vec::new() };
    vec![Finding {
        direction: Direction::Request,
        rule: Arc::from(rule),
        kind: Arc::from(kind),
        category,
        place: Arc::from(place),
        action,
        count: if dice.chance(0.2) { 2 } else { 1 },
    }]
}

/// What a live prompt ends with, mostly nothing.
pub(super) fn in_traffic(dice: &mut Dice) -> &'static str {
    draw(dice).map_or("", |(.., text)| text)
}

type Found = (&'static str, &'static str, Category, Action, &'static str);

fn draw(dice: &mut Dice) -> Option<Found> {
    if !dice.chance(SHARE) {
        return None;
    }
    let weighted =
        FOUND.map(|(rule, kind, category, action, text, weight)| ((rule, kind, category, action, text), weight));
    dice.weigh(&weighted).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, sanitize::RuleSet};

    #[test]
    fn the_demo_finds_in_its_traffic_what_its_history_tells() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.toml"), SETTINGS).unwrap();
        let options =
            config::LoadOptions { working_dir: directory.path().to_owned(), ..config::LoadOptions::default() };
        let rules = RuleSet::compile(&config::load(&options).unwrap().sanitization).unwrap();
        for (rule, kind, category, action, text, _) in FOUND {
            let mut matches = Vec::new();
            rules.scan(Direction::Request, text, 0, true, &mut matches);
            let found: Vec<_> = matches
                .iter()
                .map(|found| (&**found.rule.id(), &**found.rule.kind(), found.rule.category(), found.action))
                .collect();
            assert_eq!(found, [(rule, kind, category, action)], "{text}");
        }
    }
}
