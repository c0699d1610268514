//! Every encoding, at every split; garbage and bombs.

use std::io::Read as _;

use super::*;

const TEXT: &[u8] = b"data: {\"choices\":[{\"delta\":{\"content\":\"hello hello hello\"}}]}\n\ndata: [DONE]\n\n";

fn encoded(name: &str, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let level = flate2::Compression::default();
    match name {
        "gzip" => flate2::read::GzEncoder::new(plain, level).read_to_end(&mut out).map(drop),
        "zlib" => flate2::read::ZlibEncoder::new(plain, level).read_to_end(&mut out).map(drop),
        "bare" => flate2::read::DeflateEncoder::new(plain, level).read_to_end(&mut out).map(drop),
        "br" => brotli::CompressorReader::new(plain, 4_096, 5, 22).read_to_end(&mut out).map(drop),
        "zstd" => zstd::stream::copy_encode(plain, &mut out, 3),
        _ => out.write_all(plain),
    }
    .unwrap();
    out
}

const CODINGS: [(&str, Option<&str>); 7] = [
    ("gzip", Some("gzip")),
    ("gzip", Some(" X-GZIP ")),
    ("zlib", Some("deflate")),
    ("bare", Some("deflate")),
    ("br", Some("br")),
    ("zstd", Some("zstd")),
    ("", None),
];

fn decode(name: Option<&str>, feeds: &[&[u8]]) -> (Vec<u8>, Option<DecodeError>) {
    let mut decoder = Decoder::new(name, Vec::new());
    for feed in feeds {
        decoder.feed(feed);
    }
    (decoder.sink().cloned().unwrap_or_default(), decoder.error())
}

#[test]
fn every_encoding_is_undone_at_every_split() {
    for (coding, name) in CODINGS {
        let bytes = encoded(coding, TEXT);
        assert_eq!(decode(name, &[&bytes]), (TEXT.to_vec(), None), "{name:?}");
        assert_eq!(decode(name, &bytes.chunks(1).collect::<Vec<_>>()), (TEXT.to_vec(), None), "{name:?}");
        for at in 0..bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(decode(name, &[head, tail]), (TEXT.to_vec(), None), "{name:?} split at {at}");
        }
    }
}

#[test]
fn what_was_flushed_upstream_is_seen_at_once() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut decoder = Decoder::new(Some("gzip"), Vec::new());
    let mut sent = 0;
    for n in 1..5 {
        encoder.write_all(TEXT).unwrap();
        encoder.flush().unwrap();
        decoder.feed(&encoder.get_ref()[sent..]);
        sent = encoder.get_ref().len();
        assert_eq!(decoder.sink().unwrap().len(), n * TEXT.len());
    }
}

#[test]
fn garbage_ends_the_reading_and_nothing_else() {
    for (coding, name) in CODINGS.into_iter().filter(|(coding, _)| !coding.is_empty()) {
        let mut bytes = encoded(coding, TEXT);
        for at in 0..bytes.len() {
            bytes[at] ^= 0xff;
            let (plain, _) = decode(name, &[&bytes]);
            assert!(plain.len() <= 1 << 20);
            bytes[at] ^= 0xff;
        }
        let (_, error) = decode(name, &[&[0xee; 64]]);
        assert!(error.is_some(), "{name:?}");
    }
    assert_eq!(decode(Some("compress"), &[TEXT]), (Vec::new(), Some(DecodeError::UnknownEncoding)));
    assert_eq!(decode(Some("gzip, br"), &[TEXT]).1, Some(DecodeError::UnknownEncoding));
}

#[test]
fn a_decoder_may_travel_between_threads() {
    const fn is_send<T: Send>() {}
    is_send::<Decoder<crate::gateway::tally::Tally>>();
}

/// Counts and keeps nothing.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_bomb_stops_at_the_bound() {
    let mut bomb = Vec::new();
    zstd::stream::copy_encode(io::repeat(0).take(MAX_DECODED_BYTES + (8 << 20)), &mut bomb, 1).unwrap();
    assert!(bomb.len() < 1 << 20);
    let mut decoder = Decoder::new(Some("zstd"), Counter(0));
    decoder.feed(&bomb);
    assert_eq!(decoder.error(), Some(DecodeError::TooLarge));
    assert!(decoder.sink().unwrap().0 <= MAX_DECODED_BYTES);
}
