//! Watches the configuration's files and loads them anew when one changes.
//!
//! Never hands out a configuration that did not load: the caller keeps the old one then.

use std::{
    collections::BTreeSet,
    io::Read as _,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::Duration,
};

use notify::{RecursiveMode, Watcher as _};
use sha2::{Digest as _, Sha256};

use super::{
    load::{DEFAULT_FILE, Fixed, LoadOptions, MAX_FILE_BYTES, Sources, load_beside},
    report::ConfigErrors,
    types::Config,
};

/// How long the files must have been quiet: editors write in several steps.
const QUIET: Duration = Duration::from_millis(200);
/// How often the files are looked at without a notice, for file systems that give none.
const POLL: Duration = Duration::from_secs(5);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    // Dropping the sender ends the thread, dropping the other ends the notices.
    _stop: Sender<Notice>,
    _notices: Option<notify::RecommendedWatcher>,
}

enum Notice {
    Changed,
}

impl Watcher {
    /// Calls `on_change` on a thread of its own with every new configuration, or with what is wrong
    /// with it. `running` is the configuration in use: what cannot change without a restart is kept
    /// from it and told as a warning.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn spawn(
        mut options: LoadOptions,
        running: &Config,
        on_change: impl Fn(Result<Config, ConfigErrors>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, notices) = mpsc::channel();
        let sources = Sources::of(&options);
        let files = [sources.config.path, sources.dotenv.path, sources.providers_json.path];
        let fixed = Fixed::of(running);
        let mut seen = Fingerprint::of(&files);
        let watcher = watch_directories(&files, stop.clone());
        let watch = move || {
            loop {
                if seen.has_config() {
                    // A file that was there may not just vanish: its absence is an error from now on.
                    options.config_path.get_or_insert_with(|| PathBuf::from(DEFAULT_FILE));
                }
                if !wait(&notices) {
                    return;
                }
                let now = Fingerprint::of(&files);
                if now != seen {
                    seen = now;
                    on_change(load_beside(&options, Some(&fixed)));
                }
            }
        };
        std::thread::Builder::new().name("config-watch".to_owned()).spawn(watch)?;
        Ok(Self { _stop: stop, _notices: watcher })
    }
}

/// Watches the directories and not the files, since editors and container platforms replace files.
fn watch_directories(files: &[PathBuf], changed: Sender<Notice>) -> Option<notify::RecommendedWatcher> {
    let notice = move |event: notify::Result<notify::Event>| {
        let is_reading = event.is_ok_and(|event| event.kind.is_access());
        if !is_reading {
            // The other end is gone only when the watcher is being dropped.
            let _ = changed.send(Notice::Changed);
        }
    };
    let mut watcher = notify::recommended_watcher(notice).inspect_err(log_deaf).ok()?;
    let directories: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    for directory in directories {
        if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
            log_deaf(&error);
        }
    }
    Some(watcher)
}

fn log_deaf(error: &notify::Error) {
    tracing::warn!(error = %error, "no notices of config changes, looking every {} s instead", POLL.as_secs());
}

/// Waits for a change and then for quiet; false when the watcher was dropped.
fn wait(notices: &Receiver<Notice>) -> bool {
    match notices.recv_timeout(POLL) {
        Err(RecvTimeoutError::Timeout) => return true,
        Err(RecvTimeoutError::Disconnected) => return false,
        Ok(Notice::Changed) => {}
    }
    // A directory that is never quiet must not hide a change for ever.
    for _ in 0..25 {
        match notices.recv_timeout(QUIET) {
            Ok(Notice::Changed) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

/// What the files hold, by hash; neither times nor sizes tell every replaced file.
#[derive(PartialEq, Eq)]
struct Fingerprint(Vec<Option<[u8; 32]>>);

impl Fingerprint {
    fn of(files: &[PathBuf]) -> Self {
        Self(files.iter().map(|file| hash(file)).collect())
    }

    fn has_config(&self) -> bool {
        self.0.first().is_some_and(Option::is_some)
    }
}

fn hash(file: &Path) -> Option<[u8; 32]> {
    let mut bytes = Vec::new();
    std::fs::File::open(file).ok()?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).ok()?;
    Some(Sha256::digest(&bytes).into())
}
