//! Recall and precision over samples, kind by kind, and the document that tells them.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{negatives, positives, *};

/// Samples of each template.
const ROUNDS: usize = 6;
const LINE_ROUNDS: usize = 16;

/// What may stand around a token.
const AROUND: [(&str, &str); 8] = [
    ("", ""),
    ("export KEY=", "\n"),
    ("{\"value\": \"", "\"}"),
    ("Please use ", " for this, thanks!"),
    ("config:\n  item: '", "'\n"),
    ("我的密钥是", "。"),
    ("log: \\n", "\\n done"),
    ("`", "`"),
];

/// Kind, text and the place of the sample in it.
fn samples() -> Vec<(&'static str, String, std::ops::Range<usize>)> {
    let mut random = StdRng::seed_from_u64(0x5a17);
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        for (number, (kind, template)) in positives::TOKENS.iter().enumerate() {
            let (before, after) = AROUND[(round + number) % AROUND.len()];
            let token = positives::expand(template, &mut random);
            all.push((*kind, format!("{before}{token}{after}"), before.len()..before.len() + token.len()));
        }
        let named = positives::NAMED.iter().map(|(kind, template)| (*kind, fill(template, &mut random)));
        let named: Vec<_> = named.collect();
        for (kind, marked) in named.into_iter().chain(positives::checked(&mut random)) {
            let (text, range) = unmarked(&marked);
            all.push((kind, text, range));
        }
    }
    all
}

/// Expands a template, whose braces of JSON are no fields.
fn fill(template: &str, random: &mut StdRng) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let is_field = rest[at + 1..].split_once('}').is_some_and(|(field, _)| {
            field.split_once(':').is_some_and(|(count, class)| {
                class.len() == 1 && !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
            })
        });
        let end = if is_field { at + 1 + rest[at + 1..].find('}').unwrap() + 1 } else { at + 1 };
        out.push_str(&rest[..at]);
        out.push_str(&if is_field { positives::expand(&rest[at..end], random) } else { "{".to_owned() });
        rest = &rest[end..];
    }
    out + rest
}

fn lines() -> Vec<String> {
    let mut random = StdRng::seed_from_u64(0x11e5);
    let template = |_| negatives::LINES.iter();
    let mut lines: Vec<_> = (0..LINE_ROUNDS).flat_map(template).map(|line| fill(line, &mut random)).collect();
    // The same in running text, so that one line stands near another.
    for _ in 0..60 {
        let some: Vec<_> = (0..4)
            .map(|_| fill(negatives::LINES[random.random_range(0..negatives::LINES.len())], &mut random))
            .collect();
        lines.push(some.join("\n"));
    }
    lines
}

#[derive(Default)]
struct Tally {
    samples: usize,
    found: usize,
    alarms: usize,
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

fn measure() -> (BTreeMap<String, Tally>, Vec<String>) {
    let rules = RuleSet::compile(&everything(Action::Redact)).unwrap();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut notes = Vec::new();
    for (kind, text, range) in samples() {
        let found = scan(&rules, &text);
        let tally = tallies.entry(kind.to_owned()).or_default();
        tally.samples += 1;
        // A URL's scheme, an escaped line end behind: the match may be a little narrower than the sample.
        let is_hit = |one: &Match| {
            &**one.rule.kind() == kind && one.range.start <= range.start + 8 && one.range.end + 2 >= range.end
        };
        if found.iter().any(is_hit) {
            tally.found += 1;
        } else {
            notes.push(format!("missed {kind}: {text:?}, found {:?}", names(&found, &text)));
        }
        for other in found.iter().filter(|one| one.range.end <= range.start || one.range.start >= range.end) {
            // The announced address of the network sample is a second one.
            if !(kind == "IP_ADDRESS" && &**other.rule.kind() == kind) {
                tallies.entry(other.rule.kind().to_string()).or_default().alarms += 1;
                notes.push(format!("false alarm {} in {text:?}", other.rule.kind()));
            }
        }
    }
    for line in lines() {
        for one in scan(&rules, &line) {
            tallies.entry(one.rule.kind().to_string()).or_default().alarms += 1;
            notes.push(format!("false alarm {} {:?} in {line:?}", one.rule.id(), &line[one.range.clone()]));
        }
    }
    (tallies, notes)
}

fn names(found: &[Match], text: &str) -> Vec<String> {
    found.iter().map(|one| format!("{}={}", one.rule.id(), &text[one.range.clone()])).collect()
}

#[test]
fn recall_is_97_percent_and_precision_95_percent_at_least() {
    let (tallies, notes) = measure();
    println!("{}", table(&tallies));
    println!("{}", notes.join("\n"));
    let sum = |part: fn(&Tally) -> usize| tallies.values().map(part).sum::<usize>();
    let (samples, found, alarms) = (sum(|one| one.samples), sum(|one| one.found), sum(|one| one.alarms));
    assert!(samples >= 400 && lines().len() >= 1000, "{samples} samples, {} lines", lines().len());
    assert!(share(found, samples) >= 0.97, "recall {found} of {samples}");
    assert!(share(found, found + alarms) >= 0.95, "precision {found} of {}", found + alarms);
    for (kind, tally) in &tallies {
        assert!(share(tally.found, tally.samples) >= 0.8, "{kind}: {} of {}", tally.found, tally.samples);
    }
}

/// Of what models and gateways send all the time nothing is taken for a secret.
#[test]
fn signatures_encrypted_reasoning_call_ids_and_base64_are_no_findings() {
    let rules = RuleSet::compile(&everything(Action::Redact)).unwrap();
    for line in lines().iter().filter(|line| {
        ["call_", "toolu_", "msg_", "ignature\"", "encrypted_content", "chatcmpl-", "base64,", "sha512-", "resp_"]
            .iter()
            .any(|mark| line.contains(mark))
    }) {
        let found = scan(&rules, line);
        assert!(found.is_empty(), "{line}: {:?}", names(&found, line));
    }
}

fn table(tallies: &BTreeMap<String, Tally>) -> String {
    let mut out = String::from(
        "| kind | samples | found | recall | false alarms | precision |\n|---|---:|---:|---:|---:|---:|\n",
    );
    let mut row = |name: &str, one: &Tally| {
        let (recall, precision) =
            (share(one.found, one.samples) * 100.0, share(one.found, one.found + one.alarms) * 100.0);
        writeln!(
            out,
            "| {name} | {} | {} | {recall:.1} % | {} | {precision:.1} % |",
            one.samples, one.found, one.alarms
        )
        .unwrap();
    };
    let mut all = Tally::default();
    for (kind, tally) in tallies {
        row(&format!("`{kind}`"), tally);
        all.samples += tally.samples;
        all.found += tally.found;
        all.alarms += tally.alarms;
    }
    row("**all**", &all);
    out
}

/// `UPDATE_SANITIZER=1 cargo test --lib sanitize::` writes the document anew.
#[test]
fn the_document_lists_every_rule_and_tells_the_figures() {
    let (tallies, _) = measure();
    let mut rules = String::from("| rule | kind | category | finds | described in |\n|---|---|---|---|---|\n");
    for rule in all_rules() {
        writeln!(
            rules,
            "| `{}` | `{}` | {} | {} | {} |",
            rule.id,
            rule.kind,
            rule.category.as_str(),
            rule.finds,
            rule.source
        )
        .unwrap();
    }
    let text = include_str!("document.md")
        .replace("<!-- rules -->\n", &rules)
        .replace("<!-- figures -->\n", &table(&tallies))
        .replace("<!-- lines -->", &lines().len().to_string());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sanitizer.md");
    if std::env::var_os("UPDATE_SANITIZER").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/sanitizer.md is stale: UPDATE_SANITIZER=1 cargo test --lib sanitize::");
}
