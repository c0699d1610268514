//! Compression of scripted bodies, flushed at every piece as streaming servers do.

use std::{
    io::{self, Write},
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
