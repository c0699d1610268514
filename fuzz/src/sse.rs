//! The reader of event streams, beside a plain one that sees the whole stream at once; and the filter that
//! takes the usage chunk out of a stream.

use llm_gateway::dialect::{
    sse::{MAX_EVENT_BYTES, Piece, Reader, Splitter},
    usage_chunk::Filter,
};

use super::cuts;

/// Name and data of an event.
type Event = (Vec<u8>, Vec<u8>);

/// The input is a stream.
pub fn run(stream: &[u8]) {
    let whole = read(&[stream]);
    assert_eq!(whole, (plainly(stream), 0), "an independent reading differs");
    let filtered = filter(&[stream]);
    for feeds in cuts::of(stream) {
        assert_eq!(read(&feeds), whole, "the events depend on the split");
        assert_eq!(ends(&feeds), whole.0.len(), "the splitter counts other events than the reader");
        assert_eq!(filter(&feeds), filtered, "what the filter lets pass depends on the split");
    }
    // The filter takes whole events out and touches no other.
    let kept = plainly(&filtered);
    let mut left = kept.iter().peekable();
    for event in &whole.0 {
        if left.next_if(|kept| *kept == event).is_none() {
            let data = String::from_utf8_lossy(&event.1);
            assert!(data.contains("choices") || data.contains('\\'), "the filter took {data:?} out");
            assert!(data.contains("usage") || data.contains('\\'), "the filter took {data:?} out");
        }
    }
    assert_eq!(left.next(), None, "the filter invented an event");
    if kept.len() == whole.0.len() {
        assert_eq!(filtered, stream, "nothing was taken out, and yet the bytes differ");
    }
}

fn read(feeds: &[&[u8]]) -> (Vec<Event>, u64) {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for feed in feeds {
        reader.feed(feed, |event| events.push((event.event.to_vec(), event.data.to_vec())));
    }
    (events, reader.skipped())
}

fn ends(feeds: &[&[u8]]) -> usize {
    let (mut splitter, mut ends) = (Splitter::default(), 0);
    for feed in feeds {
        splitter.feed(feed, &mut |piece| ends += usize::from(matches!(piece, Piece::End { is_event: true })));
    }
    ends
}

fn filter(feeds: &[&[u8]]) -> Vec<u8> {
    let (mut filter, mut out) = (Filter::default(), Vec::new());
    for feed in feeds {
        filter.feed(feed, &mut out);
    }
    filter.finish(&mut out);
    out
}

/// The rules of WHATWG HTML, "Interpreting an event stream", over a stream that is all there. A byte order
/// mark goes, lines end in `\r\n`, `\n` or `\r`, an event needs data, its last name counts.
fn plainly(stream: &[u8]) -> Vec<Event> {
    assert!(stream.len() < MAX_EVENT_BYTES, "the cap is not fuzzed");
    let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let (mut events, mut name, mut data) = (Vec::new(), Vec::new(), None::<Vec<u8>>);
    let mut rest = stream;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        let line = &rest[..at];
        rest = rest[at..].strip_prefix(b"\r\n").unwrap_or(&rest[at + 1..]);
        if line.is_empty() {
            events.extend(data.take().map(|data| (std::mem::take(&mut name), data)));
            name.clear();
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => name = value.to_vec(),
            b"data" => match &mut data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => data = Some(value.to_vec()),
            },
            _ => {}
        }
    }
    events
}
