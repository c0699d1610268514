//! What a plugin in Rust needs: memory that the gateway may write to, answers that it can read, and JSON.
//!
//! Copy this file beside your plugin; it has no dependencies. docs/plugins.md describes the interface.

use std::collections::BTreeMap;

/// A place of `length` bytes for the gateway to write to.
#[no_mangle]
pub extern "C" fn alloc(length: i32) -> i32 {
    let mut place = Vec::<u8>::with_capacity(length.max(1) as usize);
    let at = place.as_mut_ptr();
    std::mem::forget(place);
    at as i32
}

/// Gives back a place that [`alloc`] gave, or an answer that was read.
#[no_mangle]
pub extern "C" fn dealloc(at: i32, length: i32) {
    // The very numbers that `alloc` or `answer` gave.
    drop(unsafe { Vec::from_raw_parts(at as *mut u8, 0, length.max(1) as usize) });
}

/// What the gateway wrote.
pub fn input(at: i32, length: i32) -> Value {
    let bytes = unsafe { std::slice::from_raw_parts(at as *const u8, length as usize) };
    parse(std::str::from_utf8(bytes).unwrap_or_default()).unwrap_or(Value::Null)
}

/// An answer: its address in the upper half, its length in the lower one.
pub fn answer(text: &str) -> i64 {
    let at = alloc(text.len() as i32);
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), at as *mut u8, text.len()) };
    (i64::from(at) << 32) | text.len() as i64
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// The member of an object.
    pub fn get(&self, name: &str) -> &Value {
        match self {
            Value::Object(members) => members.get(name).unwrap_or(&Value::Null),
            _ => &Value::Null,
        }
    }

    /// The items of a list.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a string.
    pub fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            _ => "",
        }
    }
}

/// A text as JSON.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads JSON.
pub fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value()?;
    reader.blank();
    reader.rest.is_empty().then(|| value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, word: &str) -> bool {
        self.blank();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.blank();
        match self.rest.chars().next()? {
            '{' => self.object(),
            '[' => self.list(),
            '"' => self.string().map(Value::Text),
            't' => self.eat("true").then(|| Value::Bool(true)),
            'f' => self.eat("false").then(|| Value::Bool(false)),
            'n' => self.eat("null").then(|| Value::Null),
            _ => {
                let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
                let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
                let number = self.rest[..end].parse().ok()?;
                self.rest = &self.rest[end..];
                Some(Value::Number(number))
            }
        }
    }

    fn object(&mut self) -> Option<Value> {
        let mut members = BTreeMap::new();
        self.eat("{");
        while !self.eat("}") {
            self.blank();
            let name = self.string()?;
            self.eat(":").then(|| ())?;
            members.insert(name, self.value()?);
            self.eat(",");
        }
        Some(Value::Object(members))
    }

    fn list(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        self.eat("[");
        while !self.eat("]") {
            items.push(self.value()?);
            self.eat(",");
        }
        Some(Value::List(items))
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => match chars.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => {
                        let mut unit = hex(&mut chars)?;
                        if (0xd800..0xdc00).contains(&unit) && chars.next() == Some('\\') && chars.next() == Some('u') {
                            unit = 0x10000 + ((unit - 0xd800) << 10) + (hex(&mut chars)?.wrapping_sub(0xdc00) & 0x3ff);
                        }
                        text.push(char::from_u32(unit).unwrap_or('\u{fffd}'));
                    }
                    plain => text.push(plain),
                },
                plain => text.push(plain),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }
}

fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |number, _| Some(number * 16 + chars.next()?.to_digit(16)?))
}
