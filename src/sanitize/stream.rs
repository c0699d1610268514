//! A body that comes piece by piece: its events are judged as they come and leave as soon as nothing in
//! them can become a match any more.
//!
//! Events leave whole, in order and, where no rule touched them, byte for byte. Only what could still be
//! the beginning of a match is held back. It never lets an event pass that it could not read.

mod frames;
mod running;

use std::{collections::VecDeque, sync::Arc};

use frames::{Data, Frame, Frames, Line};
use running::{Running, running, tokens};

pub use frames::Framing;

use super::{
    RuleSet, body,
    carriers::{
        self,
        fragments::{Class, Stream, Thread},
    },
    mask::Vault,
    screen::{Failure, Masks, Report, Screen},
    text::{Form, Text},
    tree::{ROOT, Tree, Unreadable},
};
use crate::{
    dialect::splice::Edit,
    domain::{Api, Direction},
};

/// The largest event that is looked at; pictures come in one.
pub const MAX_EVENT_BYTES: usize = 32 << 20;

/// The most bytes of events that wait; then the texts that they wait for are taken as ended.
const MAX_HELD_BYTES: usize = 16 << 20;

/// The most texts that may run beside each other.
const MAX_THREADS: usize = 1_024;

/// How many lines besides data, and how long ones, are known again.
const MAX_KNOWN_LINES: usize = 16;
const MAX_KNOWN_LINE_BYTES: usize = 64;

/// Watches one answer.
#[derive(Debug)]
pub struct Guard {
    rules: Arc<RuleSet>,
    vault: Arc<Vault>,
    api: Api,
    framing: Framing,
    /// False when nothing can be changed: then nothing is held and nothing comes out.
    edits: bool,
    frames: Frames,
    ready: Vec<Frame>,
    waiting: VecDeque<Event>,
    waiting_bytes: usize,
    /// The number of the first event that waits.
    first: u64,
    threads: Vec<Running>,
    /// Lines besides data in which nothing was found.
    clean_lines: Vec<Box<[u8]>>,
    report: Report,
    failure: Option<Failure>,
}

/// An event that waits.
#[derive(Debug, Default)]
struct Event {
    raw: Vec<u8>,
    data: Data,
    /// Changes of its data.
    edits: Vec<Edit>,
    /// Changes of its other lines.
    line_edits: Vec<Edit>,
}

impl Guard {
    /// A guard of an answer to a client of `api`. With `edits` what comes out takes the place of what went
    /// in; without, the guard only looks on.
    pub fn new(rules: Arc<RuleSet>, vault: Arc<Vault>, api: Api, framing: Framing, edits: bool) -> Self {
        Self {
            rules,
            vault,
            api,
            framing,
            edits,
            frames: Frames::new(framing),
            ready: Vec::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            first: 0,
            threads: Vec::new(),
            clean_lines: Vec::new(),
            report: Report::default(),
            failure: None,
        }
    }

    /// Whether what comes out takes the place of what went in.
    pub const fn edits(&self) -> bool {
        self.edits
    }

    /// How the answer's documents follow each other.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Reads on and appends what may leave to `out`. After a block or a failure nothing leaves any more.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.is_over() {
            return;
        }
        let mut ready = std::mem::take(&mut self.ready);
        self.frames.feed(bytes, &mut ready);
        if self.frames.held() > MAX_EVENT_BYTES {
            self.fail(Failure::TooLarge(MAX_EVENT_BYTES));
        }
        self.take(&mut ready, out);
        self.ready = ready;
    }

    /// The answer is over: what still waits is judged as it stands.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.is_over() {
            return;
        }
        let mut ready = Vec::new();
        self.frames.finish(&mut ready);
        self.take(&mut ready, out);
        if !self.is_over() {
            self.end_threads(|_| true);
            self.release(out);
        }
    }

    /// What was found so far.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Why the answer cannot go on, if it cannot.
    pub const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Nothing leaves any more.
    pub const fn is_over(&self) -> bool {
        self.failure.is_some() || (self.edits && self.report.blocked)
    }

    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.threads.clear();
        self.waiting.clear();
    }

    fn take(&mut self, ready: &mut Vec<Frame>, out: &mut Vec<u8>) {
        for frame in ready.drain(..) {
            if self.is_over() {
                break;
            }
            match frame {
                Frame::Event(raw) => self.event(raw),
                Frame::Glue(bytes) if self.edits => match self.waiting.back_mut() {
                    Some(event) => event.raw.extend_from_slice(&bytes),
                    None => out.extend_from_slice(&bytes),
                },
                Frame::Glue(_) => {}
            }
            if !self.is_over() {
                self.release(out);
            }
        }
        ready.clear();
    }

    fn event(&mut self, raw: Vec<u8>) {
        let data = self.frames.data(&raw);
        let number = self.first + self.waiting.len() as u64;
        if self.edits {
            self.waiting_bytes += raw.len();
            self.waiting.push_back(Event::default());
        }
        let judged = self.lines(&raw, number).and_then(|()| self.judge(data.bytes(&raw), number));
        if let Some(event) = self.waiting.back_mut() {
            event.raw = raw;
            event.data = data;
        }
        if let Err(failure) = judged {
            self.fail(failure);
        }
        if !self.edits {
            self.first += 1;
        } else if self.waiting_bytes > MAX_HELD_BYTES {
            self.end_threads(|_| true);
        }
    }

    /// Judges the lines of an event that are no data: each is a text by itself.
    fn lines(&mut self, raw: &[u8], number: u64) -> Result<(), Failure> {
        if self.framing != Framing::Sse {
            return Ok(());
        }
        let Self { rules, vault, report, waiting, clean_lines, .. } = self;
        let mut screen = Screen::new(rules, Direction::Response, Masks::Restore(vault), report);
        for Line { what, text: at } in frames::other_lines(raw) {
            let bytes = raw.get(at.clone()).unwrap_or_default();
            // The same few names come again and again.
            if bytes.is_empty() || clean_lines.iter().any(|line| **line == *bytes) {
                continue;
            }
            // No field of events: a stream in another encoding is made of such lines.
            if what == "line" && (std::str::from_utf8(bytes).is_err() || memchr::memchr(0, bytes).is_some()) {
                return Err(Unreadable::Encoding.into());
            }
            let Ok(plain) = std::str::from_utf8(bytes) else {
                if screen.is_clean(&String::from_utf8_lossy(bytes))? {
                    continue;
                }
                return Err(Unreadable::Encoding.into());
            };
            if screen.is_clean(plain)? {
                if bytes.len() <= MAX_KNOWN_LINE_BYTES && clean_lines.len() < MAX_KNOWN_LINES {
                    clean_lines.push(bytes.into());
                }
                continue;
            }
            let mut text = Text::new(Form::Bare);
            text.push(plain, number, at.start);
            screen.judge(&mut text, true, &|| format!("stream.{what}"), &mut |_, mut edit| {
                edit.with.retain(|byte| !matches!(byte, b'\r' | b'\n'));
                if let Some(event) = waiting.back_mut() {
                    event.line_edits.push(edit);
                }
            })?;
        }
        Ok(())
    }

    fn judge(&mut self, data: &[u8], number: u64) -> Result<(), Failure> {
        let is_blank = data.iter().all(u8::is_ascii_whitespace);
        if is_blank {
            return Ok(());
        }
        if self.framing == Framing::Sse && data.trim_ascii() == b"[DONE]" {
            self.end_threads(|_| true);
            return Ok(());
        }
        let repeats = self.is_repeated(data);
        let Self { rules, vault, report, waiting, first, threads, .. } = self;
        let mut edit = |event: u64, edit: Edit| {
            let place = event.checked_sub(*first).and_then(|place| usize::try_from(place).ok());
            if let Some(event) = place.and_then(|place| waiting.get_mut(place)) {
                event.edits.push(edit);
            }
        };
        let mut screen = Screen::new(rules, Direction::Response, Masks::Restore(vault), report);
        screen.repeats = repeats;
        if self.framing == Framing::Text {
            let Ok(plain) = std::str::from_utf8(data) else {
                // Media, unless there is something in it; then it is text in another encoding.
                let is_clean = screen.is_clean(&String::from_utf8_lossy(data))?;
                return if is_clean { Ok(()) } else { Err(Unreadable::Encoding.into()) };
            };
            let mut text = Text::new(Form::Bare);
            text.push(plain, number, 0);
            return screen.judge(&mut text, true, &|| "text".to_owned(), &mut edit);
        }
        let tree = Tree::read(data)?;
        let mut result = Ok(());
        let stream = (self.framing != Framing::Json).then(|| Stream::of(self.api, &tree));
        let mut touched: Vec<(u64, Class)> = Vec::new();
        carriers::each(&tree, &mut |carrier| {
            if result.is_err() {
                return;
            }
            if let Some(stream) = stream.filter(|_| carrier.form == Form::Tokens) {
                let thread = stream.tokens_thread(&tree, carrier.node);
                touched.push((thread.group, thread.class));
                result = tokens(&mut screen, threads, thread, (&tree, &carrier), number, &mut edit);
                return;
            }
            result = match stream.and_then(|stream| stream.thread(&tree, &carrier)) {
                None => body::whole(&mut screen, &tree, &carrier, number, &mut edit),
                Some(thread) => {
                    touched.push((thread.group, thread.class));
                    let made = || (Text::new(carrier.form), carriers::place(&tree, carrier.node));
                    running(threads, thread, made).and_then(|Running { text, place, .. }| {
                        text.push(tree.slice(carrier.span.clone()), number, carrier.span.start);
                        screen.judge(text, false, &|| place.clone(), &mut edit)
                    })
                }
            };
        });
        result?;
        let ending = stream.map(|stream| stream.ending(&tree)).unwrap_or_default();
        self.end_threads(|thread| {
            let has_switched = |(group, class): &(u64, Class)| *group == thread.group && *class != thread.class;
            let is_touched = touched.contains(&(thread.group, thread.class));
            ending.all
                || ending.groups.contains(&thread.group)
                || (thread.class != Class::Any && !is_touched && touched.iter().any(has_switched))
        });
        Ok(())
    }

    /// Whether an event of Responses says once more, as a whole, what the events before it said piece by piece. Those
    /// are judged to their end first, so that what is in them is told where it was said.
    fn is_repeated(&mut self, data: &[u8]) -> bool {
        if self.api != Api::OpenaiResponses || self.framing != Framing::Sse {
            return false;
        }
        // What cannot be read fails where it is judged.
        let Ok(tree) = Tree::read(data) else { return false };
        let kind = tree.get(ROOT, "type").map(|kind| tree.string(kind)).unwrap_or_default();
        let is_end = matches!(&*kind, "response.completed" | "response.incomplete" | "response.failed");
        if !is_end && !kind.ends_with(".done") {
            return false;
        }
        let ending = Stream::of(self.api, &tree).ending(&tree);
        self.end_threads(|thread| is_end || ending.all || ending.groups.contains(&thread.group));
        true
    }

    /// Judges the texts that `ends` picks to their end. Should one go on all the same, it is judged as one text.
    fn end_threads(&mut self, ends: impl Fn(&Thread) -> bool) {
        let Self { rules, vault, report, waiting, first, threads, .. } = self;
        let mut edit = |event: u64, edit: Edit| {
            let place = event.checked_sub(*first).and_then(|place| usize::try_from(place).ok());
            if let Some(event) = place.and_then(|place| waiting.get_mut(place)) {
                event.edits.push(edit);
            }
        };
        let mut screen = Screen::new(rules, Direction::Response, Masks::Restore(vault), report);
        let mut result = Ok(());
        for running in threads.iter_mut().filter(|running| !running.text.is_at_rest() && ends(&running.thread)) {
            running.text.pause();
            let judged = screen.judge(&mut running.text, true, &|| running.place.clone(), &mut edit);
            running.text.paused();
            result = std::mem::replace(&mut result, Ok(())).and(judged);
        }
        if let Err(failure) = result {
            self.fail(failure);
        }
    }

    /// Lets go of the events before the first one that a text waits in.
    fn release(&mut self, out: &mut Vec<u8>) {
        let until = self.threads.iter().filter_map(|running| running.text.waits_in()).min().unwrap_or(u64::MAX);
        while self.first < until
            && let Some(event) = self.waiting.pop_front()
        {
            self.first += 1;
            self.waiting_bytes = self.waiting_bytes.saturating_sub(event.raw.len());
            event.write(out);
        }
    }
}

impl Event {
    /// Writes the event with its changes.
    fn write(&self, out: &mut Vec<u8>) {
        let in_data = self.edits.iter().map(|edit| (self.data.in_event(edit.span.clone()), &edit.with));
        let mut all: Vec<_> =
            in_data.chain(self.line_edits.iter().map(|edit| (edit.span.clone(), &edit.with))).collect();
        all.sort_by_key(|(span, _)| span.start);
        let mut done = 0;
        for (span, with) in all {
            if span.start < done {
                continue;
            }
            out.extend_from_slice(self.raw.get(done..span.start).unwrap_or_default());
            out.extend_from_slice(with);
            done = span.end;
        }
        out.extend_from_slice(self.raw.get(done..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod hidden;
