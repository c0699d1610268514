//! The fuzz targets over their seeds and small changes of them, with the stable compiler: what `make fuzz`
//! does for minutes, `make test` does for seconds.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::{fs, path::Path};

/// The target's seeds, by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds in {}", directory.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The seed itself, cut short, with single bytes exchanged, and with a piece doubled; about `count` of them.
fn changed(seed: &[u8], count: usize) -> impl Iterator<Item = Vec<u8>> {
    const BYTES: &[u8] = b"\0\n\r\"\\{}[]:,%/.0 \x7f\xc3\xff";
    let step = (seed.len() / count).max(1);
    let whole = std::iter::once(seed.to_vec());
    whole.chain((0..seed.len()).step_by(step).enumerate().flat_map(move |(number, at)| {
        let mut exchanged = seed.to_vec();
        exchanged[at] = BYTES[number % BYTES.len()];
        let end = (at + 1 + number % 24).min(seed.len());
        let doubled = [&seed[..end], &seed[at..]].concat();
        [seed[..at].to_vec(), exchanged, doubled]
    }))
}

fn run(name: &str, count: usize) {
    let (_, target) = targets::TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    for seed in seeds(name) {
        for input in changed(&seed, count) {
            // What a failing assertion says is followed by the input that made it fail.
            let shown = InputOnPanic(&input);
            target(&input);
            drop(shown);
        }
    }
}

struct InputOnPanic<'a>(&'a [u8]);

#[allow(clippy::print_stderr, reason = "the test's own output, for whoever reads of its failure")]
impl Drop for InputOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was: {:?}", String::from_utf8_lossy(self.0));
        }
    }
}

#[test]
fn sanitized_bodies() {
    run("body", 25);
}

#[test]
fn guarded_streams() {
    run("guard", 12);
}

#[test]
fn configurations() {
    run("config", 60);
}

#[test]
fn request_heads() {
    run("head", 40);
}

#[test]
fn virtual_keys() {
    run("key", 40);
}

#[test]
fn spliced_bodies() {
    run("splice", 100);
}

#[test]
fn statements_of_questions() {
    run("sql_guard", 150);
}

#[test]
fn event_streams() {
    run("sse", 200);
}

#[test]
fn metered_answers() {
    run("tally", 100);
}

#[test]
fn translations() {
    run("translate", 60);
}

#[test]
fn texts_in_a_window() {
    run("window", 80);
}

#[test]
fn every_target_has_a_binary_and_seeds_of_a_few_kilobytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let binaries: Vec<_> =
        manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    assert_eq!(binaries, targets::TARGETS.map(|(name, _)| name));
    for (name, _) in targets::TARGETS {
        assert!(root.join(format!("fuzz_targets/{name}.rs")).is_file());
        let bytes: usize = seeds(name).iter().map(Vec::len).sum();
        assert!(bytes < 8 << 10, "the seeds of {name} are {bytes} bytes");
    }
}
