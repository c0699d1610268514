//! The tally behind the decoder that an answer needs.

use super::{
    decode::Decoder,
    tally::{Facts, Tally},
};

/// Reads an answer; one that is not compressed passes straight through.
pub(crate) struct Meter(Decoder<Tap>);

/// Where decoded bytes go.
struct Tap {
    /// In a box: whoever waits for an answer holds a meter, and is moved about.
    tally: Box<Tally>,
    /// The decoded bytes of the current chunk, when something is to be cut out of them.
    plain: Option<Vec<u8>>,
}

impl std::io::Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.tally.feed(bytes);
        if let Some(plain) = &mut self.plain {
            plain.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Meter {
    pub(crate) fn new(tally: Tally, content_encoding: Option<&str>, keeps_plain: bool) -> Self {
        let is_encoded = content_encoding.is_some_and(|name| !name.eq_ignore_ascii_case("identity"));
        Self(Decoder::new(
            content_encoding,
            Tap { tally: Box::new(tally), plain: (keeps_plain && is_encoded).then(Vec::new) },
        ))
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.0.feed(chunk);
    }

    /// Whether the body could be decoded as far as it came.
    pub(crate) fn is_readable(&self) -> bool {
        self.0.error().is_none()
    }

    pub(crate) fn content_started(&self) -> bool {
        self.0.sink().is_some_and(|tap| tap.tally.content_started())
    }

    /// Whether the API's own sign of the end has come.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.sink().is_some_and(|tap| tap.tally.has_ended())
    }

    /// The decoded bytes since the last call, if they are kept.
    pub(crate) fn take_plain(&mut self) -> Option<Vec<u8>> {
        self.0.sink_mut().and_then(|tap| tap.plain.as_mut()).map(std::mem::take)
    }

    pub(crate) fn facts(&self) -> Facts {
        self.0.sink().map(|tap| tap.tally.facts()).unwrap_or_default()
    }
}
