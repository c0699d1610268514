//! What goes and what stays, at every split.

use proptest::prelude::*;

use super::*;

fn filtered(feeds: &[&[u8]]) -> Vec<u8> {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    for feed in feeds {
        filter.feed(feed, &mut out);
    }
    filter.finish(&mut out);
    out
}

fn at_every_split(stream: &[u8]) -> Vec<u8> {
    let whole = filtered(&[stream]);
    assert_eq!(filtered(&stream.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    for at in 0..=stream.len() {
        let (head, tail) = stream.split_at(at);
        assert_eq!(filtered(&[head, tail]), whole, "split at {at}");
    }
    whole
}

const FIRST: &str = "data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}";
const USAGE: &str = "data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}";
const DONE: &str = "data: [DONE]";

#[test]
fn only_the_usage_chunk_goes_whatever_the_line_ends() {
    for end in ["\n\n", "\r\n\r\n", "\r\r"] {
        let stream = [FIRST, USAGE, DONE, ""].join(end);
        let expected = [FIRST, DONE, ""].join(end);
        assert_eq!(String::from_utf8(at_every_split(stream.as_bytes())).unwrap(), expected);
    }
}

#[test]
fn a_stream_without_such_a_chunk_passes_byte_for_byte() {
    for stream in [
        // Azure's first chunk has no usage; usage on the finish chunk stays; so does an error.
        "data: {\"choices\":[],\"model\":\"\",\"prompt_filter_results\":[{}]}\n\n: comment\n\ndata: [DONE]\n\n",
        "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\n\n",
        "data: {\"choices\":[],\"usage\":{},\"error\":{\"message\":\"x\"}}\n\n",
        "data: {\"choices\":[],\"usage\":null}\r\n\r\nno field\r\rdata\n\n",
        "\u{feff}event: x\ndata: {\"choices\":[],\ndata: \"usage\":null}\n\ndata: cut off {\"choices\":[],\"usage\":{}}",
    ] {
        assert_eq!(String::from_utf8(at_every_split(stream.as_bytes())).unwrap(), stream);
    }
}

#[test]
fn a_line_end_behind_a_passed_event_leaves_at_once() {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    filter.feed(b"data: x\r\n\r", &mut out);
    filter.feed(b"\n", &mut out);
    assert_eq!(out, b"data: x\r\n\r\n");
}

#[test]
fn an_event_leaves_as_soon_as_it_cannot_be_the_usage_chunk() {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    let begun = b"data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"lo";
    filter.feed(begun, &mut out);
    assert_eq!(out, begun);
    filter.feed(b"ng\"}}]}\n\n", &mut out);
    assert!(out.ends_with(b"\n\n"));
}

#[test]
fn an_event_with_something_behind_its_document_passes() {
    for event in [
        "data: {\"choices\":[]}{\"usage\":{}}\n\n",
        "data: {\"choices\":[]}{data: \"usage\":{}}\n\n",
        "data: {\"choices\":[],\"usage\":{}\n\n",
    ] {
        assert_eq!(filtered(&[event.as_bytes()]), event.as_bytes());
    }
}

#[test]
fn an_event_that_is_too_long_passes() {
    let long = format!("data: {{\"choices\":[],\"usage\":{{}},\"x\":\"{}\"}}\n\n", "x".repeat(MAX_HELD_BYTES));
    for size in [1, 1_000, usize::MAX] {
        assert_eq!(filtered(&long.as_bytes().chunks(size).collect::<Vec<_>>()), long.as_bytes());
    }
}

const SCRAPS: &[&str] = &[
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}",
    "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1}}",
    "data: {\"choices\":[]}",
    "data: {\"choices\":[],",
    "data: \"usage\":{}}",
    "event: x",
    ": comment",
    "\u{feff}",
    "data: [DONE]",
    "{",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\r\n\r\n",
];

proptest! {
    #[test]
    fn every_split_gives_the_same_bytes(scraps in prop::collection::vec(prop::sample::select(SCRAPS), 0..10)) {
        let stream = scraps.concat();
        let out = at_every_split(stream.as_bytes());
        if !stream.contains("\"choices\":[],") {
            prop_assert_eq!(out, stream.as_bytes());
        }
    }
}
