//! Undoing a content encoding for the tally's side copy of an answer.
//!
//! The client gets the bytes as they came; this copy is only read, never kept. What is decoded goes
//! straight to the sink, and a bomb ends the reading, not the answer.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The most decoded bytes of one answer; beyond them the copy is no longer read.
pub const MAX_DECODED_BYTES: u64 = 256 << 20;

/// The widest window that a zstd frame may ask for over HTTP: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

const BUFFER_BYTES: usize = 8 << 10;

/// Why the copy is no longer read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body's encoding is not one that we can undo.
    #[error("unknown content encoding")]
    UnknownEncoding,
    /// The body is not what its encoding says.
    #[error("the body does not match its content encoding")]
    Malformed,
    /// More than [`MAX_DECODED_BYTES`] came out.
    #[error("the decoded body is too large")]
    TooLarge,
}

/// A decoder that pushes what it decodes into `W`.
pub struct Decoder<W: Write> {
    coding: Coding<W>,
    error: Option<DecodeError>,
}

enum Coding<W: Write> {
    Identity(Bounded<W>),
    Gzip(MultiGzDecoder<Bounded<W>>),
    /// `deflate` should mean zlib, but some servers send it bare: the first byte tells.
    Undecided(Bounded<W>),
    Zlib(ZlibDecoder<Bounded<W>>),
    Deflate(DeflateDecoder<Bounded<W>>),
    Brotli(Box<brotli::DecompressorWriter<Bounded<W>>>),
    Zstd(zstd::stream::write::Decoder<'static, Bounded<W>>),
    /// Only between two states; holds nothing.
    Gone,
}

impl<W: Write> Decoder<W> {
    /// A decoder for a body with this `content-encoding` header; none and `identity` pass as they are.
    pub fn new(content_encoding: Option<&str>, sink: W) -> Self {
        let name = content_encoding.unwrap_or_default().trim().to_ascii_lowercase();
        let sink = Bounded { sink, room: MAX_DECODED_BYTES, is_full: false };
        let mut error = None;
        let coding = match name.as_str() {
            "" | "identity" => Coding::Identity(sink),
            "gzip" | "x-gzip" => Coding::Gzip(MultiGzDecoder::new(sink)),
            "deflate" => Coding::Undecided(sink),
            "br" => Coding::Brotli(Box::new(brotli::DecompressorWriter::new(sink, BUFFER_BYTES))),
            "zstd" => match zstd_decoder(sink) {
                Ok(decoder) => Coding::Zstd(decoder),
                Err(_) => {
                    error = Some(DecodeError::UnknownEncoding);
                    Coding::Gone
                }
            },
            _ => {
                error = Some(DecodeError::UnknownEncoding);
                Coding::Identity(sink)
            }
        };
        Self { coding, error }
    }

    /// Reads on. After the first failure nothing more is decoded; what was decoded stays counted.
    pub fn feed(&mut self, encoded: &[u8]) {
        if self.error.is_some() || encoded.is_empty() {
            return;
        }
        self.decide(encoded);
        let done = match &mut self.coding {
            Coding::Identity(sink) | Coding::Undecided(sink) => sink.write_all(encoded),
            Coding::Gzip(decoder) => push(decoder, encoded),
            Coding::Zlib(decoder) => push(decoder, encoded),
            Coding::Deflate(decoder) => push(decoder, encoded),
            Coding::Brotli(decoder) => push(decoder, encoded),
            Coding::Zstd(decoder) => push(decoder, encoded),
            Coding::Gone => Ok(()),
        };
        if done.is_err() {
            let is_full = self.bounded().is_some_and(|sink| sink.is_full);
            self.error = Some(if is_full { DecodeError::TooLarge } else { DecodeError::Malformed });
        }
    }

    /// What receives the decoded bytes.
    pub fn sink(&self) -> Option<&W> {
        self.bounded().map(|bounded| &bounded.sink)
    }

    /// The same, to change it.
    pub fn sink_mut(&mut self) -> Option<&mut W> {
        let bounded = match &mut self.coding {
            Coding::Identity(sink) | Coding::Undecided(sink) => sink,
            Coding::Gzip(decoder) => decoder.get_mut(),
            Coding::Zlib(decoder) => decoder.get_mut(),
            Coding::Deflate(decoder) => decoder.get_mut(),
            Coding::Brotli(decoder) => decoder.get_mut(),
            Coding::Zstd(decoder) => decoder.get_mut(),
            Coding::Gone => return None,
        };
        Some(&mut bounded.sink)
    }

    /// Why reading stopped, if it did.
    pub const fn error(&self) -> Option<DecodeError> {
        self.error
    }

    fn bounded(&self) -> Option<&Bounded<W>> {
        Some(match &self.coding {
            Coding::Identity(sink) | Coding::Undecided(sink) => sink,
            Coding::Gzip(decoder) => decoder.get_ref(),
            Coding::Zlib(decoder) => decoder.get_ref(),
            Coding::Deflate(decoder) => decoder.get_ref(),
            Coding::Brotli(decoder) => decoder.get_ref(),
            Coding::Zstd(decoder) => decoder.get_ref(),
            Coding::Gone => return None,
        })
    }

    /// zlib's first byte names method 8 in its low half (RFC 1950), which no bare deflate block that
    /// servers send begins with.
    fn decide(&mut self, encoded: &[u8]) {
        if !matches!(self.coding, Coding::Undecided(_)) {
            return;
        }
        if let Coding::Undecided(sink) = std::mem::replace(&mut self.coding, Coding::Gone) {
            self.coding = if encoded.first().is_some_and(|first| first & 0x0f == 8) {
                Coding::Zlib(ZlibDecoder::new(sink))
            } else {
                Coding::Deflate(DeflateDecoder::new(sink))
            };
        }
    }
}

fn zstd_decoder<W: Write>(sink: Bounded<W>) -> io::Result<zstd::stream::write::Decoder<'static, Bounded<W>>> {
    let mut decoder = zstd::stream::write::Decoder::new(sink)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

/// Decodes all of `encoded` and hands on what is ready, so that no event waits for the next one.
fn push(decoder: &mut impl Write, encoded: &[u8]) -> io::Result<()> {
    decoder.write_all(encoded)?;
    decoder.flush()
}

/// A sink with an end.
struct Bounded<W> {
    sink: W,
    room: u64,
    is_full: bool,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(room) = self.room.checked_sub(bytes.len() as u64) else {
            self.is_full = true;
            return Err(io::Error::other("too much"));
        };
        self.room = room;
        self.sink.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests;
