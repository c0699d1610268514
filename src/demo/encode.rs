//! Compression of scripted bodies, flushed at every piece as streaming servers do, and the way
//! back for requests that come compressed.

use std::{
    io::{self, Read, Write},
    mem,
};

use bytes::Bytes;
use serde::Deserialize;

use super::reply::Frame;

/// A content coding.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// gzip
    Gzip,
    /// Brotli
    Br,
    /// zlib, which HTTP calls deflate
    Deflate,
    /// Zstandard
    Zstd,
}

impl Encoding {
    /// Every coding, for tables and tests.
    pub const ALL: [Self; 4] = [Self::Gzip, Self::Br, Self::Deflate, Self::Zstd];

    /// Reads the token of `content-encoding`.
    pub(super) fn parse(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.as_str().eq_ignore_ascii_case(token.trim()))
    }

    /// The token in `content-encoding`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Br => "br",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }
}

/// Largest request body after unpacking, in bytes.
const MAX_UNPACKED_BYTES: u64 = 64 << 20;

/// The plain bytes of a compressed body, up to a bound; `None` when it is not well-formed.
pub(super) fn unpack(encoding: Encoding, packed: &[u8]) -> Option<Vec<u8>> {
    let reader: Box<dyn Read + '_> = match encoding {
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        Encoding::Deflate => Box::new(flate2::read::ZlibDecoder::new(packed)),
        Encoding::Br => Box::new(brotli::Decompressor::new(packed, 4096)),
        Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(packed).ok()?),
    };
    let mut plain = Vec::new();
    reader.take(MAX_UNPACKED_BYTES).read_to_end(&mut plain).ok()?;
    Some(plain)
}

/// The same frames, compressed as one stream; the last one holds the stream's end too.
pub(super) fn frames(encoding: Encoding, frames: &[Frame]) -> Vec<Frame> {
    compress(encoding, frames).unwrap_or_default() // Writing to memory does not fail.
}

fn compress(encoding: Encoding, frames: &[Frame]) -> io::Result<Vec<Frame>> {
    let level = flate2::Compression::default();
    let (mut pieces, end) = match encoding {
        Encoding::Gzip => {
            let mut coder = flate2::write::GzEncoder::new(Vec::new(), level);
            let pieces = each(&mut coder, frames, |coder| coder.get_mut())?;
            (pieces, coder.finish()?)
        }
        Encoding::Deflate => {
            let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            let pieces = each(&mut coder, frames, |coder| coder.get_mut())?;
            (pieces, coder.finish()?)
        }
        Encoding::Br => {
            let mut coder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            let pieces = each(&mut coder, frames, |coder| coder.get_mut())?;
            (pieces, coder.into_inner())
        }
        Encoding::Zstd => {
            let mut coder = zstd::stream::write::Encoder::new(Vec::new(), 3)?;
            let pieces = each(&mut coder, frames, |coder| coder.get_mut())?;
            (pieces, coder.finish()?)
        }
    };
    if let Some(last) = pieces.last_mut() {
        last.extend_from_slice(&end);
    }
    Ok(pieces
        .into_iter()
        .zip(frames)
        .map(|(bytes, frame)| Frame { after: frame.after, bytes: Bytes::from(bytes) })
        .collect())
}

fn each<W: Write>(coder: &mut W, frames: &[Frame], sink: impl Fn(&mut W) -> &mut Vec<u8>) -> io::Result<Vec<Vec<u8>>> {
    frames
        .iter()
        .map(|frame| {
            coder.write_all(&frame.bytes)?;
            coder.flush()?;
            Ok(mem::take(sink(coder)))
        })
        .collect()
}
