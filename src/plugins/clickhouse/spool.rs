//! Rows on their way to the server: files of whole lines, bounded in bytes altogether.
//!
//! A file ends in `.open` while it is written and in `.rows` once it may be sent. Its name is the token by which the server
//! knows it. What a killed process left open is taken up by the next one; a line that it did not finish is no row.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use uuid::Uuid;

/// A segment is closed when it is so long, whatever the number of its rows.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// Largest segment that is read: one of an earlier life may have been written under other bounds.
const READ_BYTES_MAX: u64 = 4 * SEGMENT_BYTES;

/// The directory and what is in it.
#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    batch_rows: usize,
    most_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    /// Bytes of all files; `None` before they were counted.
    bytes: Option<u64>,
}

#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    rows: usize,
    bytes: u64,
}

/// A file that can be sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment {
    /// Its name without the ending; names sort by age.
    pub(super) token: String,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) rows: u64,
}

/// What became of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Put {
    /// It is in the spool.
    pub(super) is_kept: bool,
    /// A batch is complete.
    pub(super) is_full: bool,
}

/// Tells the files that this process writes from those that an earlier one left.
fn process() -> &'static str {
    static PROCESS: OnceLock<String> = OnceLock::new();
    PROCESS.get_or_init(|| Uuid::new_v4().simple().to_string())
}

impl Spool {
    pub(super) fn new(directory: PathBuf, batch_rows: usize, most_bytes: u64) -> Self {
        Self { directory, batch_rows, most_bytes, state: Mutex::default() }
    }

    /// Appends a row, unless the spool is full.
    pub(super) fn put(&self, line: &[u8]) -> io::Result<Put> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let held = match state.bytes {
            Some(bytes) => bytes,
            None => self.count()?,
        };
        let with_it = held.saturating_add(line.len() as u64);
        if with_it > self.most_bytes {
            state.bytes = Some(held);
            return Ok(Put { is_kept: false, is_full: true });
        }
        if state.open.is_none() {
            state.open = Some(self.begin()?);
        }
        let Some(open) = state.open.as_mut() else { return Ok(Put { is_kept: false, is_full: false }) };
        if let Err(error) = open.file.write_all(line) {
            // Half a line must not become part of the next one.
            self.close(&mut state)?;
            return Err(error);
        }
        open.rows += 1;
        open.bytes += line.len() as u64;
        let is_full = open.rows >= self.batch_rows || open.bytes >= SEGMENT_BYTES;
        state.bytes = Some(with_it);
        if is_full {
            self.close(&mut state)?;
        }
        Ok(Put { is_kept: true, is_full })
    }

    fn begin(&self) -> io::Result<Open> {
        fs::create_dir_all(&self.directory)?;
        let path = self.directory.join(format!("{}.{}.open", Uuid::now_v7().simple(), process()));
        let file = File::options().create_new(true).append(true).open(&path)?;
        Ok(Open { file, path, rows: 0, bytes: 0 })
    }

    /// Makes the open file one that can be sent.
    fn close(&self, state: &mut State) -> io::Result<()> {
        let Some(open) = state.open.take() else { return Ok(()) };
        drop(open.file);
        if let Some(token) = token_of(&open.path) {
            fs::rename(&open.path, self.directory.join(format!("{token}.rows")))?;
        }
        Ok(())
    }

    /// Every segment, the oldest first; what is open is closed for it, and what an earlier process left is taken up.
    pub(super) fn take(&self) -> io::Result<BTreeSet<Segment>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.close(&mut state)?;
        let mut segments = BTreeSet::new();
        for path in self.files()? {
            let (Some(token), Some(name)) = (token_of(&path), path.file_name().and_then(OsStr::to_str)) else {
                continue;
            };
            let is_ours = name.ends_with(&format!(".{}.open", process()));
            let path = match path.extension().and_then(OsStr::to_str) {
                Some("rows") => path,
                Some("open") if !is_ours => {
                    let closed = self.directory.join(format!("{token}.rows"));
                    fs::rename(&path, &closed)?;
                    closed
                }
                _ => continue,
            };
            let text = whole_lines(&path)?;
            let rows = memchr::memchr_iter(b'\n', &text).count() as u64;
            segments.insert(Segment { token, bytes: fs::metadata(&path)?.len(), path, rows });
        }
        state.bytes = Some(segments.iter().map(|segment| segment.bytes).sum());
        Ok(segments)
    }

    /// Forgets a segment that the server has.
    pub(super) fn remove(&self, segment: &Segment) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::remove_file(&segment.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        state.bytes = state.bytes.map(|bytes| bytes.saturating_sub(segment.bytes));
        Ok(())
    }

    fn count(&self) -> io::Result<u64> {
        let mut bytes = 0;
        for path in self.files()? {
            bytes += fs::metadata(path)?.len();
        }
        Ok(bytes)
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries?.map(|entry| entry.map(|entry| entry.path())).collect(),
        }
    }
}

/// The name of a segment's file up to its first dot.
fn token_of(path: &Path) -> Option<String> {
    path.file_name()?.to_str()?.split('.').next().map(str::to_owned)
}

/// What is in a file, up to the end of its last whole line.
pub(super) fn whole_lines(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(READ_BYTES_MAX).read_to_end(&mut text)?;
    let end = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
    text.truncate(end);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(spool: &Spool) -> Vec<String> {
        let read = |segment: &Segment| String::from_utf8(whole_lines(&segment.path).unwrap()).unwrap();
        spool.take().unwrap().iter().map(read).collect()
    }

    #[test]
    fn rows_come_out_in_whole_batches_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::new(directory.path().join("s"), 2, 1_000);
        let full: Vec<bool> = ["a\n", "b\n", "c\n"].map(|line| spool.put(line.as_bytes()).unwrap().is_full).into();
        assert_eq!(full, [false, true, false]);
        assert_eq!(texts(&spool), ["a\nb\n", "c\n"]);
        assert_eq!(texts(&spool), ["a\nb\n", "c\n"], "what was not removed stays");
        let first = spool.take().unwrap().pop_first().unwrap();
        spool.remove(&first).unwrap();
        spool.remove(&first).unwrap();
        assert_eq!(texts(&spool), ["c\n"]);
    }

    #[test]
    fn a_full_spool_drops_and_takes_again_when_there_is_room() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::new(directory.path().to_owned(), 1, 10);
        let kept: Vec<bool> = (0..7).map(|_| spool.put(b"ab\n").unwrap().is_kept).collect();
        assert_eq!(kept, [true, true, true, false, false, false, false]);
        // Another life counts what is there already.
        let next = Spool::new(directory.path().to_owned(), 1, 10);
        assert!(!next.put(b"ab\n").unwrap().is_kept);
        let first = next.take().unwrap().pop_first().unwrap();
        next.remove(&first).unwrap();
        assert!(next.put(b"ab\n").unwrap().is_kept);
    }

    #[test]
    fn what_a_killed_process_left_is_taken_up_without_its_half_line() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("0198.dead.open"), "one\ntwo\nhal").unwrap();
        let spool = Spool::new(directory.path().to_owned(), 10, 1_000);
        spool.put(b"new\n").unwrap();
        assert_eq!(texts(&spool), ["one\ntwo\n", "new\n"]);
        assert_eq!(spool.take().unwrap().first().unwrap().rows, 2);
    }
}
