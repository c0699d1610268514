//! A consistent copy of the three databases, made while a gateway may be serving from them.
//!
//! A backup is a directory of its own that appears whole or not at all: the copies are written beside
//! their place, synced, opened and checked, and only then is the directory renamed. Nothing that was
//! there before is ever replaced. `master.key` is left out on purpose: a copy alone opens no secret.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use sqlx::Connection as _;

use super::{
    StoreError,
    file::{File, look_into, private_file, read_uncapped},
};
use crate::{config::Storage, domain::Timestamp};

/// Copies the databases of the data directory into a new directory under `to` (default: `backups` in the
/// data directory) and returns its path, which is named after the time in UTC. A gateway that serves from
/// the same directory is not held up.
///
/// # Errors
/// When there is no data directory, a file cannot be written, or a copy does not pass SQLite's own
/// integrity check. Nothing is left behind then.
pub async fn backup(storage: &Storage, to: Option<&Path>) -> Result<PathBuf, StoreError> {
    let to = to.map_or_else(|| storage.path.join("backups"), Path::to_owned);
    // Before anything is made: a typo in storage.path must not leave an empty directory behind.
    for file in File::ALL {
        let path = storage.path.join(file.name());
        fs::metadata(&path).map_err(|source| StoreError::File { path, source })?;
    }
    private_directory(&to, true)?;
    let name = Timestamp::now().to_string().replace(':', "-");
    let (partial, whole) = (to.join(format!(".{name}.partial")), to.join(&name));
    private_directory(&partial, false)?;
    let made = copy_all(&storage.path, &partial).await.and_then(|()| {
        // Two backups within one tick: rename would put one in place of the other only if it were empty.
        fs::rename(&partial, &whole).map_err(|source| StoreError::File { path: whole.clone(), source })?;
        sync(&to)
    });
    match made {
        Ok(()) => Ok(whole),
        Err(error) => {
            // The first error is the one worth telling.
            let _ = fs::remove_dir_all(&partial);
            Err(error)
        }
    }
}

async fn copy_all(from: &Path, to: &Path) -> Result<(), StoreError> {
    for file in File::ALL {
        copy(from, to, file).await?;
    }
    sync(to)
}

async fn copy(from: &Path, to: &Path, file: File) -> Result<(), StoreError> {
    let target = to.join(file.name());
    let Some(name) = target.to_str() else {
        let source = std::io::Error::other("the path is not UTF-8");
        return Err(StoreError::File { path: target, source });
    };
    // SQLite fills an empty file, so that the copy has our mode from its first byte on.
    drop(private_file(&target)?);
    let mut source = read_uncapped(from, file).await?;
    sqlx::query("VACUUM INTO ?").bind(name).execute(&mut source).await?;
    source.close().await?;
    sync(&target)?;
    let mut made = look_into(to, file).await?.ok_or(StoreError::Corrupt { what: "an empty copy" })?;
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut made).await?;
    made.close().await?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { file: file.name(), found }) }
}

/// Makes a directory that only its owner may read.
fn private_directory(path: &Path, may_exist: bool) -> Result<(), StoreError> {
    let made = fs::DirBuilder::new().recursive(may_exist).mode(0o700).create(path);
    made.map_err(|source| StoreError::File { path: path.to_owned(), source })
}

/// Makes a file or directory outlive a power cut.
fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = fs::File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| StoreError::File { path: path.to_owned(), source })
}
