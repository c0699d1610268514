//! Embedding vectors: unit length, seeded by the text, so that equal texts have equal vectors.

use base64::Engine as _;
use serde_json::Value;

use super::super::dice::Dice;

/// The vector of a text.
#[allow(clippy::cast_possible_truncation, reason = "embeddings are f32 on the wire")]
pub(super) fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut dice = Dice::of(text.as_bytes());
    let raw: Vec<f64> = (0..dimensions).map(|_| dice.unit() - 0.5).collect();
    let length = raw.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    raw.iter().map(|x| (x / length) as f32).collect()
}

/// The vector as a JSON array.
pub(super) fn as_array(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(|x| Value::from(*x).to_string()).collect();
    format!("[{}]", numbers.join(","))
}

/// The vector as the base64 of its little-endian floats, as the `openai` clients ask for it.
pub(super) fn as_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The texts of an `input` that is one text, a list of texts, one list of tokens or a list of those.
pub(super) fn inputs(input: Option<&Value>) -> Vec<String> {
    match input {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) if items.iter().all(Value::is_number) => vec![Value::from(items.clone()).to_string()],
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
