//! Reads YAML 1.2 (core schema) into the tree that TOML and JSON become.
//!
//! Never grows without bound: aliases are expanded up to a number of values, nesting up to a depth. What a text means
//! does not depend on the reader's taste: `no` and `off` are words, a key that is stated twice is refused, and so are
//! tags that ask for more than data.

use std::{collections::HashMap, sync::Arc};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{
    report::{Place, Report},
    tree::{Node, Table, Value, path_of},
};

/// Deepest nesting; no key lies half as deep.
const MAX_DEPTH: usize = 32;

/// Most values in one file, those that aliases repeat included.
const MAX_VALUES: usize = 100_000;

/// Reads one YAML document whose top is a mapping; what is wrong goes to the report, each with its line.
pub(super) fn from_yaml(file: &Arc<str>, text: &str, report: &Report) -> Table {
    let mut reader = Reader { events: Parser::new_from_str(text), file, report, anchors: HashMap::new(), values: 0 };
    match reader.document() {
        Ok(table) => table,
        Err(Stop { line, what }) => {
            report.error(&Place::Line(Arc::clone(file), line), "", what);
            Table::default()
        }
    }
}

/// Why nothing more can be read.
struct Stop {
    line: usize,
    what: String,
}

impl Stop {
    fn at(span: &Span, what: impl Into<String>) -> Self {
        Self { line: span.start.line(), what: what.into() }
    }
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        // The parser's words are about syntax and quote no value.
        Self { line: error.marker().line(), what: format!("{}; fix the YAML syntax", error.info()) }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    file: &'a Arc<str>,
    report: &'a Report,
    /// What was anchored, and how many values it is made of.
    anchors: HashMap<usize, (Node, usize)>,
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next() {
            Some(event) => Ok(event?),
            None => Err(Stop { line: 0, what: "ends too early; fix the YAML syntax".to_owned() }),
        }
    }

    fn place(&self, span: &Span) -> Place {
        Place::Line(Arc::clone(self.file), span.start.line())
    }

    fn document(&mut self) -> Result<Table, Stop> {
        let mut root = Table::default();
        let mut documents = 0;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(Stop::at(&span, "a second document begins here; keep one to a file"));
                    }
                }
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                event => {
                    let node = self.node(event, &span, "", 0)?;
                    match node.value {
                        Value::Table(table) => root = table,
                        Value::Null => {}
                        other => {
                            let what = format!("is {}; write sections such as `server:` and their keys", other.kind());
                            return Err(Stop::at(&span, what));
                        }
                    }
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, path: &str, depth: usize) -> Result<Node, Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::at(span, format!("nests more than {MAX_DEPTH} deep; write it flatter")));
        }
        let before = self.values;
        self.count(1, span)?;
        let place = self.place(span);
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, tag.as_deref(), span)?, anchor),
            Event::SequenceStart(anchor, tag) => {
                only_data(tag.as_deref(), "seq", span)?;
                (self.list(path, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                only_data(tag.as_deref(), "map", span)?;
                (Value::Table(self.table(path, depth)?), anchor)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(Stop::at(span, "an alias stands inside of what it repeats; write the values out"));
                };
                self.count(size, span)?;
                return Ok(Node { place, ..node });
            }
            _ => return Err(Stop::at(span, "is no value; fix the YAML syntax")),
        };
        let node = Node { value, place, from_env: false };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), self.values - before));
        }
        Ok(node)
    }

    fn count(&mut self, values: usize, span: &Span) -> Result<(), Stop> {
        self.values = self.values.saturating_add(values);
        if self.values > MAX_VALUES {
            let what = format!("holds more than {MAX_VALUES} values, aliases written out; repeat less");
            return Err(Stop::at(span, what));
        }
        Ok(())
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, &span, path, depth + 1)?),
            }
        }
    }

    fn table(&mut self, path: &str, depth: usize) -> Result<Table, Stop> {
        let mut table = Table::default();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let (key, is_plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, style, 0, None) => (key.into_owned(), style == ScalarStyle::Plain),
                _ => return Err(Stop::at(&span, "a key is not a plain text; write `key: value`")),
            };
            let place = self.place(&span);
            let inner = path_of(path, &key);
            let (event, value_span) = self.next()?;
            let mut node = self.node(event, &value_span, &inner, depth + 1)?;
            if is_plain && key == "<<" {
                merged.push((node, span));
                continue;
            }
            if let Some((_, first, _)) = table.entries.iter().find(|(other, ..)| *other == key) {
                self.report.error(&place, &inner, format_args!("is stated at {first} already; keep one of them"));
                continue;
            }
            // What is wrong with a value is told where its key stands.
            node.place = place.clone();
            table.entries.push((key, place, node));
        }
        for (node, span) in merged {
            merge(&mut table, node, &span)?;
        }
        Ok(table)
    }
}

/// `<<: *base`: what the other mapping, or each of a list of them, states and this one does not.
fn merge(table: &mut Table, node: Node, span: &Span) -> Result<(), Stop> {
    let sources = match node.value {
        Value::List(items) => items,
        value => vec![Node { value, ..node }],
    };
    for source in sources {
        let Value::Table(source) = source.value else {
            return Err(Stop::at(span, "`<<` takes a mapping or a list of them; write `<<: *name`"));
        };
        let missing: Vec<_> = source.entries.into_iter().filter(|(key, ..)| table.get(key).is_none()).collect();
        table.entries.extend(missing);
    }
    Ok(())
}

/// Refuses tags that name another type than the one that stands there.
fn only_data(tag: Option<&Tag>, kind: &str, span: &Span) -> Result<(), Stop> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == kind) => Err(unknown_tag(span)),
        _ => Ok(()),
    }
}

fn unknown_tag(span: &Span) -> Stop {
    Stop::at(span, "has a tag that this file may not use; remove the word that begins with \"!\"")
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Value, Stop> {
    let is_plain = style == ScalarStyle::Plain;
    let Some(tag) = tag else {
        return Ok(if is_plain { resolved(text) } else { Value::Text(text.to_owned()) });
    };
    if !tag.is_yaml_core_schema() {
        return Err(unknown_tag(span));
    }
    let value = if tag.suffix == "str" { Value::Text(text.to_owned()) } else { resolved(text) };
    let fits = match tag.suffix.as_str() {
        "str" => true,
        "int" | "float" => matches!(value, Value::Number(_)),
        "bool" => matches!(value, Value::Flag(_)),
        "null" => matches!(value, Value::Null),
        _ => return Err(unknown_tag(span)),
    };
    if fits { Ok(value) } else { Err(Stop::at(span, "is not what its tag says; remove the tag")) }
}

/// What an unquoted word is, by the core schema of YAML 1.2.
fn resolved(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Flag(true),
        "false" | "False" | "FALSE" => Value::Flag(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

/// A number in base 10, written as JSON has it; `None` for a text.
fn number(text: &str) -> Option<Value> {
    let whole = |digits: &str, radix: u32| {
        let fits = |value: i128| Value::Number(value.to_string());
        Some(i128::from_str_radix(digits, radix).map_or(Value::Other, fits))
    };
    let all = |digits: &str, of: fn(u8) -> bool| !digits.is_empty() && digits.bytes().all(of);
    if let Some(digits) = text.strip_prefix("0x").filter(|digits| all(digits, |byte| byte.is_ascii_hexdigit())) {
        return whole(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|digits| all(digits, |byte| (b'0'..b'8').contains(&byte))) {
        return whole(digits, 8);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => ("-", text.get(1..)?),
        b'+' => ("", text.get(1..)?),
        _ => ("", text),
    };
    if matches!(rest, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Value::Other);
    }
    let is_digit: fn(u8) -> bool = |byte| byte.is_ascii_digit();
    // Readers of YAML 1.1 take a leading zero for base 8, so that nobody can tell what is meant.
    let is_clear = |digits: &str| digits.len() == 1 || !digits.starts_with('0');
    if all(rest, is_digit) {
        return if is_clear(rest) { whole(&format!("{sign}{rest}"), 10) } else { None };
    }
    let (mantissa, exponent) = rest.split_once(['e', 'E']).map_or((rest, None), |(left, right)| (left, Some(right)));
    let (before, after) = mantissa.split_once('.').map_or((mantissa, None), |(left, right)| (left, Some(right)));
    let is_whole = before.is_empty() && after.is_some_and(|digits| !digits.is_empty()) || all(before, is_digit);
    let is_fraction = after.is_none_or(|digits| digits.is_empty() || all(digits, is_digit));
    let power = exponent.map(|power| power.strip_prefix(['+', '-']).unwrap_or(power));
    if !is_whole
        || !is_fraction
        || !before.is_empty() && !is_clear(before)
        || power.is_some_and(|power| !all(power, is_digit))
    {
        return None;
    }
    let before = if before.is_empty() { "0" } else { before };
    let after = after.map(|digits| if digits.is_empty() { ".0".to_owned() } else { format!(".{digits}") });
    let exponent = exponent.map(|power| format!("e{power}"));
    Some(Value::Number(format!("{sign}{before}{}{}", after.unwrap_or_default(), exponent.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Table, String> {
        let report = Report::default();
        let table = from_yaml(&Arc::from("f.yaml"), text, &report);
        report.finish().map(|_| table).map_err(|errors| errors.to_string())
    }

    /// The tree in one line: texts in quotes, the rest bare.
    fn shown(value: &Value) -> String {
        let inner = |items: Vec<String>| items.join(", ");
        match value {
            Value::Text(text) => format!("{text:?}"),
            Value::Number(text) => text.clone(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(items) => format!("[{}]", inner(items.iter().map(|item| shown(&item.value)).collect())),
            Value::Table(table) => {
                let entry = |(key, _, node): &(String, Place, Node)| format!("{key}: {}", shown(&node.value));
                format!("{{{}}}", inner(table.entries.iter().map(entry).collect()))
            }
            Value::Null => "null".to_owned(),
            Value::Other => "other".to_owned(),
        }
    }

    fn tree(text: &str) -> String {
        read(text).map_or_else(|error| error, |table| shown(&Value::Table(table)))
    }

    #[test]
    fn unquoted_words_mean_what_the_core_schema_says() {
        let cases = [
            ("yes", "\"yes\""),
            ("no", "\"no\""),
            ("NO", "\"NO\""),
            ("on", "\"on\""),
            ("off", "\"off\""),
            ("y", "\"y\""),
            ("true", "true"),
            ("False", "false"),
            ("tRUE", "\"tRUE\""),
            ("~", "null"),
            ("", "null"),
            ("null", "null"),
            ("\"null\"", "\"null\""),
            ("'true'", "\"true\""),
            ("12", "12"),
            ("-7", "-7"),
            ("+3", "3"),
            ("0", "0"),
            ("012", "\"012\""),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("20_000", "\"20_000\""),
            ("1.50", "1.50"),
            (".5", "0.5"),
            ("1.", "1.0"),
            ("1e3", "1e3"),
            ("-.5e-2", "-0.5e-2"),
            ("01.5", "\"01.5\""),
            (".inf", "other"),
            (".nan", "other"),
            ("1.2.3", "\"1.2.3\""),
            (".", "\".\""),
            ("1:30", "\"1:30\""),
            ("2026-01-02", "\"2026-01-02\""),
            ("0.0.0.0", "\"0.0.0.0\""),
            ("99999999999999999999999999999999999999999", "other"),
            ("!!str 12", "\"12\""),
            ("!!int 12", "12"),
            ("a # comment", "\"a\""),
            ("|\n  two\n  lines\n", "\"two\\nlines\\n\""),
            (">\n  one\n  line\n", "\"one line\\n\""),
        ];
        for (word, expected) in cases {
            assert_eq!(tree(&format!("k: {word}")), format!("{{k: {expected}}}"), "{word}");
        }
    }

    #[test]
    fn mappings_lists_anchors_and_merges_become_one_tree() {
        let cases = [
            ("", "{}"),
            ("---\n# nothing\n...\n", "{}"),
            ("a: {b: [1, x], c: }", "{a: {b: [1, \"x\"], c: null}}"),
            ("a:\n- b: 1\n  c: 2\n- 3\n", "{a: [{b: 1, c: 2}, 3]}"),
            ("8080: x\ntrue: y", "{8080: \"x\", true: \"y\"}"),
            ("a: &x {b: 1}\nc: *x", "{a: {b: 1}, c: {b: 1}}"),
            ("a: &x {b: 1, d: 2}\nc:\n  <<: *x\n  b: 3", "{a: {b: 1, d: 2}, c: {b: 3, d: 2}}"),
            ("a: &x {b: 1}\ne: &y {b: 2, f: 3}\nc:\n  <<: [*x, *y]", "{a: {b: 1}, e: {b: 2, f: 3}, c: {b: 1, f: 3}}"),
            ("a:\n  \"<<\": 1", "{a: {<<: 1}}"),
        ];
        for (text, expected) in cases {
            assert_eq!(tree(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let cases = [
            ("a: 1\nb: 2\na: 3", "f.yaml:3: a: is stated at f.yaml:1 already; keep one of them"),
            ("s:\n  a: 1\n  a: 1", "f.yaml:3: s.a: is stated at f.yaml:2 already; keep one of them"),
            ("key_map:\n  sk-secret: {}\n  sk-secret: {}", "f.yaml:3: key_map.*: is stated at f.yaml:2 already"),
            ("- a", "f.yaml:1: is a list; write sections"),
            ("just words", "f.yaml:1: is a string; write sections"),
            ("a: 1\n---\nb: 2", "a second document begins here"),
            ("a: 1\nb: !env NAME", "f.yaml:2: has a tag that this file may not use"),
            ("a: !!binary aGk=", "f.yaml:1: has a tag"),
            ("a: !!int x", "f.yaml:1: is not what its tag says"),
            ("? [a, b]\n: c", "a key is not a plain text"),
            ("a: &x [*x]", "an alias stands inside of what it repeats"),
            ("a:\n  <<: 3", "`<<` takes a mapping"),
            ("a: 1\nb: [1, 2", "fix the YAML syntax"),
            ("a: 1\n\tb: 2", "fix the YAML syntax"),
            ("a: *nowhere", "fix the YAML syntax"),
        ];
        for (text, expected) in cases {
            let message = read(text).err().unwrap_or_default();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn aliases_and_nesting_have_bounds() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{below}]\n");
        }
        let message = read(&bomb).err().unwrap_or_default();
        assert!(message.contains("holds more than 100000 values"), "{message}");
        for (depth, expected) in [(40, "nests more than 32 deep"), (50_000, "fix the YAML syntax")] {
            let deep = format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
            let message = read(&deep).err().unwrap_or_default();
            assert!(message.contains(expected), "{message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s)[a-c0-9:\\-\\[\\]{}&*!#|>'\" \n\t,.<~?%@`\\\\é]{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn json_is_read_as_by_a_json_reader(object in json()) {
            let serde_json::Value::Object(_) = &object else { return Ok(()) };
            let text = object.to_string();
            let report = Report::default();
            let by_json = super::super::tree::from_json(&Arc::from("f"), &text, &report);
            prop_assert_eq!(tree(&text), shown(&Value::Table(by_json)));
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            "[ -~é]{0,12}".prop_map(serde_json::Value::from),
        ];
        let inner = leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-z]{1,6}", inner, 0..5)
            .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
    }
}
