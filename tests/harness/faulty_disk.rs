//! Writes that fail on demand: a library that is loaded into the real binary in front of the C library.

use std::{
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::io::Errno;

/// The switch of a process's faulty disk.
pub(crate) struct FaultyDisk {
    control: std::fs::File,
    control_path: PathBuf,
    library: PathBuf,
    directory: PathBuf,
}

impl FaultyDisk {
    /// Builds the library in `work`, with the compiler that SQLite was built with; the writes to `directory` are its own.
    pub(crate) fn build(work: &Path, directory: &Path) -> Self {
        let (library, control_path) = (work.join("preload.so"), work.join("control"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faulty_io/preload.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let built = Command::new(compiler)
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"])
            .args([library.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let control = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&control_path).unwrap();
        control.set_len(32).unwrap();
        Self { control, control_path, library, directory: directory.to_owned() }
    }

    /// What the process must find in its environment.
    pub(crate) fn environment(&self) -> [(&str, &str); 3] {
        [
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("FAULT_CONTROL", self.control_path.to_str().unwrap()),
            ("FAULT_DIRECTORY", self.directory.to_str().unwrap()),
        ]
    }

    /// From now on the `first`th write and the `many` - 1 after it fail with `error`; counted from 1.
    pub(crate) fn fail(&self, first: u64, many: u64, error: Errno) {
        self.set([0, 0, 0, 0]);
        let error = u64::try_from(error.raw_os_error()).unwrap();
        self.set([first, many, error, 0]);
    }

    /// No write fails any more. Returns how many there were since [`FaultyDisk::fail`].
    pub(crate) fn heal(&self) -> u64 {
        let mut count = [0; 8];
        self.control.read_exact_at(&mut count, 24).unwrap();
        self.set([0, 0, 0, 0]);
        u64::from_ne_bytes(count)
    }

    fn set(&self, numbers: [u64; 4]) {
        // The last number first: a write in between is counted, not failed.
        for (place, number) in numbers.into_iter().enumerate().rev() {
            self.control.write_all_at(&number.to_ne_bytes(), place as u64 * 8).unwrap();
        }
    }
}
