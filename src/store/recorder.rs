//! The way into the history: a queue, bounded in bytes, in front of the one writer.
//!
//! Submitting waits for the spool alone, for a bounded time, and never loses a record silently.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::{
    StoreError,
    aside::Aside,
    incidents::IncidentNews,
    spool::{Place, Spool, Spooling},
};
use crate::{
    config::Incidents,
    domain::{Attempt, Record},
};

/// Most bytes that may wait to be written. At about 1 KB a record this is a minute of outage at
/// a thousand requests a second.
const QUEUE_BYTES: u64 = 64 * 1024 * 1024;
/// How many committed records a live reader may lag behind before it must skip.
const LIVE_CAPACITY: usize = 1_024;
/// How long closing waits for a database that cannot be written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// News of incidents that a reader may lag behind before it must skip.
const NEWS_CAPACITY: usize = 1_024;

/// What the writer makes of records besides rows; may be replaced at any time.
#[derive(Clone, Debug)]
pub struct Judging {
    /// When failures are an incident, and when it is over.
    pub incidents: Incidents,
    /// Whether outcomes are signals of quality.
    pub automatic_signals: bool,
}

impl Default for Judging {
    fn default() -> Self {
        Self { incidents: Incidents::default(), automatic_signals: true }
    }
}

/// Takes finished records. Clones share one queue and one writer.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::UnboundedSender<Message>,
    gauges: Arc<Gauges>,
    spool: Arc<Spool>,
}

/// A record that has just been committed.
#[derive(Clone, Debug)]
pub struct LiveRecord {
    /// Its place in the order of commits; the id of its server-sent event.
    pub seq: i64,
    /// The record, its attempts included.
    pub record: Arc<Record>,
}

/// How the queue is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderStats {
    /// Bytes that wait to be written.
    pub depth_bytes: u64,
    /// Records that were submitted and are not yet in the database.
    pub at_risk: u64,
    /// Records whose answer went before the spool had them, since the start: a crash could have lost them.
    pub unspooled: u64,
    /// Records that were lost because the queue was full or the database refused them, since the start.
    pub dropped: u64,
    /// Records that were written, since the start.
    pub written: u64,
    /// Why the database cannot be written at the moment.
    pub trouble: Option<Trouble>,
    /// Whether the spool could not be written when it was last tried.
    pub is_spool_failing: bool,
}

/// Why the database cannot be written. The records wait until it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The disk is full.
    DiskFull,
    /// Another process holds it.
    Locked,
    /// The file may not be written, or is no longer where it was.
    ReadOnly,
    /// Anything else; the log says what.
    Other,
}

impl Trouble {
    const ALL: [Self; 4] = [Self::DiskFull, Self::Locked, Self::ReadOnly, Self::Other];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::Locked => "database_locked",
            Self::ReadOnly => "database_read_only",
            Self::Other => "database_failing",
        }
    }

    /// What SQLite's primary result code means.
    pub(super) const fn of(code: Option<u32>) -> Self {
        match code {
            Some(13) => Self::DiskFull,
            Some(5 | 6) => Self::Locked,
            Some(8) => Self::ReadOnly,
            _ => Self::Other,
        }
    }
}

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Write this.
    Record(Arc<Record>, Load),
    /// Write what a segment of the spool holds and the database does not, and delete it.
    Replay(PathBuf),
    /// Pack an hour or a day that is over, and tell whether there was one.
    Pack(oneshot::Sender<bool>),
    /// Do something else.
    Aside(Aside),
    /// Answer when everything before is dealt with.
    Flush(oneshot::Sender<()>),
    /// The same, and then end.
    Close(oneshot::Sender<()>),
}

/// What a queued record takes up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    /// What it weighs in the queue, in bytes.
    weight: u64,
    /// Its place in the spool.
    pub(super) place: Option<Place>,
}

/// The writer's end.
pub(super) struct Inlet {
    pub(super) queue: mpsc::UnboundedReceiver<Message>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) spool: Arc<Spool>,
}

/// What the queue and the writer both count.
#[derive(Debug)]
pub(super) struct Gauges {
    depth_bytes: AtomicU64,
    at_risk: AtomicU64,
    dropped: AtomicU64,
    written: AtomicU64,
    /// 0 for none, else one more than the place in [`Trouble::ALL`].
    trouble: AtomicUsize,
    live: broadcast::Sender<LiveRecord>,
    incidents: broadcast::Sender<IncidentNews>,
    judging: ArcSwap<Judging>,
    signals: watch::Sender<()>,
}

impl Recorder {
    /// A recorder that spools into a directory, and what its writer needs.
    pub(super) fn new(spool: &Path, wait: Duration, judging: Judging) -> Result<(Self, Inlet), StoreError> {
        let (queue, receiver) = mpsc::unbounded_channel();
        let gauges = Arc::new(Gauges {
            depth_bytes: AtomicU64::new(0),
            at_risk: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            written: AtomicU64::new(0),
            trouble: AtomicUsize::new(0),
            live: broadcast::channel(LIVE_CAPACITY).0,
            incidents: broadcast::channel(NEWS_CAPACITY).0,
            judging: ArcSwap::from_pointee(judging),
            signals: watch::Sender::new(()),
        });
        let (spool, left) = Spool::open(spool, wait, queue.downgrade())?;
        let spool = Arc::new(spool);
        for segment in left {
            // The receiver is right here.
            let _ = queue.send(Message::Replay(segment));
        }
        let inlet = Inlet { queue: receiver, gauges: Arc::clone(&gauges), spool: Arc::clone(&spool) };
        Ok((Self { queue, gauges, spool }, inlet))
    }

    /// Spools and queues a record. What it returns is ready when the record is in the page cache, usually after
    /// some microseconds, or when `storage.spool_wait_ms` are over: then the record is counted as
    /// [`RecorderStats::unspooled`]. A full queue leaves the record in the spool, from where it is read back; it
    /// is lost, and counted as dropped, only if the spool failed too.
    pub fn submit_spooled(&self, record: Record) -> Spooling {
        let weight = weight(&record);
        let has_room = self.gauges.take_room(weight);
        let (place, spooling) = self.spool.append(&record, !has_room);
        if has_room {
            self.queue(record, Load { weight, place });
        } else if place.is_none() {
            self.gauges.dropped("the queue in front of usage.db is full");
        }
        spooling
    }

    /// The same for a record whose answer nobody waits for any more.
    pub fn submit(&self, record: Record) {
        drop(self.submit_spooled(record));
    }

    /// Queues a record that no client waits for: synthetic history. It is not spooled.
    pub fn import(&self, record: Record) {
        let weight = weight(&record);
        if self.gauges.take_room(weight) {
            self.queue(record, Load { weight, place: None });
        } else {
            self.gauges.dropped("the queue in front of usage.db is full");
        }
    }

    fn queue(&self, record: Record, load: Load) {
        self.gauges.at_risk.fetch_add(1, Relaxed);
        if self.queue.send(Message::Record(Arc::new(record), load)).is_err() {
            self.gauges.settle(load);
            self.gauges.dropped("the store is closed");
        }
    }

    /// Waits until everything submitted before is on disk or counted as dropped.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the writer has ended.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        self.queue.send(Message::Flush(done)).map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)
    }

    /// Packs the sums of all hours and days that are over, between the records.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the writer has ended.
    pub async fn pack(&self) -> Result<(), StoreError> {
        loop {
            let (done, wait) = oneshot::channel();
            self.queue.send(Message::Pack(done)).map_err(|_| StoreError::Closed)?;
            if !wait.await.map_err(|_| StoreError::Closed)? {
                return Ok(());
            }
        }
    }

    /// Records as they are committed. A receiver that falls behind skips and is told how many.
    pub fn live(&self) -> broadcast::Receiver<LiveRecord> {
        self.gauges.live.subscribe()
    }

    /// Incidents as they open, grow, come back and end. A receiver that falls behind skips and is told how many.
    pub fn incident_news(&self) -> broadcast::Receiver<IncidentNews> {
        self.gauges.incidents.subscribe()
    }

    /// Changes whenever somebody gave a signal.
    pub fn signals_changed(&self) -> watch::Receiver<()> {
        self.gauges.signals.subscribe()
    }

    /// Judges records by other settings from now on.
    pub fn judge_by(&self, judging: Judging) {
        self.gauges.judging.store(Arc::new(judging));
    }

    /// Tells the writer.
    pub(super) fn tell(&self, message: Message) -> Result<(), StoreError> {
        self.queue.send(message).map_err(|_| StoreError::Closed)
    }

    /// How the queue is doing.
    pub fn stats(&self) -> RecorderStats {
        RecorderStats {
            depth_bytes: self.gauges.depth_bytes.load(Relaxed),
            at_risk: self.gauges.at_risk.load(Relaxed),
            unspooled: self.spool.late(),
            dropped: self.gauges.dropped.load(Relaxed) + self.spool.lost(),
            written: self.gauges.written.load(Relaxed),
            trouble: self
                .gauges
                .trouble
                .load(Relaxed)
                .checked_sub(1)
                .and_then(|place| Trouble::ALL.get(place).copied()),
            is_spool_failing: self.spool.is_failing(),
        }
    }

    /// Writes what is queued and ends the writer. Closing twice is fine.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Close(done)).is_err() {
            return Ok(());
        }
        let drained = tokio::time::timeout(CLOSE_TIMEOUT, wait).await;
        self.spool.close().await;
        match drained {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Unwritten { records: self.stats().at_risk }),
        }
    }
}

impl Gauges {
    /// Whether the queue has room for so many bytes; if so, they are taken.
    fn take_room(&self, weight: u64) -> bool {
        let has_room = self.depth_bytes.fetch_add(weight, Relaxed) + weight <= QUEUE_BYTES;
        if !has_room {
            self.depth_bytes.fetch_sub(weight, Relaxed);
        }
        has_room
    }

    /// A record is on disk.
    pub(super) fn wrote(&self, seq: i64, record: Arc<Record>, load: Load) {
        self.settle(load);
        self.written.fetch_add(1, Relaxed);
        if self.live.receiver_count() > 0 {
            // It fails only when the last receiver has just gone.
            let _ = self.live.send(LiveRecord { seq, record });
        }
    }

    /// The settings by which records are judged.
    pub(super) fn judging(&self) -> Arc<Judging> {
        self.judging.load_full()
    }

    /// Tells that somebody gave a signal.
    pub(super) fn tell_signal(&self) {
        self.signals.send_replace(());
    }

    /// Tells of an incident.
    pub(super) fn tell_incident(&self, news: IncidentNews) {
        // It fails only when nobody listens.
        let _ = self.incidents.send(news);
    }

    /// A record cannot be written.
    pub(super) fn refused(&self, load: Load) {
        self.settle(load);
        self.dropped.fetch_add(1, Relaxed);
    }

    /// The database cannot be written, or can be again.
    pub(super) fn note_trouble(&self, trouble: Option<Trouble>) {
        let place = trouble.and_then(|trouble| Trouble::ALL.iter().position(|known| *known == trouble));
        self.trouble.store(place.map_or(0, |place| place + 1), Relaxed);
    }

    /// Records were read back from the spool.
    pub(super) fn recovered(&self, records: u64) {
        self.at_risk.fetch_add(records, Relaxed);
    }

    /// Counts a record that never got into the queue. Says so at each doubling, so that an outage
    /// does not flood the log.
    fn dropped(&self, why: &'static str) {
        let dropped = self.dropped.fetch_add(1, Relaxed) + 1;
        if dropped.is_power_of_two() {
            tracing::error!(dropped, why, "records are being dropped");
        }
    }

    fn settle(&self, load: Load) {
        self.depth_bytes.fetch_sub(load.weight, Relaxed);
        self.at_risk.fetch_sub(1, Relaxed);
    }
}

/// About how much memory a record holds. Shared texts are counted in full, to be on the safe side.
fn weight(record: &Record) -> u64 {
    let texts = [
        &record.project,
        &record.source,
        &record.team,
        &record.key_id,
        &record.key_label,
        &record.profile,
        &record.session_id,
        &record.model_requested,
        &record.provider,
        &record.model,
        &record.finish_reason,
        &record.provider_request_id,
        &record.price_version,
    ];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
    let tags: usize = record.tags.iter().map(|(key, value)| key.len() + value.len() + 32).sum();
    let route = record.route.as_ref().map_or(0, |trace| trace.len());
    (size_of::<Record>() + texts + tags + record.attempts.len() * size_of::<Attempt>() + route) as u64
}
