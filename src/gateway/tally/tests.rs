//! The traps of real streams, one promise each; every body is read whole, byte by byte and at every
//! split. Bodies are written after the providers' API references and public recordings.

use super::*;

mod anthropic;
mod gemini;
mod ollama;
mod openai;
mod responses;
mod splits;

/// Reads `body` whole, byte by byte and at every single split; all must agree.
fn read(api: Api, endpoint: Endpoint, framing: Framing, body: &str) -> Facts {
    let facts = |cuts: &[&[u8]]| {
        let mut tally = Tally::new(api, endpoint, framing);
        for cut in cuts {
            tally.feed(cut);
        }
        let mut facts = tally.facts();
        // Words are judged by what is made of them.
        facts.error.iter_mut().for_each(|error| error.words.clear());
        assert_eq!(tally.content_started(), facts.content_started);
        facts
    };
    let bytes = body.as_bytes();
    let whole = facts(&[bytes]);
    assert_eq!(facts(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    // Every split of a short body, a sample of a long one's.
    for at in (0..=bytes.len()).step_by(1 + bytes.len() / 2_000) {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(facts(&[head, tail]), whole, "split at {at}");
    }
    whole
}

/// An event for each text.
fn events(data: &[&str]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

fn chat(data: &[&str]) -> Facts {
    read(Api::OpenaiChat, Endpoint::ChatCompletions, Framing::Sse, &events(data))
}

fn json(api: Api, endpoint: Endpoint, body: &str) -> Facts {
    read(api, endpoint, Framing::Json, body)
}

fn error(kind: ErrorKind, status: Option<u16>, message: &str) -> Option<StreamError> {
    Some(StreamError { kind, status, message: message.to_owned(), words: Vec::new() })
}
