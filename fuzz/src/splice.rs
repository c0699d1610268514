//! Steering and splicing: a body that is taken means the same to us and to any other reader, and a change
//! changes what it says and nothing else.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use llm_gateway::{
    dialect::{
        splice::{Edit, splice},
        steer::{self, SteerError},
    },
    domain::{Api, Endpoint},
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::cuts::Dice;

/// What is spliced in: a name that must be escaped.
const MODEL: &str = "a/\"b\\c\"\u{1}é😀";

/// The first byte chooses the endpoint (`A` is the first), the rest is a body. A body in lines is also taken
/// for a form whose boundary is `x`.
pub fn run(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let endpoint = Endpoint::ALL[usize::from(choice.wrapping_sub(b'A')) % Endpoint::ALL.len()];
    any_edits(body);
    form(body);
    match steer::read(endpoint, body) {
        Ok(steering) => {
            let before = fields(body).expect("another reader does not take this body");
            let names: BTreeMap<&str, &str> = before.iter().map(|(name, value)| (name.as_str(), value.get())).collect();
            assert_eq!(names.len(), before.len(), "a key occurs twice");
            if endpoint.api() == Api::Gemini {
                assert_eq!(steering.model, None);
            } else {
                let model = names.get("model").and_then(|value| serde_json::from_str::<Option<String>>(value).unwrap());
                let model = model.filter(|model| !model.is_empty());
                assert_eq!(steering.model.as_ref().map(|model| &model.value), model.as_ref(), "two models");
                set_model(&steering, body, &before);
            }
            if let Some(edit) = steering.ask_for_usage() {
                ask_for_usage(edit, body, &before);
            }
        }
        Err(SteerError::Syntax { offset, .. }) => {
            assert!(offset <= body.len(), "offset {offset} of {}", body.len());
            assert!(fields(body).is_err() || has_lone_surrogate(body), "another reader takes this body");
        }
        Err(_) => {}
    }
}

fn set_model(steering: &steer::Steering, body: &[u8], before: &[(String, Box<RawValue>)]) {
    let body = Bytes::copy_from_slice(body);
    let after = splice(&body, &mut [steering.set_model(MODEL)]);
    let changed = fields(&after).expect("the spliced body is no JSON object");
    let named: Vec<String> = changed
        .iter()
        .filter(|(name, _)| name == "model")
        .map(|(_, value)| serde_json::from_str(value.get()).unwrap())
        .collect();
    assert_eq!(named, [MODEL], "the model was not set");
    same_but("model", before, &changed);
}

fn ask_for_usage(edit: Edit, body: &[u8], before: &[(String, Box<RawValue>)]) {
    let body = Bytes::copy_from_slice(body);
    let after = splice(&body, &mut [edit]);
    let changed = fields(&after).expect("the spliced body is no JSON object");
    let options = changed.iter().find(|(name, _)| name == "stream_options").map(|(_, value)| value.get());
    let options = fields(options.unwrap().as_bytes()).expect("the spliced options are no JSON object");
    let asked: Vec<_> =
        options.iter().filter(|(name, _)| name == "include_usage").map(|(_, value)| value.get()).collect();
    assert_eq!(asked, ["true"], "the usage was not asked for");
    same_but("stream_options", before, &changed);
}

/// All other fields are there, in their order, with the very bytes that they had.
fn same_but(changed: &str, before: &[(String, Box<RawValue>)], after: &[(String, Box<RawValue>)]) {
    let others = |fields: &[(String, Box<RawValue>)]| -> Vec<(String, String)> {
        let others = fields.iter().filter(|(name, _)| name != changed);
        others.map(|(name, value)| (name.clone(), value.get().to_owned())).collect()
    };
    assert_eq!(others(before), others(after), "another field than {changed} has changed");
}

/// Edits at places that are drawn from the body; what lies between them stays.
fn any_edits(body: &[u8]) {
    let mut dice = Dice::of(body);
    let mut at: Vec<usize> = (0..6).map(|_| dice.below(body.len() + 1)).collect();
    at.sort_unstable();
    let spans = [at[0]..at[1], at[2]..at[3], at[4]..at[5]];
    let mut expected = Vec::new();
    let mut from = 0;
    for (number, span) in spans.iter().enumerate() {
        expected.extend_from_slice(&body[from..span.start]);
        expected.push(b'0' + u8::try_from(number).unwrap());
        from = span.end;
    }
    expected.extend_from_slice(&body[from..]);
    let edits = (b'0'..).zip(spans).map(|(with, span)| Edit { span, with: vec![with] });
    let spliced = splice(&Bytes::copy_from_slice(body), &mut edits.collect::<Vec<_>>());
    assert_eq!(spliced, expected, "bytes outside of the edits have changed");
}

/// A form's model is one that stands in it, and nothing that comes later can have been known before.
fn form(body: &[u8]) {
    let content_type = "multipart/form-data; boundary=x";
    if let Some(model) = steer::multipart_model(content_type, body) {
        assert!(!model.is_empty() && model.len() <= 256, "a model name of {} bytes", model.len());
        assert!(body.windows(model.len()).any(|part| part == model.as_bytes()), "a model that was not sent");
    }
    assert_eq!(steer::multipart_model("application/json", body), None);
}

/// The fields of a JSON object in their order, as another reader (serde_json) sees them.
fn fields(body: &[u8]) -> Result<Vec<(String, Box<RawValue>)>, serde_json::Error> {
    struct Fields(Vec<(String, Box<RawValue>)>);

    impl<'de> Deserialize<'de> for Fields {
        fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
            struct Each;

            impl<'de> Visitor<'de> for Each {
                type Value = Fields;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                    let mut fields = Vec::new();
                    while let Some(field) = map.next_entry()? {
                        fields.push(field);
                    }
                    Ok(Fields(fields))
                }
            }

            reader.deserialize_map(Each)
        }
    }

    Ok(serde_json::from_slice::<Fields>(body)?.0)
}

/// serde_json does not look into strings that nobody asked for; the steering reader refuses half a pair there.
fn has_lone_surrogate(body: &[u8]) -> bool {
    body.windows(3).any(|part| part[0] == b'\\' && part[1] == b'u' && part[2].eq_ignore_ascii_case(&b'd'))
}
