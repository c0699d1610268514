//! Watches the configuration's files and loads them anew when one changes.
//!
//! Never hands out a configuration that did not load, nor one of files that are still being written: the caller
//! keeps the old one then.

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
    load::{DEFAULT_FILE, Fixed, LoadOptions, MAX_FILE_BYTES, Source, Sources, load_beside},
    report::ConfigErrors,
    types::Config,
};

/// How long the files must have been quiet, twice, and have held the same both times: editors write in several
/// steps, and what is rewritten in place is empty for a moment.
const QUIET: Duration = Duration::from_millis(100);
/// How often the files are looked at without a notice, for file systems that give none.
const POLL: Duration = Duration::from_secs(5);

/// What is said of a file that held something and holds nothing now.
const EMPTIED: &str =
    "is empty and was not before, as if it were only half written; leave a comment in it, or restart to run without it";

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
        let files = [sources.config, sources.dotenv, sources.providers_json];
        let fixed = Fixed::of(running);
        let mut seen = State::of(&files);
        let mut held = seen.holding();
        let watcher = watch_directories(&files, stop.clone());
        let watch = move || {
            loop {
                if seen.has_config() {
                    // A file that was there may not just vanish: its absence is an error from now on.
                    options.config_path.get_or_insert_with(|| PathBuf::from(DEFAULT_FILE));
                }
                if !wait(&notices, POLL) {
                    return;
                }
                let Some(now) = settled(&notices, &files) else { return };
                if now == seen {
                    continue;
                }
                let change = match now.emptied(held, &files) {
                    errors if !errors.is_empty() => Err(ConfigErrors::from_lines(errors)),
                    _ => load_beside(&options, Some(&fixed)),
                };
                if State::of(&files) != now {
                    // What was loaded may be half of what is being written; the next look tells.
                    continue;
                }
                for (held, holds) in held.iter_mut().zip(now.holding()) {
                    *held |= holds;
                }
                seen = now;
                on_change(change);
            }
        };
        std::thread::Builder::new().name("config-watch".to_owned()).spawn(watch)?;
        Ok(Self { _stop: stop, _notices: watcher })
    }
}

/// Watches the directories and not the files, since editors and container platforms replace files.
fn watch_directories(files: &[Source], changed: Sender<Notice>) -> Option<notify::RecommendedWatcher> {
    let notice = move |event: notify::Result<notify::Event>| {
        let is_reading = event.is_ok_and(|event| event.kind.is_access());
        if !is_reading {
            // The other end is gone only when the watcher is being dropped.
            let _ = changed.send(Notice::Changed);
        }
    };
    let mut watcher = notify::recommended_watcher(notice).inspect_err(log_deaf).ok()?;
    let directories: BTreeSet<&Path> = files.iter().filter_map(|file| file.path.parent()).collect();
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

/// Waits for a change, and when none comes, so long; false when the watcher was dropped.
fn wait(notices: &Receiver<Notice>, patience: Duration) -> bool {
    !matches!(notices.recv_timeout(patience), Err(RecvTimeoutError::Disconnected))
}

/// What the files hold when they have come to rest; `None` when the watcher was dropped.
fn settled(notices: &Receiver<Notice>, files: &[Source; 3]) -> Option<State> {
    let mut last = None;
    loop {
        // A directory that is never quiet must not hide a change for ever.
        for _ in 0..25 {
            match notices.recv_timeout(QUIET) {
                Ok(Notice::Changed) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        let now = State::of(files);
        if last.as_ref() == Some(&now) {
            return last;
        }
        last = Some(now);
    }
}

/// What each file holds, by hash; neither times nor sizes tell every replaced file.
#[derive(PartialEq, Eq)]
struct State([Content; 3]);

#[derive(PartialEq, Eq)]
enum Content {
    /// Not there, or not readable.
    Absent,
    /// Not a word.
    Blank,
    Text([u8; 32]),
}

impl State {
    fn of(files: &[Source; 3]) -> Self {
        Self(files.each_ref().map(|file| Content::of(&file.path)))
    }

    fn has_config(&self) -> bool {
        let [config, ..] = &self.0;
        *config != Content::Absent
    }

    fn holding(&self) -> [bool; 3] {
        self.0.each_ref().map(|content| matches!(content, Content::Text(_)))
    }

    /// What to say of files that held something and are empty now. Whoever rewrites a file in place empties it
    /// first, and a disk that is full leaves it so.
    fn emptied(&self, held: [bool; 3], files: &[Source; 3]) -> Vec<String> {
        let is_emptied = |(content, held): (&Content, bool)| held && *content == Content::Blank;
        let say = |file: &Source| format!("{}: {EMPTIED}", file.name);
        let emptied = self.0.iter().zip(held).map(is_emptied);
        files.iter().zip(emptied).filter(|(_, is_emptied)| *is_emptied).map(|(file, _)| say(file)).collect()
    }
}

impl Content {
    fn of(file: &Path) -> Self {
        let mut bytes = Vec::new();
        let read = |mut file: std::io::Take<std::fs::File>| file.read_to_end(&mut bytes);
        match std::fs::File::open(file).map(|file| file.take(MAX_FILE_BYTES + 1)).and_then(read) {
            Err(_) => Self::Absent,
            Ok(_) if bytes.trim_ascii().is_empty() => Self::Blank,
            Ok(_) => Self::Text(Sha256::digest(&bytes).into()),
        }
    }
}
