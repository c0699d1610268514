//! What outlives the process: control state, history, and the one writer.
//!
//! Nothing here knows HTTP, and no secret leaves it but through [`crate::domain::Secret`].

mod backup;
mod control;
mod error;
mod file;
mod histogram;
mod history;
mod recorder;
mod retention;
mod rollup;
mod rows;
mod seal;
mod spool;
mod tags;
mod writer;

pub use backup::backup;
pub use control::{
    Action, Actor, AuditEntry, AuditFilter, Control, Credential, Deed, Ending, IssuedKey, KeyFields, Snapshot,
    StoredKey, StoredProvider, session_id,
};
pub use error::StoreError;
pub use histogram::Histogram;
pub use history::{
    Aggregate, Cursor, Dimension, History, RecordFilter, RecordPage, Seen, SeenKind, StatsFilter, StoredRecord,
};
pub use recorder::{LiveRecord, Recorder, RecorderStats};

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use crate::config::Storage;
use file::{Database, File, Lock};

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
    lock: Lock,
    /// Ends with the last clone.
    retention: Option<Arc<AbortOnDropHandle<()>>>,
}

/// Opens (and on first use makes) the data directory and brings its schema up to date.
///
/// # Errors
/// When the directory or a file cannot be used, when the files belong to a newer version, when
/// the master key does not fit, or when another process has the directory open.
pub async fn open(storage: &Storage) -> Result<Store, StoreError> {
    file::prepare_directory(&storage.path)?;
    let lock = Lock::take(&storage.path)?;
    let sealer = seal::Sealer::load(&storage.path, storage.master_key.as_ref())?;
    let control = Control::open(&storage.path, sealer, Some(lock.clone())).await?;
    let usage = Database::open(&storage.path, File::Usage, 4).await?;
    let control = control.with_usage(usage.readers.clone());
    // Nothing writes bodies yet; the file stands ready for when they are kept.
    file::migrate(&storage.path, File::Bodies).await?;

    let (recorder, inlet) = Recorder::new(&storage.path.join("spool"), storage.spool_wait)?;
    tokio::spawn(writer::Writer::new(usage.writer.clone(), &inlet).await?.run(inlet.queue));
    let retention = storage.retention_days.map(|days| retention::run(usage.writer.clone(), days));
    let retention = retention.map(|run| Arc::new(AbortOnDropHandle::new(tokio::spawn(run))));
    let history = History::new(usage.readers.clone());
    Ok(Store { control, history, recorder, usage, lock, retention })
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

impl Store {
    /// Writes what is still queued, checkpoints, closes the files and gives the directory free.
    /// What is submitted from now on is counted as dropped.
    ///
    /// # Errors
    /// When records could not be written.
    pub async fn close(&self) -> Result<(), StoreError> {
        if let Some(retention) = &self.retention {
            retention.abort();
        }
        let drained = self.recorder.close().await;
        let usage = self.usage.close().await;
        let control = self.control.close().await;
        self.lock.release();
        drained.and(usage).and(control)
    }
}
