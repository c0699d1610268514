//! The spool: every record stands in a file before the last byte of its answer leaves, so that a process
//! that is killed loses none. The writer moves them into `usage.db`; what it did not get to is replayed.
//!
//! Writes go through one thread, so that a disk that hangs can hold an answer up for a bounded time only.
//! Nothing is synced: the page cache outlives the process, and `usage.db` is what outlives a power cut.

mod line;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{StoreError, recorder::Message};
use crate::domain::{Record, RecordId};

/// A segment that has grown to this is followed by a new one.
const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// So is one that is older than this and has nothing left to be committed. It keeps a segment younger
/// than any retention, so that no record comes back that was deleted on purpose.
const SEGMENT_AGE: Duration = Duration::from_mins(1);
/// Most bytes that wait for a disk that hangs.
const BUFFER_BYTES: usize = 64 * 1024 * 1024;

/// Files of the spool, in their order.
type SegmentId = u64;

/// The way into the spool.
#[derive(Debug)]
pub(super) struct Spool {
    shared: Arc<Shared>,
    wait: Duration,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do for the thread.
    work: Condvar,
    /// The thread has written.
    written: Condvar,
    /// Records that were not in the spool in time.
    late: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Lines for the segment `current`.
    buffer: Vec<u8>,
    /// How many lines were given and how many of them were dealt with.
    given: u64,
    done: u64,
    /// Since when the thread is writing.
    busy_since: Option<Instant>,
    current: SegmentId,
    segments: BTreeMap<SegmentId, Segment>,
    /// Whether the last write failed.
    is_failing: bool,
    is_closed: bool,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    /// Records of it that are not committed.
    pending: u64,
    /// Whether it holds records that stand nowhere else: it is then read back.
    is_spilled: bool,
}

/// What became of a record that was given to the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spooled {
    segment: SegmentId,
    /// False when the answer could not wait for it.
    pub(super) in_time: bool,
}

impl Spool {
    /// Opens a new segment in `directory`. Returns the segments that an earlier process left, oldest first.
    pub(super) fn open(
        directory: &Path,
        wait: Duration,
        replay: mpsc::WeakUnboundedSender<Message>,
    ) -> Result<(Self, Vec<PathBuf>), StoreError> {
        let failed = |source| StoreError::File { path: directory.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let mut left = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "spool") {
                left.push(path);
            }
        }
        left.sort();
        let (path, file) = new_segment(directory).map_err(failed)?;
        let first = Segment { path, pending: 0, is_spilled: false };
        let state = State { segments: [(0, first)].into(), ..State::default() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            written: Condvar::new(),
            late: AtomicU64::new(0),
        });
        let scribe = Scribe {
            shared: Arc::clone(&shared),
            directory: directory.to_owned(),
            replay,
            file,
            bytes: 0,
            opened: Instant::now(),
            is_torn: false,
        };
        let thread = std::thread::Builder::new().name("spool".to_owned()).spawn(|| scribe.run()).map_err(failed)?;
        Ok((Self { shared, wait, thread: Mutex::new(Some(thread)) }, left))
    }

    /// Appends a record and waits until the file has it, but not for long. `None` when the spool is closed
    /// or too much waits already.
    pub(super) fn append(&self, record: &Record) -> Option<Spooled> {
        let line = line::write(record);
        let now = Instant::now();
        let mut state = self.shared.lock();
        if state.is_closed || state.buffer.len() > BUFFER_BYTES {
            self.shared.late.fetch_add(1, Relaxed);
            return None;
        }
        state.buffer.extend_from_slice(&line);
        state.given += 1;
        let (ticket, segment) = (state.given, state.current);
        if let Some(segment) = state.segments.get_mut(&segment) {
            segment.pending += 1;
        }
        self.shared.work.notify_one();
        while state.done < ticket {
            // A disk that has hung for long already is not waited for by everyone anew.
            let deadline = state.busy_since.map_or(now, |since| since.min(now)) + self.wait;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.shared.late.fetch_add(1, Relaxed);
                return Some(Spooled { segment, in_time: false });
            }
            state = self.shared.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.is_failing {
            // It stands in no file: nobody may count on it being read back.
            if let Some(segment) = state.segments.get_mut(&segment) {
                segment.pending = segment.pending.saturating_sub(1);
            }
            return None;
        }
        Some(Spooled { segment, in_time: true })
    }

    /// Records of these places need no spool any more.
    pub(super) fn release(&self, places: impl Iterator<Item = Spooled>) {
        let mut state = self.shared.lock();
        for place in places {
            if let Some(segment) = state.segments.get_mut(&place.segment) {
                segment.pending = segment.pending.saturating_sub(1);
            }
        }
        if state.has_finished() {
            self.shared.work.notify_one();
        }
    }

    /// This record was not queued for the database: it is to be read back from the spool later.
    pub(super) fn spill(&self, place: Spooled) {
        let mut state = self.shared.lock();
        if let Some(segment) = state.segments.get_mut(&place.segment) {
            segment.pending = segment.pending.saturating_sub(1);
            segment.is_spilled = true;
        }
    }

    /// Whether the last write failed.
    pub(super) fn is_failing(&self) -> bool {
        self.shared.lock().is_failing
    }

    /// Records that were not in the spool when their answers went, since the start.
    pub(super) fn late(&self) -> u64 {
        self.shared.late.load(Relaxed)
    }

    /// Ends the thread; segments of which everything is committed are deleted.
    pub(super) fn close(&self) {
        self.tell_closed();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }

    fn tell_closed(&self) {
        self.shared.lock().is_closed = true;
        self.shared.work.notify_one();
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.tell_closed();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_finished(&self) -> bool {
        self.segments.iter().any(|(id, segment)| segment.pending == 0 && *id != self.current)
    }

    /// Takes the segments out of which everything is committed; the current one only at the end.
    fn take_finished(&mut self) -> Vec<Segment> {
        let current = if self.is_closed { None } else { Some(self.current) };
        self.segments
            .extract_if(.., |id, segment| segment.pending == 0 && Some(*id) != current)
            .map(|(_, s)| s)
            .collect()
    }
}

/// The thread that writes.
struct Scribe {
    shared: Arc<Shared>,
    directory: PathBuf,
    replay: mpsc::WeakUnboundedSender<Message>,
    file: File,
    bytes: u64,
    opened: Instant,
    /// Whether the last write may have left half a line.
    is_torn: bool,
}

impl Scribe {
    fn run(mut self) {
        loop {
            let mut state = self.shared.lock();
            while state.buffer.is_empty() && !state.is_closed && !state.has_finished() && !self.is_due(&state) {
                state = self.shared.work.wait_timeout(state, SEGMENT_AGE).unwrap_or_else(PoisonError::into_inner).0;
            }
            let finished = state.take_finished();
            let is_over = state.is_closed && state.buffer.is_empty();
            let is_due = !is_over && self.is_due(&state);
            drop(state);
            finished.into_iter().for_each(|segment| self.dispose(segment));
            if is_over {
                return;
            }
            let next = is_due.then(|| new_segment(&self.directory)).and_then(|made| {
                made.inspect_err(|error| tracing::error!(%error, "no new segment for the spool; the old one grows"))
                    .ok()
            });
            self.write(next);
        }
    }

    /// Whether the segment should be followed by a new one.
    fn is_due(&self, state: &State) -> bool {
        let is_idle = state.segments.get(&state.current).is_none_or(|segment| segment.pending == 0);
        self.bytes > SEGMENT_BYTES || (self.bytes > 0 && is_idle && self.opened.elapsed() > SEGMENT_AGE)
    }

    /// Writes what waits; the lines given from now on go into `next`, if there is one.
    fn write(&mut self, next: Option<(PathBuf, File)>) {
        let mut state = self.shared.lock();
        let mut lines = std::mem::take(&mut state.buffer);
        let given = state.given;
        let count = given - state.done;
        state.busy_since = Some(Instant::now());
        let next = next.map(|(path, file)| {
            state.current += 1;
            let id = state.current;
            state.segments.insert(id, Segment { path, pending: 0, is_spilled: false });
            file
        });
        drop(state);
        if self.is_torn {
            lines.insert(0, b'\n');
        }
        let result = self.file.write_all(&lines);
        self.bytes += lines.len() as u64;
        let has_failed = result.is_err();
        self.is_torn = has_failed;
        if let Err(error) = result {
            // What waits for these lines must not wait longer: they are in the queue all the same.
            let late = self.shared.late.fetch_add(count, Relaxed) + count;
            tracing::error!(%error, late, "the spool cannot be written, records are at risk until they are committed");
        }
        if let Some(file) = next {
            (self.file, self.bytes, self.opened, self.is_torn) = (file, 0, Instant::now(), false);
        }
        let mut state = self.shared.lock();
        state.done = given;
        state.is_failing = has_failed;
        state.busy_since = None;
        drop(state);
        self.shared.written.notify_all();
    }

    /// Deletes a segment, or has it read back when it holds what stands nowhere else.
    fn dispose(&self, segment: Segment) {
        if segment.is_spilled {
            if let Some(queue) = self.replay.upgrade() {
                // A closed queue leaves the file for the next start.
                let _ = queue.send(Message::Replay(segment.path));
            }
        } else if let Err(error) = fs::remove_file(&segment.path) {
            tracing::warn!(%error, path = %segment.path.display(), "a spool file cannot be deleted");
        }
    }
}

/// The records of a segment, in their order, and how many lines could not be read.
pub(super) fn read_segment(path: &Path) -> std::io::Result<(Vec<Record>, usize)> {
    let bytes = fs::read(path)?;
    let (mut records, mut unread) = (Vec::new(), 0);
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match line::read(line) {
            Some(record) => records.push(record),
            None => unread += 1,
        }
    }
    Ok((records, unread))
}

/// A new file whose name is later than every other's.
fn new_segment(directory: &Path) -> std::io::Result<(PathBuf, File)> {
    let path = directory.join(format!("{}.spool", RecordId::new()));
    let file = fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
    Ok((path, file))
}
