//! What outlives the process: control state, history, and the one writer.
//!
//! Nothing here knows HTTP, and no secret leaves it but through [`crate::domain::Secret`].

mod aside;
mod backup;
mod checkpoint;
mod control;
mod disk;
mod error;
mod file;
mod findings;
mod histogram;
mod history;
mod incidents;
mod insert;
mod pack;
mod recorder;
mod retention;
mod rollup;
mod routes;
mod rows;
mod seal;
mod spend;
mod signals;
mod spool;
mod tags;
mod writer;

#[cfg(test)]
mod testing;

pub use backup::backup;
pub use control::{
    Action, Actor, AuditEntry, AuditFilter, Control, Credential, Deed, Ending, IssuedKey, KeyFields, Snapshot,
    StoredKey, StoredProvider, session_id,
};
pub use disk::DiskStats;
pub use error::StoreError;
pub use histogram::Histogram;
pub use history::{
    Aggregate, Cursor, Dimension, FindingSum, History, IncidentDetail, IncidentFacet, IncidentFilter, IncidentMinute,
    IncidentPage, IncidentRecord, MOST_SORTED, Measure, NameOf, RecordFilter, RecordPage, Seen, SeenKind, SignalFilter,
    StatsFilter, StoredRecord, Width,
};
pub use incidents::{Incident, IncidentChange, IncidentEdit, IncidentNews};
pub use recorder::{Judging, LiveRecord, Recorder, RecorderStats, Trouble};
pub use signals::{Signal, SignalError, SignalOrigin, SignalSum};
pub use spool::Spooling;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio_util::task::AbortOnDropHandle;

use crate::config::Storage;
use disk::Disk;
use file::{Database, File, Lock};

/// How often it is looked whether an hour is over.
const PACK_EVERY: Duration = Duration::from_mins(1);
/// How often it is looked whether an incident is over.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The three databases of one data directory. Clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    /// Keys, providers added at run time, sessions, and the audit log.
    pub control: Control,
    /// What was recorded.
    pub history: History,
    /// Where records go.
    pub recorder: Recorder,
    usage: Database,
    disk: Disk,
    lock: Lock,
    /// End with the last clone.
    chores: Arc<[AbortOnDropHandle<()>]>,
}

/// Opens (and on first use makes) the data directory and brings its schema up to date.
///
/// # Errors
/// When the directory or a file cannot be used, when the files belong to a newer version, when
/// the master key does not fit, or when another process has the directory open.
pub async fn open(storage: &Storage) -> Result<Store, StoreError> {
    open_judging(storage, Judging::default()).await
}

/// The same with settings of one's own for incidents and signals.
///
/// # Errors
/// As [`open`].
pub async fn open_judging(storage: &Storage, judging: Judging) -> Result<Store, StoreError> {
    file::prepare_directory(&storage.path)?;
    let lock = Lock::take(&storage.path)?;
    // First of all, so that a full disk has the ballast's space for the rest.
    let disk = Disk::open(&storage.path, storage.low_disk_bytes, storage.ballast_bytes);
    let sealer = seal::Sealer::load(&storage.path, storage.master_key.as_ref())?;
    // Side by side, because each waits for the disk. Nothing writes bodies yet; the file stands ready for when
    // they are kept.
    let (control, usage, ()) = tokio::try_join!(
        Control::open(&storage.path, sealer, Some(lock.clone())),
        Database::open(&storage.path, File::Usage, 4),
        file::migrate(&storage.path, File::Bodies),
    )?;
    let control = control.with_usage(usage.readers.clone());

    let (recorder, inlet) = Recorder::new(&storage.path.join("spool"), storage.spool_wait, judging)?;
    tokio::spawn(writer::Writer::new(usage.writer.clone(), disk.clone(), &inlet).await?.run(inlet.queue));
    let mut chores = vec![
        AbortOnDropHandle::new(tokio::spawn(pack_always(recorder.clone()))),
        AbortOnDropHandle::new(tokio::spawn(sweep_always(recorder.clone()))),
        AbortOnDropHandle::new(tokio::spawn(disk.clone().watch())),
        AbortOnDropHandle::new(tokio::spawn(checkpoint::run(usage.clone(), disk.clone()))),
    ];
    if let Some(days) = storage.retention_days {
        chores.push(AbortOnDropHandle::new(tokio::spawn(retention::run(usage.writer.clone(), days))));
    }
    let history = History::new(usage.readers.clone());
    Ok(Store { control, history, recorder, usage, disk, lock, chores: chores.into() })
}

/// Opens the control database alone, beside a gateway that may be running: for the `keys` command.
///
/// # Errors
/// As [`open`], but another process does not stand in the way.
pub async fn open_control(storage: &Storage) -> Result<Control, StoreError> {
    file::prepare_directory(&storage.path)?;
    let sealer = seal::Sealer::load(&storage.path, storage.master_key.as_ref())?;
    Control::open(&storage.path, sealer, None).await
}

/// Opens the history alone, for reading, beside a gateway that may be running: for the `ask` command.
///
/// # Errors
/// When there is no database of records yet, or it cannot be read.
pub async fn open_history(storage: &Storage) -> Result<History, StoreError> {
    Ok(History::new(Database::read_only(&storage.path, File::Usage).await?))
}

/// Packs the sums of every hour and day that is over, until the store is closed.
async fn pack_always(recorder: Recorder) {
    while recorder.pack().await.is_ok() {
        tokio::time::sleep(PACK_EVERY).await;
    }
}

/// Ends the incidents that have been quiet for long enough, until the store is closed.
async fn sweep_always(recorder: Recorder) {
    while recorder.sweep().await.is_ok() {
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

impl Store {
    /// The database of records in a data directory: all that questions may read.
    pub fn usage_file(storage: &Storage) -> PathBuf {
        storage.path.join(File::Usage.name())
    }

    /// How full the disk is.
    pub fn disk(&self) -> DiskStats {
        self.disk.stats()
    }

    /// Bytes of everything in the data directory but the ballast and backups.
    pub fn used_bytes(&self) -> u64 {
        self.disk.used_bytes()
    }

    /// Bytes of the write-ahead log of `usage.db`.
    pub fn wal_bytes(&self) -> u64 {
        self.disk.file_bytes("usage.db-wal")
    }

    /// Writes what is still queued, checkpoints, closes the files and gives the directory free.
    /// What is submitted from now on is counted as dropped.
    ///
    /// # Errors
    /// When records could not be written.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.chores.iter().for_each(|chore| chore.abort());
        let drained = self.recorder.close().await;
        let usage = self.usage.close().await;
        let control = self.control.close().await;
        self.lock.release();
        drained.and(usage).and(control)
    }
}
