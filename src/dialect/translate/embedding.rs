//! Embeddings: texts in, vectors out, in the three APIs that have them. Vectors stay the text that the provider wrote.

use base64::Engine as _;

use super::{
    Envelope,
    json::{self, Json, Object, Read, Unreadable},
    notes::Dropped,
};
use crate::domain::{Api, Endpoint};

/// A request for vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The model, as the provider is to be asked for it.
    pub model: String,
    /// What to embed.
    pub texts: Vec<String>,
    /// How long each vector is to be.
    pub dimensions: Option<u64>,
    /// What the vectors are for, in Gemini's words (`RETRIEVAL_QUERY`, …).
    pub purpose: Option<String>,
    /// The end user.
    pub user: Option<String>,
    /// Whether the client wants base64 of 32-bit floats in place of numbers.
    pub as_base64: bool,
}

/// The vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The model that made them.
    pub model: Option<String>,
    /// A JSON list of numbers for each text, in their order.
    pub vectors: Vec<String>,
    /// Tokens that were read.
    pub input_tokens: Option<u64>,
}

/// Reads a client's request; what nobody knows is named as dropped. Gemini's model stands in the URL.
///
/// # Errors
/// When it is not what the API demands, or holds tokens in place of texts, which mean something to one model only.
pub fn read_request(endpoint: Endpoint, body: &str, dropped: &mut Dropped) -> Result<Request, Unreadable> {
    let mut top = Object::read(body, "body")?;
    let mut request = Request { model: top.text("model")?.unwrap_or_default(), ..Request::default() };
    match endpoint {
        Endpoint::EmbedContent => read_content(&mut top, &mut request, "", dropped)?,
        Endpoint::BatchEmbedContents => top.each("requests", |item| {
            let mut one = Object::read(item, "requests")?;
            one.take("model");
            read_content(&mut one, &mut request, "requests[].", dropped)
        })?,
        Endpoint::OllamaEmbed => {
            request.texts = top.texts("input")?;
            request.dimensions = top.count("dimensions")?;
            // Cutting what is too long is what every provider does, or refuses.
            top.take("truncate");
        }
        _ => {
            request.texts =
                top.texts("input").map_err(|_| Unreadable::new("input", "a string or a list of strings"))?;
            request.dimensions = top.count("dimensions")?;
            request.user = top.text("user")?;
            request.as_base64 = top.text("encoding_format")?.as_deref() == Some("base64");
        }
    }
    top.drop_rest("", dropped);
    Ok(request)
}

/// One of Gemini's contents: its parts together are one text.
fn read_content(one: &mut Object<'_>, request: &mut Request, prefix: &str, dropped: &mut Dropped) -> Read<()> {
    let mut content = one.object("content")?.ok_or_else(|| Unreadable::new("content", "an object"))?;
    content.take("role");
    let mut text = String::new();
    content.each("parts", |item| {
        let mut part = Object::read(item, "parts")?;
        text.push_str(&part.needed_text("text")?);
        part.drop_rest(&format!("{prefix}content.parts[]."), dropped);
        Ok(())
    })?;
    request.texts.push(text);
    request.dimensions = one.count("outputDimensionality")?.or(request.dimensions);
    request.purpose = one.text("taskType")?.or_else(|| request.purpose.take());
    if !prefix.is_empty() {
        one.drop_rest(prefix, dropped);
    }
    Ok(())
}

/// Writes a request for a provider that speaks `provider`; what cannot be said is named in the words of `client`.
pub fn write_request(provider: Api, client: Api, request: &Request, dropped: &mut Dropped) -> Vec<u8> {
    if request.user.is_some() && provider != Api::OpenaiEmbeddings {
        dropped.path("user");
    }
    if request.purpose.is_some() && provider != Api::Gemini {
        dropped.path(if client == Api::Gemini { "taskType" } else { "task_type" });
    }
    let texts = |json: &mut Json| request.texts.iter().for_each(|text| json.text(text));
    Json::of(|json| match provider {
        Api::Gemini => json.put_array("requests", |json| {
            for text in &request.texts {
                json.object(|json| {
                    json.put("model", &format!("models/{}", request.model));
                    json.put_object("content", |json| {
                        json.put_array("parts", |json| json.object(|json| json.put("text", text)));
                    });
                    json.put_text("taskType", request.purpose.as_deref());
                    json.put_some("outputDimensionality", request.dimensions);
                });
            }
        }),
        Api::Ollama => {
            json.put("model", &request.model);
            json.put_array("input", texts);
            json.put_some("dimensions", request.dimensions);
        }
        _ => {
            json.put("model", &request.model);
            json.put_array("input", texts);
            json.put("encoding_format", "float");
            json.put_some("dimensions", request.dimensions);
            json.put_text("user", request.user.as_deref());
        }
    })
}

/// Reads a provider's answer.
///
/// # Errors
/// When it is not what the API promises.
pub fn read_reply(provider: Api, body: &str) -> Result<Reply, Unreadable> {
    let mut top = Object::read(body, "body")?;
    let mut reply = Reply { model: top.text("model")?, ..Reply::default() };
    match provider {
        Api::Gemini => {
            let list = top.take("embeddings").ok_or_else(|| Unreadable::new("embeddings", "a list"))?;
            json::each(list, "embeddings", |_, item| {
                let values = Object::read(item, "embeddings")?.take("values");
                reply.vectors.push(vector(values)?);
                Ok(())
            })?;
            let usage = top.object("usageMetadata")?;
            reply.input_tokens = usage.map(|mut usage| usage.count("promptTokenCount")).transpose()?.flatten();
        }
        Api::Ollama => {
            let list = top.take("embeddings").ok_or_else(|| Unreadable::new("embeddings", "a list"))?;
            json::each(list, "embeddings", |_, item| {
                reply.vectors.push(vector(Some(item))?);
                Ok(())
            })?;
            reply.input_tokens = top.count("prompt_eval_count")?;
        }
        _ => {
            let mut placed = Vec::new();
            let list = top.take("data").ok_or_else(|| Unreadable::new("data", "a list"))?;
            json::each(list, "data", |_, item| {
                let mut entry = Object::read(item, "data")?;
                let place = entry.count("index")?.unwrap_or(placed.len() as u64);
                placed.push((place, vector(entry.take("embedding"))?));
                Ok(())
            })?;
            placed.sort_by_key(|(place, _)| *place);
            reply.vectors = placed.into_iter().map(|(_, vector)| vector).collect();
            let usage = top.object("usage")?;
            reply.input_tokens = usage.map(|mut usage| usage.count("prompt_tokens")).transpose()?.flatten();
        }
    }
    Ok(reply)
}

fn vector(raw: Option<&str>) -> Read<String> {
    let raw = raw.ok_or_else(|| Unreadable::new("embedding", "a list of numbers"))?;
    floats(raw)?;
    Ok(raw.to_owned())
}

fn floats(raw: &str) -> Read<Vec<f32>> {
    serde_json::from_str(raw).map_err(|_| Unreadable::new("embedding", "a list of numbers"))
}

/// Writes the answer for a client of `endpoint`.
pub fn write_reply(endpoint: Endpoint, reply: &Reply, envelope: &Envelope, as_base64: bool) -> Vec<u8> {
    Json::of(|json| match endpoint {
        Endpoint::EmbedContent => {
            let first = reply.vectors.first().map_or("[]", String::as_str);
            json.put_object("embedding", |json| json.put_raw("values", first));
        }
        Endpoint::BatchEmbedContents => json.put_array("embeddings", |json| {
            for vector in &reply.vectors {
                json.object(|json| json.put_raw("values", vector));
            }
        }),
        Endpoint::OllamaEmbed => {
            json.put("model", envelope.model(reply.model.as_deref()));
            json.put_array("embeddings", |json| reply.vectors.iter().for_each(|vector| json.raw(vector)));
            json.put_some("prompt_eval_count", reply.input_tokens);
        }
        _ => {
            json.put("object", "list");
            json.put_array("data", |json| {
                for (index, vector) in reply.vectors.iter().enumerate() {
                    json.object(|json| {
                        json.put("object", "embedding");
                        json.put_number("index", index);
                        match as_base64.then(|| floats(vector)) {
                            Some(Ok(floats)) => json.put("embedding", &base64_of(&floats)),
                            _ => json.put_raw("embedding", vector),
                        }
                    });
                }
            });
            json.put("model", envelope.model(reply.model.as_deref()));
            if let Some(tokens) = reply.input_tokens {
                json.put_object("usage", |json| {
                    json.put_number("prompt_tokens", tokens);
                    json.put_number("total_tokens", tokens);
                });
            }
        }
    })
}

/// 32-bit floats, the least byte first.
fn base64_of(floats: &[f32]) -> String {
    let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
