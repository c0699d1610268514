//! The disk under the data directory: how much of it is free, and the ballast, a file that holds nothing and is
//! given up when nothing else is left, so that what is under way can still be written.
//!
//! Never deletes anything but the ballast.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use rustix::{fs::FallocateFlags, io::Errno};

use super::file::private_file;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The disk counts as full below this.
const NOTHING_BYTES: u64 = 256 * 1024;
/// No ballast is smaller: it would help nobody.
const LEAST_BALLAST_BYTES: u64 = 256 * 1024;
/// The ballast takes at most one part of so many of what is free.
const BALLAST_SHARE: u64 = 20;

/// The disk, watched. Clones share what is known.
#[derive(Clone, Debug)]
pub(super) struct Disk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    ballast: PathBuf,
    low_bytes: u64,
    most_ballast_bytes: u64,
    free_bytes: AtomicU64,
    ballast_bytes: AtomicU64,
    is_low: AtomicBool,
}

/// How full the disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskStats {
    /// Bytes that the gateway may still use.
    pub free_bytes: u64,
    /// Bytes that the ballast holds; 0 when it was given up.
    pub ballast_bytes: u64,
    /// Whether less is free than `storage.low_disk_bytes`.
    pub is_low: bool,
}

impl Disk {
    /// Looks at the disk of `directory` and lays the ballast, or gives it up when the disk is full.
    pub(super) fn open(directory: &Path, low_bytes: u64, most_ballast_bytes: u64) -> Self {
        let ballast = directory.join("ballast");
        let held = fs::metadata(&ballast).map_or(0, |metadata| metadata.len());
        let disk = Self(Arc::new(Shared {
            directory: directory.to_owned(),
            ballast,
            low_bytes,
            most_ballast_bytes,
            free_bytes: AtomicU64::new(0),
            ballast_bytes: AtomicU64::new(held),
            is_low: AtomicBool::new(false),
        }));
        disk.look();
        disk
    }

    /// Looks again every second, for ever.
    pub(super) async fn watch(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let disk = self.clone();
            // It touches the disk, which may hang. It does not panic.
            let _ = tokio::task::spawn_blocking(move || disk.look()).await;
        }
    }

    /// How full the disk was when it was last looked at.
    pub(super) fn stats(&self) -> DiskStats {
        let Shared { free_bytes, ballast_bytes, is_low, .. } = &*self.0;
        DiskStats {
            free_bytes: free_bytes.load(Relaxed),
            ballast_bytes: ballast_bytes.load(Relaxed),
            is_low: is_low.load(Relaxed),
        }
    }

    /// Whether nothing was free when it was last looked.
    pub(super) fn is_full(&self) -> bool {
        self.stats().free_bytes < NOTHING_BYTES
    }

    /// Bytes of a file of the data directory; 0 when it is not there.
    pub(super) fn file_bytes(&self, name: &str) -> u64 {
        fs::metadata(self.0.directory.join(name)).map_or(0, |metadata| metadata.len())
    }

    /// Bytes of the databases with their logs, and of the spool.
    pub(super) fn used_bytes(&self) -> u64 {
        let bytes = |directory: &Path| -> u64 {
            let files = fs::read_dir(directory).into_iter().flatten().flatten();
            let files = files.filter(|file| file.path() != self.0.ballast).filter_map(|file| file.metadata().ok());
            files.filter(fs::Metadata::is_file).map(|file| file.len()).sum()
        };
        bytes(&self.0.directory) + bytes(&self.0.directory.join("spool"))
    }

    /// Something could not be written for want of space: the ballast goes.
    pub(super) fn give_ballast_up(&self) {
        if self.0.ballast_bytes.swap(0, Relaxed) == 0 {
            return;
        }
        match fs::remove_file(&self.0.ballast) {
            Ok(()) => tracing::warn!("the disk is full: the ballast was given up so that records can still be written"),
            Err(error) => tracing::error!(%error, "the disk is full and the ballast cannot be deleted"),
        }
    }

    fn look(&self) {
        let Shared { directory, low_bytes, most_ballast_bytes, free_bytes, ballast_bytes, is_low, .. } = &*self.0;
        let free = match rustix::fs::statvfs(directory) {
            Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
            // Then the directory is gone, which the writer reports.
            Err(_) => return,
        };
        free_bytes.store(free, Relaxed);
        let low = free < *low_bytes;
        if is_low.swap(low, Relaxed) != low {
            if low {
                tracing::warn!(free_bytes = free, "little disk space is left for storage.path");
            } else {
                tracing::info!(free_bytes = free, "there is disk space for storage.path again");
            }
        }
        let held = ballast_bytes.load(Relaxed);
        if free < NOTHING_BYTES && held > 0 {
            self.give_ballast_up();
        } else if !low && held == 0 {
            let size = (*most_ballast_bytes).min(free / BALLAST_SHARE);
            if size >= LEAST_BALLAST_BYTES && free - size >= *low_bytes {
                self.lay_ballast(size);
            }
        }
    }

    fn lay_ballast(&self, size: u64) {
        let laid = private_file(&self.0.ballast).map_err(std::io::Error::other).and_then(|mut file| {
            match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size) {
                // Not every file system can reserve space.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                    let block = [0_u8; 64 * 1024];
                    (0..size.div_ceil(block.len() as u64)).try_for_each(|_| file.write_all(&block))
                }
                result => result.map_err(std::io::Error::from),
            }
        });
        match laid {
            Ok(()) => self.0.ballast_bytes.store(size, Relaxed),
            Err(error) => {
                tracing::warn!(%error, "no ballast could be laid");
                let _ = fs::remove_file(&self.0.ballast);
            }
        }
    }
}
