//! The spool: every record stands in a file before the last byte of its answer leaves, so that a process
//! that is killed loses none. The writer moves them into `usage.db`; what it did not get to is replayed.
//!
//! Writes go through one task, which blocks its thread for the microseconds that the page cache takes. A disk
//! that hangs blocks that one thread; every answer waits on a thread of its own, and for a bounded time only.
//! Nothing is synced: the page cache outlives the process, and `usage.db` is what outlives a power cut.

mod line;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    future::Future,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{Instant, Sleep, sleep_until},
};

use super::{StoreError, recorder::Message};
use crate::domain::{Record, RecordId};

/// A segment that has grown to this is followed by a new one.
const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// So is one that is older than this and has nothing left to be committed. It keeps a segment younger
/// than any retention, so that no record comes back that was deleted on purpose.
const SEGMENT_AGE: Duration = Duration::from_mins(1);
/// How long a disk that refused a new segment is not asked for one again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Most bytes that wait for a disk that hangs.
const BUFFER_BYTES: usize = 64 * 1024 * 1024;
/// A buffer that has not grown beyond this is kept.
const KEPT_BYTES: usize = 256 * 1024;

/// Files of the spool, in their order.
type SegmentId = u64;

/// The way into the spool.
#[derive(Debug)]
pub(super) struct Spool {
    shared: Arc<Shared>,
    wait: Duration,
    scribe: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do for the scribe.
    work: Notify,
    /// Records that were not in the spool in time.
    late: AtomicU64,
    /// Records that were to stand in the spool alone, and do not.
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Lines for the segment `current`.
    buffer: Vec<u8>,
    /// How many of them stand nowhere else.
    alone: u64,
    /// How many lines were given and how many of them were dealt with.
    given: u64,
    done: u64,
    /// Answers that wait for the scribe.
    waiting: Vec<Waker>,
    /// Since when the scribe is writing.
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

/// Where a record stands in the spool, or will in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(SegmentId);

/// Ready when a record stands in the spool, or when its answer has waited for that long enough: then the
/// record is counted as [`super::RecorderStats::unspooled`].
#[derive(Debug, Default)]
#[must_use = "the answer may go when it is ready"]
pub struct Spooling(Option<Ticket>);

#[derive(Debug)]
struct Ticket {
    shared: Arc<Shared>,
    /// The number of the line.
    number: u64,
    deadline: Instant,
    /// Made when the scribe is first waited for.
    timer: Option<Pin<Box<Sleep>>>,
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
            work: Notify::new(),
            late: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let scribe = Scribe {
            shared: Arc::clone(&shared),
            directory: directory.to_owned(),
            replay,
            file,
            bytes: 0,
            opened: Instant::now(),
            refused_at: None,
            is_torn: false,
        };
        Ok((Self { shared, wait, scribe: Mutex::new(Some(tokio::spawn(scribe.run()))) }, left))
    }

    /// Appends a record; `stands_alone` when it will stand nowhere else. There is no place when the spool is
    /// closed, fails, or too much waits already.
    pub(super) fn append(&self, record: &Record, stands_alone: bool) -> (Option<Place>, Spooling) {
        let line = line::write(record);
        let mut state = self.shared.lock();
        if state.is_closed || state.buffer.len() > BUFFER_BYTES {
            self.shared.late.fetch_add(1, Relaxed);
            return (None, Spooling(None));
        }
        // While writes fail each record tries anew, but nobody may count on it being read back.
        let has_place = !state.is_failing;
        state.buffer.extend_from_slice(&line);
        state.given += 1;
        let (number, current) = (state.given, state.current);
        if let Some(segment) = state.segments.get_mut(&current).filter(|_| has_place) {
            if stands_alone {
                segment.is_spilled = true;
            } else {
                segment.pending += 1;
            }
        }
        state.alone += u64::from(stands_alone && has_place);
        // A disk that has hung for long already is not waited for by everyone anew.
        let now = Instant::now();
        let deadline = state.busy_since.map_or(now, |since| since.min(now)) + self.wait;
        drop(state);
        self.shared.work.notify_one();
        let ticket = Ticket { shared: Arc::clone(&self.shared), number, deadline, timer: None };
        (has_place.then_some(Place(current)), Spooling(Some(ticket)))
    }

    /// Records of these places need no spool any more.
    pub(super) fn release(&self, places: impl Iterator<Item = Place>) {
        let mut state = self.shared.lock();
        for Place(segment) in places {
            if let Some(segment) = state.segments.get_mut(&segment) {
                segment.pending = segment.pending.saturating_sub(1);
            }
        }
        if state.has_finished() {
            self.shared.work.notify_one();
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

    /// Records that were lost because they stood in the spool alone and it could not be written.
    pub(super) fn lost(&self) -> u64 {
        self.shared.lost.load(Relaxed)
    }

    /// Ends the scribe; segments of which everything is committed are deleted.
    pub(super) async fn close(&self) {
        self.tell_closed();
        let scribe = self.scribe.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(scribe) = scribe {
            // A panic of the scribe was reported when it happened.
            let _ = scribe.await;
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

impl Future for Spooling {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(ticket) = &mut self.0 else { return Poll::Ready(()) };
        let mut state = ticket.shared.lock();
        if state.done >= ticket.number {
            return Poll::Ready(());
        }
        state.waiting.push(context.waker().clone());
        drop(state);
        let deadline = ticket.deadline;
        ready!(ticket.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(context));
        ticket.shared.late.fetch_add(1, Relaxed);
        self.0 = None;
        Poll::Ready(())
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

/// The task that writes.
struct Scribe {
    shared: Arc<Shared>,
    directory: PathBuf,
    replay: mpsc::WeakUnboundedSender<Message>,
    file: File,
    bytes: u64,
    opened: Instant,
    /// When the disk refused a new segment.
    refused_at: Option<Instant>,
    /// Whether the last write may have left half a line.
    is_torn: bool,
}

impl Scribe {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut aging = tokio::time::interval(SEGMENT_AGE);
        loop {
            if !self.has_work(&shared.lock()) {
                tokio::select! {
                    biased;
                    () = shared.work.notified() => {}
                    _ = aging.tick() => {}
                }
                // Whoever is ready on this thread goes first: what they bring goes in the same write.
                tokio::task::yield_now().await;
                continue;
            }
            if self.turn() {
                return;
            }
            // However fast records come, the thread's other tasks have their turn.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Does what there is to do; true when that was the last of it.
    fn turn(&mut self) -> bool {
        let mut state = self.shared.lock();
        let finished = state.take_finished();
        let is_over = state.is_closed && state.buffer.is_empty();
        let is_due = !is_over && self.is_due(&state);
        drop(state);
        finished.into_iter().for_each(|segment| self.dispose(segment));
        if !is_over {
            let next = if is_due { self.next_segment() } else { None };
            self.write(next);
        }
        is_over
    }

    fn has_work(&self, state: &State) -> bool {
        !state.buffer.is_empty() || state.is_closed || state.has_finished() || self.is_due(state)
    }

    /// Whether the segment should be followed by a new one.
    fn is_due(&self, state: &State) -> bool {
        let is_idle = state.segments.get(&state.current).is_none_or(|segment| segment.pending == 0);
        let is_due = self.bytes > SEGMENT_BYTES || (self.bytes > 0 && is_idle && self.opened.elapsed() > SEGMENT_AGE);
        is_due && self.refused_at.is_none_or(|at| at.elapsed() > RETRY_AFTER)
    }

    /// A new segment, unless the disk refuses one: it is not asked again at once.
    fn next_segment(&mut self) -> Option<(PathBuf, File)> {
        match new_segment(&self.directory) {
            Ok(made) => {
                self.refused_at = None;
                Some(made)
            }
            Err(error) => {
                tracing::error!(%error, "no new segment for the spool; the old one grows");
                self.refused_at = Some(Instant::now());
                None
            }
        }
    }

    /// Writes what waits; the lines given from now on go into `next`, if there is one.
    fn write(&mut self, next: Option<(PathBuf, File)>) {
        let mut state = self.shared.lock();
        let mut lines = std::mem::take(&mut state.buffer);
        let alone = std::mem::take(&mut state.alone);
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
            let lost = self.shared.lost.fetch_add(alone, Relaxed) + alone;
            tracing::error!(
                %error, late, lost, "the spool cannot be written, records are at risk until they are committed"
            );
        }
        if let Some(file) = next {
            (self.file, self.bytes, self.opened, self.is_torn) = (file, 0, Instant::now(), false);
        }
        lines.clear();
        let mut state = self.shared.lock();
        if state.buffer.is_empty() && lines.capacity() <= KEPT_BYTES {
            // The buffer is used again; one that a hanging disk has swollen is given back.
            state.buffer = lines;
        }
        state.done = given;
        state.is_failing = has_failed;
        state.busy_since = None;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
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
