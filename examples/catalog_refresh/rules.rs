//! Translates the match rules of genai-prices into the catalog's; never into less or more than they say.

use super::Fallible;

/// Takes a rule's plain names apart from the patterns, so that names can be looked up in a map.
pub(super) fn split_rule(source: &serde_json::Value) -> Fallible<(Vec<String>, Option<serde_json::Value>)> {
    let rule = rule(source)?;
    let alternatives = match rule.get("any") {
        Some(serde_json::Value::Array(rules)) => rules.clone(),
        _ => vec![rule],
    };
    let (mut is, mut like) = (Vec::new(), Vec::new());
    for rule in alternatives {
        match rule.get("is").and_then(|name| name.as_str()) {
            Some(name) => is.push(name.to_owned()),
            None => like.push(rule),
        }
    }
    let like = if like.len() > 1 { Some(serde_json::json!({ "any": like })) } else { like.pop() };
    Ok((is, like))
}

/// Translates a match rule; regular expressions become plain patterns, so that the binary needs no engine.
pub(super) fn rule(source: &serde_json::Value) -> Fallible<serde_json::Value> {
    let object = source.as_object().filter(|object| object.len() == 1).ok_or("a rule has one key")?;
    let (key, value) = object.iter().next().ok_or("a rule has one key")?;
    if let Some(rules) = value.as_array() {
        let rules = rules.iter().map(rule).collect::<Fallible<Vec<_>>>()?;
        let name = if key == "or" { "any" } else { "all" };
        return Ok(serde_json::json!({ name: rules }));
    }
    let text = value.as_str().ok_or("a rule's value is a text or a list")?;
    let folded = text.to_lowercase();
    Ok(match key.as_str() {
        "equals" => serde_json::json!({ "is": folded }),
        "starts_with" => serde_json::json!({ "starts": folded }),
        "ends_with" => serde_json::json!({ "ends": folded }),
        "contains" => serde_json::json!({ "contains": folded }),
        "regex" => regex(text)?,
        other => return Err(format!("new rule {other}").into()),
    })
}

fn regex(pattern: &str) -> Fallible<serde_json::Value> {
    if pattern == r"^(?!.*-[tT][tT][sS](?:$|-))" {
        return Ok(serde_json::json!({ "without_part": "tts" }));
    }
    if pattern.contains("(?:mi|code|dev|magi|mini)stral|mixtral|pixtral|voxtral|open-(?:mistral|mixtral)") {
        let names = "mistral codestral devstral magistral ministral mixtral pixtral voxtral open-mistral open-mixtral";
        let names = names.split(' ').flat_map(|name| [name.to_owned(), format!("labs-{name}")]);
        let rules: Vec<_> = names.map(|name| serde_json::json!({ "starts": name })).collect();
        return Ok(serde_json::json!({ "any": rules }));
    }
    let mut shapes = shapes(pattern).ok_or_else(|| format!("cannot translate the regular expression {pattern}"))?;
    let as_rule = |shape: String| {
        let prefix = shape.strip_suffix('*').filter(|prefix| !prefix.contains('#'));
        match prefix {
            Some(prefix) => serde_json::json!({ "starts": prefix }),
            None if shape.contains('#') => serde_json::json!({ "shape": shape }),
            None => serde_json::json!({ "is": shape }),
        }
    };
    if shapes.len() == 1 {
        return Ok(as_rule(shapes.remove(0)));
    }
    Ok(serde_json::json!({ "any": shapes.into_iter().map(as_rule).collect::<Vec<_>>() }))
}

/// The shapes that an anchored expression of literals, `\d`, `\d{n}` and `[abc]` stands for: `#` is a digit,
/// a final `*` is anything.
fn shapes(pattern: &str) -> Option<Vec<String>> {
    let pattern = pattern.strip_prefix('^')?;
    let (pattern, open) = pattern.strip_suffix('$').map_or((pattern, true), |closed| (closed, false));
    let mut shapes = vec![String::new()];
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        let choices: Vec<String> = match character {
            '\\' => match characters.next()? {
                'd' if characters.next_if_eq(&'{').is_some() => {
                    let count: String = characters.by_ref().take_while(|c| *c != '}').collect();
                    vec!["#".repeat(count.parse().ok()?)]
                }
                'd' => vec!["#".into()],
                literal if !literal.is_alphanumeric() => vec![literal.into()],
                _ => return None,
            },
            '[' => characters.by_ref().take_while(|c| *c != ']').map(String::from).collect(),
            literal if !"(){}|*+?.^$#".contains(literal) => vec![literal.into()],
            _ => return None,
        };
        shapes = shapes.iter().flat_map(|shape| choices.iter().map(move |choice| format!("{shape}{choice}"))).collect();
    }
    Some(shapes.into_iter().map(|shape| if open { shape + "*" } else { shape }).collect())
}
