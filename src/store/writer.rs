//! The one writer of `usage.db`: groups records into transactions of records, attempts and roll-ups.
//!
//! Nobody waits for it but who asks to. A failed group is tried again record by record, a failing
//! database until it works.

use std::{path::Path, sync::Arc, time::Duration};

use foldhash::{HashMap, HashMapExt as _};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::{sync::mpsc, time::sleep};

use super::{
    StoreError,
    disk::Disk,
    error::primary_code,
    findings, incidents,
    insert::Insert,
    pack::Packer,
    recorder::{Gauges, Inlet, Load, Message, Trouble},
    rollup::{Addition, DimensionKey, quarter_of},
    routes,
    rows::{Values, bind_attempt, bind_record, bind_tag},
    signals, spend,
    spool::{Spool, read_segment},
};
use crate::domain::{Attempt, ErrorKind, Record, Timestamp};

/// Most records in one transaction.
const GROUP: usize = 1_024;
/// How long a lone record waits for company.
const GROUP_WAIT: Duration = Duration::from_millis(25);
/// Most entries in each of the writer's two caches.
const CACHED: usize = 8_192;

/// A queued record and what it takes up.
type Queued = (Arc<Record>, Load);

/// The writer's state.
pub(super) struct Writer {
    pub(super) pool: SqlitePool,
    disk: Disk,
    pub(super) gauges: Arc<Gauges>,
    pub(super) incidents: incidents::Ledger,
    pub(super) signals: signals::Ledger,
    spool: Arc<Spool>,
    next_seq: i64,
    /// Ids of rows of `dimensions` that are known to be there.
    dimensions: HashMap<DimensionKey, i64>,
    /// Histograms as the rows of `rollups` have them, of latency and time to first token, by quarter and dimension.
    histograms: HashMap<(i64, i64), (Vec<u8>, Vec<u8>)>,
    packer: Packer,
    records: Insert,
    attempts: Insert,
    findings: findings::Inserts,
    routes: routes::Inserts,
    tags: Insert,
    rollups: Insert,
    seen: Insert,
    spend: Insert,
}

impl Writer {
    /// A writer that goes on after the newest record.
    pub(super) async fn new(pool: SqlitePool, disk: Disk, inlet: &Inlet) -> Result<Self, StoreError> {
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetch_optional(&pool).await?;
        Ok(Self {
            pool,
            disk,
            gauges: Arc::clone(&inlet.gauges),
            incidents: incidents::Ledger::new(),
            signals: signals::Ledger::default(),
            spool: Arc::clone(&inlet.spool),
            next_seq: newest.unwrap_or(0) + 1,
            dimensions: HashMap::new(),
            histograms: HashMap::new(),
            packer: Packer::default(),
            records: Insert::records(),
            attempts: Insert::attempts(),
            findings: findings::Inserts::new(),
            routes: routes::Inserts::new(),
            tags: Insert::tags(),
            rollups: Insert::rollups(),
            seen: Insert::seen(),
            spend: spend::insert(),
        })
    }

    /// Writes until it is told to close or until nobody can submit any more.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Message>) {
        let mut messages = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut messages, GROUP).await > 0 {
            if messages.iter().all(|message| matches!(message, Message::Record(..))) && messages.len() < GROUP {
                sleep(GROUP_WAIT).await;
                while let Ok(message) = queue.try_recv() {
                    messages.push(message);
                    if messages.len() >= GROUP {
                        break;
                    }
                }
            }
            if self.handle(&mut messages).await {
                return;
            }
        }
    }

    /// Deals with messages in their order; true when it was told to close.
    async fn handle(&mut self, messages: &mut Vec<Message>) -> bool {
        let mut group: Vec<Queued> = Vec::with_capacity(messages.len());
        for message in messages.drain(..) {
            match message {
                Message::Record(record, load) => group.push((record, load)),
                Message::Replay(segment) => {
                    self.write(std::mem::take(&mut group)).await;
                    self.replay(&segment).await;
                }
                Message::Pack(done) => {
                    self.write(std::mem::take(&mut group)).await;
                    // Who asked may have gone.
                    let _ = done.send(self.pack().await);
                }
                Message::Aside(aside) => {
                    self.write(std::mem::take(&mut group)).await;
                    self.aside(aside).await;
                }
                Message::Flush(done) => {
                    self.write(std::mem::take(&mut group)).await;
                    // Who asked may have gone.
                    let _ = done.send(());
                }
                Message::Close(done) => {
                    self.write(std::mem::take(&mut group)).await;
                    let _ = done.send(());
                    return true;
                }
            }
        }
        self.write(group).await;
        false
    }

    /// Writes a group; false when the database was closed before all of it was dealt with.
    async fn write(&mut self, group: Vec<Queued>) -> bool {
        if group.is_empty() {
            return true;
        }
        match self.commit_or_wait(&group).await {
            Ok(()) => {
                self.publish(group);
                true
            }
            Err(error) if group.len() > 1 => {
                tracing::warn!(%error, records = group.len(), "a group of records failed, trying one by one");
                let mut is_whole = true;
                for one in group {
                    let one = vec![one];
                    match self.commit_or_wait(&one).await {
                        Ok(()) => self.publish(one),
                        Err(error) => is_whole &= self.refuse(&one, &error),
                    }
                }
                is_whole
            }
            Err(error) => self.refuse(&group, &error),
        }
    }

    /// Packs the oldest hour or day that is over; false when none is left, or none can be packed.
    async fn pack(&mut self) -> bool {
        match self.packer.pack_one(&self.pool, Timestamp::now()).await {
            Ok(has_packed) => has_packed,
            Err(error) => {
                // Sums are read from the quarter hours meanwhile.
                tracing::warn!(%error, "an hour of sums could not be packed");
                false
            }
        }
    }

    /// Writes what a segment of the spool holds and the database does not, then deletes the segment.
    async fn replay(&mut self, segment: &Path) {
        let path = segment.to_owned();
        let read = tokio::task::spawn_blocking(move || read_segment(&path)).await.map_err(std::io::Error::other);
        let (records, unread) = match read.flatten() {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, segment = %segment.display(), "a spool file cannot be read; it stays");
                return;
            }
        };
        let mut recovered = 0;
        for part in records.chunks(GROUP) {
            let mut missing = Vec::new();
            for record in part {
                match self.is_known(record).await {
                    Ok(true) => {}
                    Ok(false) => missing.push((Arc::new(record.clone()), Load::default())),
                    Err(error) => {
                        tracing::error!(%error, segment = %segment.display(), "a spool file waits for the next start");
                        return;
                    }
                }
            }
            let count = missing.len() as u64;
            recovered += count;
            self.gauges.recovered(count);
            if !self.write(missing).await {
                return;
            }
        }
        if recovered > 0 || unread > 0 {
            tracing::warn!(recovered, unread, "records were read back from the spool");
        }
        if let Err(error) = tokio::fs::remove_file(segment).await {
            tracing::warn!(%error, segment = %segment.display(), "a spool file cannot be deleted");
        }
    }

    async fn is_known(&self, record: &Record) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM records WHERE id = ?)");
        Ok(query.bind(record.id.as_bytes().as_slice()).fetch_one(&self.pool).await?)
    }

    /// Commits the group, waiting out whatever is wrong with the database as a whole. Fails only
    /// when a record is at fault or the database has been closed.
    async fn commit_or_wait(&mut self, group: &[Queued]) -> Result<(), StoreError> {
        let mut pause = Duration::from_millis(100);
        loop {
            match self.commit(group).await {
                Err(StoreError::Sqlite(error)) if passes(&error) => {
                    tracing::error!(%error, records = group.len(), "usage.db cannot be written, trying again");
                    self.note_trouble(&error);
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                result => {
                    self.gauges.note_trouble(None);
                    return result;
                }
            }
        }
    }

    fn note_trouble(&self, error: &sqlx::Error) {
        let trouble = match Trouble::of(primary_code(error)) {
            // Not every failed write says why.
            Trouble::Other if self.disk.is_full() => Trouble::DiskFull,
            trouble => trouble,
        };
        self.gauges.note_trouble(Some(trouble));
        if trouble == Trouble::DiskFull {
            self.disk.give_ballast_up();
        }
    }

    async fn commit(&mut self, group: &[Queued]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let result = self.insert(&mut transaction, group).await;
        let result = match result {
            Ok(()) => transaction.commit().await.map_err(StoreError::from),
            Err(error) => {
                let _ = transaction.rollback().await;
                Err(error)
            }
        };
        if result.is_err() || self.dimensions.len() > CACHED {
            self.dimensions.clear();
        }
        if result.is_err() || self.histograms.len() > CACHED {
            self.histograms.clear();
        }
        if result.is_err() {
            self.packer.forget();
            self.incidents.rolled_back();
        }
        result
    }

    async fn insert(&mut self, connection: &mut SqliteConnection, group: &[Queued]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(group.len());
        for (seq, (record, _)) in (self.next_seq..).zip(group) {
            rows.push((seq, &**record, self.dimension(connection, DimensionKey::of(record)).await?));
        }
        let attempts: Vec<(i64, usize, &Attempt)> = rows
            .iter()
            .flat_map(|(seq, record, _)| {
                record.attempts.iter().enumerate().map(move |(number, attempt)| (*seq, number, attempt))
            })
            .collect();
        let tags: Vec<_> = rows
            .iter()
            .flat_map(|(seq, record, dimension)| {
                record.tags.iter().map(|tag| (tag, record.started_at, *seq, *dimension))
            })
            .collect();
        self.records
            .run(connection, &rows, |values, (seq, record, dimension)| {
                bind_record(values, *seq, record);
                values.int(*dimension);
            })
            .await?;
        self.attempts
            .run(connection, &attempts, |values, (seq, number, attempt)| bind_attempt(values, *seq, *number, attempt))
            .await?;
        self.findings.run(connection, &rows).await?;
        self.routes.run(connection, &rows).await?;
        let judging = self.gauges.judging();
        self.incidents.run(connection, &rows, &judging.incidents).await?;
        if judging.automatic_signals {
            self.signals.run(connection, &rows).await?;
        }
        self.tags
            .run(connection, &tags, |values, (tag, at, seq, dimension)| bind_tag(values, tag, *at, *seq, *dimension))
            .await?;
        self.seen.run(connection, &seen_in(group), bind_seen).await?;
        let dimensions = || rows.iter().map(|(_, record, dimension)| (*record, *dimension));
        spend::write(&self.spend, connection, dimensions()).await?;
        self.roll_up(connection, dimensions()).await
    }

    async fn roll_up(
        &mut self,
        connection: &mut SqliteConnection,
        group: impl Iterator<Item = (&Record, i64)>,
    ) -> Result<(), StoreError> {
        let mut additions: HashMap<(i64, i64), Addition> = HashMap::new();
        for (record, dimension) in group {
            additions.entry((quarter_of(record), dimension)).or_default().count(record);
        }
        for (quarter, _) in additions.keys() {
            self.packer.note_change(connection, *quarter).await?;
        }
        let mut rows = Vec::with_capacity(additions.len());
        for (place, mut addition) in additions {
            let (latency, ttft) = match self.histograms.remove(&place) {
                Some(known) => known,
                None => stored_histograms(connection, place).await?,
            };
            // Percentiles of one quarter hour are worth less than the records that come now.
            if addition.latency.merge_bytes(&latency).is_none() || addition.ttft.merge_bytes(&ttft).is_none() {
                tracing::error!(?place, "a histogram in usage.db cannot be read, what is left of it is kept");
            }
            let histograms = (addition.latency.to_bytes(), addition.ttft.to_bytes());
            self.histograms.insert(place, histograms.clone());
            rows.push((place, addition.sums, histograms));
        }
        self.rollups
            .run(connection, &rows, |values, ((quarter, dimension), sums, (latency, ttft))| {
                values.int(*quarter);
                values.int(*dimension);
                sums.iter().for_each(|sum| values.int(*sum));
                values.bytes(latency.clone());
                values.bytes(ttft.clone());
            })
            .await
    }

    /// The id of a row of `dimensions`, which is made if it is not there.
    async fn dimension(&mut self, connection: &mut SqliteConnection, key: DimensionKey) -> Result<i64, StoreError> {
        if let Some(id) = self.dimensions.get(&key) {
            return Ok(*id);
        }
        let mut values = Values::default();
        for text in &key.texts {
            match text {
                Some(text) => values.shared(text),
                None => values.name(""),
            }
        }
        key.names.iter().for_each(|name| values.name(name));
        values.int(i64::from(key.stream));
        values.int(i64::from(key.status));
        // The update changes nothing; it makes RETURNING give the id of a row that is already there.
        let id = sqlx::query_scalar_with(
            "INSERT INTO dimensions (project, source, team, key_id, profile, provider, model,
                                     client_api, endpoint, outcome, error_kind, cache, provider_api, stream, status)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET stream = excluded.stream RETURNING id",
            values.into_arguments(),
        )
        .fetch_one(connection)
        .await?;
        self.dimensions.insert(key, id);
        Ok(id)
    }

    fn publish(&mut self, group: Vec<Queued>) {
        self.spool.release(group.iter().filter_map(|(_, load)| load.place));
        self.signals.committed(group.iter().map(|(record, _)| &**record));
        let gauges = &self.gauges;
        self.incidents.committed(|news| gauges.tell_incident(news));
        for (record, load) in group {
            self.gauges.wrote(self.next_seq, record, load);
            self.next_seq += 1;
        }
    }

    /// Gives records up; false when the database was closed, which is no fault of theirs: they stay in
    /// the spool for the next start.
    fn refuse(&self, group: &[Queued], error: &StoreError) -> bool {
        let is_at_fault = matches!(error, StoreError::Sqlite(error) if primary_code(error).is_some());
        if is_at_fault {
            self.spool.release(group.iter().filter_map(|(_, load)| load.place));
        }
        for (record, load) in group {
            tracing::error!(record = %record.id, %error, "record dropped: the database refuses it");
            self.gauges.refused(*load);
        }
        is_at_fault
    }
}

async fn stored_histograms(
    connection: &mut SqliteConnection,
    (quarter, dimension): (i64, i64),
) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let stored =
        sqlx::query_as("SELECT latency_histogram, ttft_histogram FROM rollups WHERE quarter = ? AND dimension_id = ?")
            .bind(quarter)
            .bind(dimension)
            .fetch_optional(connection)
            .await?;
    Ok(stored.unwrap_or_default())
}

/// Kind, name, and when it was first and last seen.
type SeenRow = (&'static str, Arc<str>, i64, i64);

/// The projects, requesters and keys of a group. Requests that nobody vouches for make none, so
/// that a stranger cannot fill the lists.
fn seen_in(group: &[Queued]) -> Vec<SeenRow> {
    let mut seen: HashMap<(&'static str, Arc<str>), (i64, i64)> = HashMap::new();
    let known = group.iter().filter(|(record, _)| {
        !matches!(record.error_kind, Some(ErrorKind::Authentication | ErrorKind::ConflictingCredentials))
    });
    for (record, _) in known {
        let at = record.started_at.unix_us;
        for (kind, name) in [("project", &record.project), ("source", &record.source), ("key", &record.key_id)] {
            if let Some(name) = name {
                let (first, last) = seen.entry((kind, Arc::clone(name))).or_insert((at, at));
                (*first, *last) = ((*first).min(at), (*last).max(at));
            }
        }
    }
    seen.into_iter().map(|((kind, name), (first, last))| (kind, name, first, last)).collect()
}

fn bind_seen(values: &mut Values, (kind, name, first, last): &SeenRow) {
    values.name(kind);
    values.shared(name);
    values.int(*first);
    values.int(*last);
}

/// Whether the database as a whole is in trouble, so that the records must wait for it. What a
/// record or a statement of ours is at fault for does not pass: error (1), too big (18),
/// constraint (19), mismatch (20), range (25).
fn passes(error: &sqlx::Error) -> bool {
    match primary_code(error) {
        Some(code) => !matches!(code, 1 | 18 | 19 | 20 | 25),
        None => matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed
        ),
    }
}
