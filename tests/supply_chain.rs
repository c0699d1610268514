//! Bar 39: what comes from elsewhere is pinned, checked by its hash, and runs nothing while it is installed.

use std::{fs, path::Path};

use serde_json::Value;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn toml(file: &str) -> toml::Table {
    read(file).parse().unwrap()
}

/// Every entry of a `Cargo.lock`: its name, its source and its checksum.
fn locked(file: &str) -> Vec<(String, Option<String>, Option<String>)> {
    let lock = toml(file);
    let text = |package: &toml::Value, key: &str| package.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let packages = lock["package"].as_array().unwrap();
    packages.iter().map(|each| (text(each, "name").unwrap(), text(each, "source"), text(each, "checksum"))).collect()
}

#[test]
fn bar_39_every_crate_is_locked_by_checksum_and_none_comes_from_git() {
    for (file, own) in [("Cargo.lock", &["llm-gateway"][..]), ("fuzz/Cargo.lock", &["llm-gateway", "llm-gateway-fuzz"])]
    {
        let crates = locked(file);
        assert!(crates.len() > 100, "{file} names {} crates", crates.len());
        for (name, source, checksum) in crates {
            match source {
                None => assert!(own.contains(&name.as_str()), "{file}: {name} is neither ours nor from the registry"),
                Some(source) => {
                    assert!(source.starts_with("registry+"), "{file}: {name} comes from {source}");
                    assert!(checksum.is_some_and(|sum| sum.len() == 64), "{file}: {name} has no checksum");
                }
            }
        }
    }
}

/// Else `make fuzz` and `make audit`, which are locked, stop before they begin.
#[test]
fn bar_39_the_lock_of_the_fuzz_targets_follows_the_crate() {
    let fix = "run `cargo tree --manifest-path fuzz/Cargo.toml` and commit fuzz/Cargo.lock";
    let lock = toml("fuzz/Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    let ours = packages.iter().find(|package| package["name"].as_str() == Some("llm-gateway")).unwrap();
    // An entry is a name, and a version where several are locked.
    let locked = ours["dependencies"].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap());
    let locked: Vec<_> = locked.map(|entry| entry.split(' ').next().unwrap()).collect();
    let mut wanted: Vec<_> = toml("Cargo.toml")["dependencies"].as_table().unwrap().keys().cloned().collect();
    wanted.sort();
    assert_eq!(locked, wanted, "{fix}");
}

#[test]
fn bar_39_no_manifest_asks_for_a_branch_a_path_or_any_version() {
    for (file, own_paths) in [("Cargo.toml", &[][..]), ("fuzz/Cargo.toml", &["llm-gateway"])] {
        let manifest = toml(file);
        assert!(!manifest.contains_key("patch") && !manifest.contains_key("replace"), "{file} replaces crates");
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        let tables = kinds.iter().filter_map(|kind| manifest.get(*kind)).map(|table| table.as_table().unwrap());
        for (name, wanted) in tables.flatten() {
            let version = wanted.as_str().or_else(|| wanted.get("version").and_then(|version| version.as_str()));
            let is_own = own_paths.contains(&name.as_str());
            assert!(wanted.get("git").is_none(), "{file}: {name} comes from git");
            assert_eq!(wanted.get("path").is_some(), is_own, "{file}: {name}");
            assert!(
                is_own || version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())),
                "{name}"
            );
        }
    }
}

#[test]
fn bar_39_every_package_of_npm_is_locked_by_integrity() {
    for tree in ["portal", "tests/sdk/node", "tests/sdk/claude-code"] {
        let lock: Value = serde_json::from_str(&read(&format!("{tree}/package-lock.json"))).unwrap();
        assert_eq!(lock["lockfileVersion"], 3, "{tree}");
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() >= 10, "{tree}");
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            let integrity = package["integrity"].as_str().unwrap_or_default();
            assert!(integrity.starts_with("sha512-"), "{tree}: {name} has no integrity");
            let resolved = package["resolved"].as_str().unwrap_or_default();
            assert!(resolved.is_empty() || resolved.starts_with("https://"), "{tree}: {name} comes from {resolved}");
        }
        let manifest: Value = serde_json::from_str(&read(&format!("{tree}/package.json"))).unwrap();
        for kind in ["dependencies", "devDependencies"] {
            for (name, version) in manifest[kind].as_object().into_iter().flatten() {
                let exact = version.as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                assert!(exact, "{tree}: {name} may be any of {version}");
            }
        }
    }
    let pinned = read("tests/sdk/requirements.txt");
    assert!(pinned.lines().all(|line| line.contains("==")), "{pinned}");
}

#[test]
fn bar_39_every_build_is_locked_and_no_package_runs_a_script_when_it_is_installed() {
    let makefile = read("Makefile");
    let commands: Vec<_> = makefile.lines().filter(|line| line.starts_with('\t')).collect();
    let cargo = ["build", "test", "bench", "clippy", "doc", "install", "deny", "tree"];
    let mut builds = 0;
    for line in &commands {
        let words: Vec<_> = line.split([' ', ',', '(', ')']).collect();
        let is_cargo = line.contains("$(CARGO) ") && !line.contains(" fuzz build");
        if is_cargo && cargo.iter().any(|command| words.contains(command)) {
            builds += 1;
            assert!(words.contains(&"--locked"), "not locked: {line}");
        }
        if line.contains("npm ") || line.contains("$(NPM)") {
            assert!(!words.contains(&"install") && !words.contains(&"i"), "not from the lock file: {line}");
            assert!(!words.contains(&"ci") || words.contains(&"--ignore-scripts"), "runs scripts: {line}");
        }
    }
    assert!(builds > 8, "only {builds} builds were found");
    let dockerfile = read("Dockerfile");
    for line in dockerfile.lines().filter(|line| line.contains("cargo build") || line.contains("npm ci")) {
        assert!(line.contains("--locked") || line.contains("--ignore-scripts"), "{line}");
    }
}

#[test]
fn bar_39_what_deny_toml_bans_is_not_there() {
    let deny = toml("deny.toml");
    let banned = deny["bans"]["deny"].as_array().unwrap();
    assert!(!banned.is_empty());
    for file in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let crates = locked(file);
        for ban in banned {
            let name = ban["crate"].as_str().unwrap();
            assert!(!crates.iter().any(|(known, ..)| known == name), "{file} has {name}");
        }
    }
    assert_eq!(deny["sources"]["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(deny["sources"]["unknown-git"].as_str(), Some("deny"));
    assert!(deny["sources"]["allow-git"].as_array().unwrap().is_empty());
}

/// The store refuses to start on an older one; that refusal is tested beside it.
#[tokio::test]
async fn bar_39_the_sqlite_inside_has_the_fix_of_the_wal_reset_fault() {
    use sqlx::Connection as _;
    let mut memory = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut memory).await.unwrap();
    let numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(numbers >= vec![3, 51, 3], "SQLite {version}");
}
