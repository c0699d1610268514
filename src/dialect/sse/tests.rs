//! The rules of event streams, at every split, and beside an independent reader.

use eventsource_stream::Eventsource as _;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use proptest::prelude::*;

use super::*;

type Events = Vec<(Vec<u8>, Vec<u8>)>;

fn read(feeds: &[&[u8]]) -> Events {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for feed in feeds {
        reader.feed(feed, |event| events.push((event.event.to_vec(), event.data.to_vec())));
    }
    events
}

/// Reads whole, byte by byte and at every split; all must agree.
fn at_every_split(bytes: &[u8]) -> Events {
    let whole = read(&[bytes]);
    assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(read(&[head, tail]), whole, "split at {at}");
        assert_eq!(read(&[head, b"", tail]), whole, "split at {at}, with an empty feed");
    }
    whole
}

fn texts(bytes: &[u8]) -> Vec<(String, String)> {
    at_every_split(bytes)
        .into_iter()
        .map(|(name, data)| (String::from_utf8(name).unwrap(), String::from_utf8(data).unwrap()))
        .collect()
}

#[test]
fn events_are_read_by_the_rules() {
    for (stream, expected) in [
        // Line ends, also mixed; a blank line without data makes no event.
        ("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\r\n\n", vec![("", "a"), ("", "b"), ("", "c"), ("", "d")]),
        ("\n\r\n\r\rdata: a\n\n\n\n", vec![("", "a")]),
        // A byte order mark, and bytes that only begin like one.
        ("\u{feff}data: a\n\n", vec![("", "a")]),
        ("\u{feff}\u{feff}data: a\n\ndata: b\n\n", vec![("", "b")]),
        // One space after the colon goes, more stay.
        ("data:a\n\ndata:  b\n\ndata: c \n\n", vec![("", "a"), ("", " b"), ("", "c ")]),
        // Several lines of data, some empty, some without a colon.
        ("data: a\ndata: b\ndata\ndata:\ndata: c\n\n", vec![("", "a\nb\n\n\nc")]),
        ("data\n\ndata:\n\n", vec![("", ""), ("", "")]),
        // Comments, unknown fields, ids and retries.
        (": hi\n:\nid: 1\nretry: 5\nfoo: bar\nevent: x\ndata: a\n\n", vec![("x", "a")]),
        ("datum: a\ndat: b\ndata2: c\n Data: d\n\n", vec![]),
        // A name lasts for one event only, the last one counts, and it needs data.
        ("event: x\nevent: y\ndata: a\n\ndata: b\n\nevent: z\n\ndata: c\n\n", vec![("y", "a"), ("", "b"), ("", "c")]),
        ("data: a\nevent\n\n", vec![("", "a")]),
        // What the end cuts off is no event.
        ("data: a\n\ndata: b\n", vec![("", "a")]),
        ("data: a: b:c\n\n", vec![("", "a: b:c")]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(name, data)| (name.to_owned(), data.to_owned())).collect();
        assert_eq!(texts(stream.as_bytes()), expected, "{stream:?}");
    }
}

#[test]
fn a_carriage_return_at_the_end_of_a_feed_ends_the_event_at_once_and_only_once() {
    let (mut reader, mut seen) = (Reader::default(), 0);
    reader.feed(b"data: a\r\n\r", |_| seen += 1);
    assert_eq!(seen, 1);
    let (mut reader, mut seen) = (Reader::default(), 0);
    for feed in [&b"data: a\r"[..], b"\n", b"\r", b"\n", b"data: b\r", b"\r", b"\n"] {
        reader.feed(feed, |_| seen += 1);
    }
    assert_eq!(seen, 2);
}

#[test]
fn bytes_that_are_no_utf8_pass() {
    assert_eq!(at_every_split(b"data: \xff\xc3\n\n"), [(vec![], b"\xff\xc3".to_vec())]);
    assert_eq!(at_every_split(b"\xef\xbbdata: x\n\ndata: y\n\n"), [(vec![], b"y".to_vec())]);
}

#[test]
fn an_event_over_the_cap_is_skipped_and_counted_and_the_stream_goes_on() {
    let long = "x".repeat(MAX_EVENT_BYTES);
    for data in [format!("data: {long}y"), format!("data: {long}\ndata:"), format!("event: {long}\ndata: y")] {
        let stream = format!("{data}\n\ndata: next\n\n");
        for size in [1_000, 1 << 16, usize::MAX] {
            let (mut reader, mut seen) = (Reader::default(), Vec::new());
            for feed in stream.as_bytes().chunks(size) {
                reader.feed(feed, |event| seen.push((event.event.len(), event.data.to_vec())));
            }
            assert_eq!(seen, [(0, b"next".to_vec())]);
            assert_eq!(reader.skipped(), 1);
        }
    }
    let fits = format!("data: {long}\n\n");
    let mut seen = 0;
    Reader::default().feed(fits.as_bytes(), |event| seen = event.data.len());
    assert_eq!(seen, MAX_EVENT_BYTES);
}

#[test]
fn a_comment_without_end_holds_nothing() {
    let mut reader = Reader::default();
    for _ in 0..4_000 {
        reader.feed(&[b':'; 1_024], |_| {});
    }
    assert_eq!(reader.data.capacity() + reader.name.capacity(), 0);
}

#[test]
fn an_event_in_one_feed_is_lent_and_not_copied() {
    let feed = b"event: x\ndata: hello\n\n";
    let range = feed.as_ptr_range();
    let mut reader = Reader::default();
    reader.feed(feed, |event| assert!(range.contains(&event.data.as_ptr())));
    assert_eq!(reader.data.capacity(), 0);
}

/// `eventsource-stream` 0.2 panics on a byte order mark, holds a `\r` back, and gives an event its
/// data without the last line end; within that, it must agree with us.
fn independent(stream_text: &str) -> Vec<(String, String)> {
    let source = stream::iter([Ok::<_, std::convert::Infallible>(stream_text.as_bytes().to_vec())]);
    let events = source.eventsource().map(|event| event.map(|event| (event.event, event.data))).collect::<Vec<_>>();
    events.now_or_never().unwrap().into_iter().map(Result::unwrap).collect()
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "data: a",
        "data:b",
        "data:  c",
        "data: {\"x\":1}",
        "event: ping",
        "event:",
        ": note",
        "id: 7",
        "retry: 1",
        "other: x",
        "",
        "",
        "",
    ]);
    let end = prop::sample::select(vec!["\n", "\r\n"]);
    prop::collection::vec((line, end), 0..24)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end]).collect())
}

proptest! {
    #[test]
    fn an_independent_reader_agrees(stream in lines()) {
        let ours: Vec<_> = texts(stream.as_bytes())
            .into_iter()
            .map(|(name, data)| (if name.is_empty() { "message".to_owned() } else { name }, data))
            .collect();
        prop_assert_eq!(ours, independent(&stream));
    }

    #[test]
    fn every_split_of_any_bytes_gives_the_same_events(
        bytes in prop::collection::vec(prop::sample::select(b"data:event \r\n\xef\xbb\xbf\xffx".to_vec()), 0..60),
    ) {
        at_every_split(&bytes);
    }
}
