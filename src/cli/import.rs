//! `llm-gateway import FILE`: prints our TOML on standard output, and what became of each thing on standard error.
//!
//! It writes no file that exists already.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{EXIT_CONFIG, complain, print};
use crate::config::{self, LoadOptions, NoteOutcome};

/// A file that is larger than this is not a configuration.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// What to translate, and where to.
#[derive(Args, Clone, Debug)]
pub(super) struct ImportCommand {
    /// The file: config.yaml of LiteLLM, or providers.json
    file: PathBuf,
    /// Where to write the config file [default: standard output]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(command: &ImportCommand, options: &LoadOptions) -> ExitCode {
    let name = command.file.to_string_lossy();
    let text = match read(&options.working_dir.join(&command.file)) {
        Ok(text) => text,
        Err(error) => {
            complain(&format!("error: {name}: cannot be read: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let imported = match config::import(&name, &text, &options.env) {
        Ok(imported) => imported,
        Err(errors) => {
            errors.lines().iter().for_each(|error| complain(&format!("error: {error}")));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    imported.notes.iter().for_each(|note| complain(&note.to_string()));
    let count = |outcome| imported.notes.iter().filter(|note| note.outcome == outcome).count();
    let (carried, changed, left) = (count(NoteOutcome::Carried), count(NoteOutcome::Changed), count(NoteOutcome::Left));
    complain(&format!("{} ({name}): {carried} carried over, {changed} changed, {left} left out", imported.origin));
    match &command.out {
        None => print(&imported.toml),
        Some(path) => {
            if let Err(error) = write(&options.working_dir.join(path), &imported.toml) {
                complain(&format!("error: {}: cannot be written: {error}", path.display()));
                return ExitCode::FAILURE;
            }
            complain(&format!("written: {0}; look it over, then: llm-gateway check -c {0}", path.display()));
        }
    }
    ExitCode::SUCCESS
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(std::io::Error::other("it is larger than 4 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::options().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
