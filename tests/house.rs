//! The house keeps its own plan: who may import whom, and that every file says what it is for.
//!
//! ARCHITECTURE.md explains the floors; this file is the table that holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use syn::visit::Visit;

/// The floors from the ground up. A room may import rooms of lower floors.
const FLOORS: [(&str, &[&str]); 6] = [
    ("ground", &["domain", "config", "telemetry", "portal"]),
    ("pure", &["catalog", "dialect", "routing", "sanitize"]),
    ("I/O", &["provider", "store", "cache", "limits", "plugins"]),
    ("compiled", &["policy"]),
    ("uses", &["gateway", "analytics", "admin", "demo", "complete", "own", "tasks", "spans", "webhook"]),
    ("roof", &["server", "app", "builder", "cli", "main", "lib"]),
];

/// What a room may import of its own floor, and why.
const NEIGHBOURS: [(&str, &str); 14] = [
    // Configuration is made of domain words.
    ("config", "domain"),
    // Telemetry is told by the configuration what to log.
    ("telemetry", "config"),
    ("telemetry", "domain"),
    // Dialects ask the catalog what a model can do.
    ("dialect", "catalog"),
    // The plan rests on which provider knows which model.
    ("routing", "catalog"),
    // What is text in a body is the dialect's knowledge.
    ("sanitize", "dialect"),
    // Webhooks are called by the one client, under its rules.
    ("plugins", "provider"),
    // The control plane serves what analytics computed.
    ("admin", "analytics"),
    // What is told of an incident is what the API shows of it.
    ("webhook", "analytics"),
    // The roof is one staircase: main, cli, app, server.
    ("main", "cli"),
    ("cli", "app"),
    ("builder", "app"),
    ("cli", "server"),
    ("app", "server"),
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&room))
}

fn may_import(from: &str, to: &str) -> bool {
    // The front door shows every room.
    from == to || from == "lib" || floor(from) > floor(to) || NEIGHBOURS.contains(&(from, to))
}

#[test]
fn rooms_import_downward_only() {
    let mut edges: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for file in rust_files("src") {
        let (room, depth) = place(&file);
        assert!(floor(&room).is_some(), "{} is in no room of the table in tests/house.rs", file.display());
        let tree = syn::parse_file(&read(&file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut imports = Imports { depth, ..Imports::default() };
        imports.visit_file(&tree);
        for target in imports.rooms {
            edges.entry((room.clone(), target)).or_default().insert(file.display().to_string());
        }
    }
    let rooms: BTreeSet<_> = edges.keys().map(|(from, _)| from.clone()).collect();
    let wrong: Vec<_> = edges
        .iter()
        // A path may begin with an item of the crate root instead of a room (`crate::Gateway`).
        .filter(|((_, to), _)| floor(to).is_some() || rooms.contains(to))
        .filter(|((from, to), _)| !may_import(from, to))
        .collect();
    assert!(wrong.is_empty(), "imports that the plan does not allow: {wrong:#?}");
    assert!(edges.len() > 10, "the walk found only {} edges", edges.len());
}

#[test]
fn the_walk_sees_every_way_to_name_a_room() {
    let code = "
        use crate::{config::{self, Server}, domain};
        use super::super::store::Store;
        fn f() { crate::catalog::x(); let _: Vec<crate::policy::Policy>; println!(\"{}\", crate::dialect::Y); }
        mod tests { use super::super::super::provider; use super::own; }
    ";
    let mut imports = Imports { depth: 2, ..Imports::default() };
    imports.visit_file(&syn::parse_file(code).unwrap());
    let found: Vec<_> = imports.rooms.iter().map(String::as_str).collect();
    assert_eq!(found, ["catalog", "config", "dialect", "domain", "policy", "provider", "store"]);
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in rust_files("src").into_iter().chain(rust_files("tests")) {
        assert!(read(&file).starts_with("//! "), "{} should open with `//!`", file.display());
    }
}

/// The rooms that a file names by path.
#[derive(Default)]
struct Imports {
    /// How many modules the present place is below the crate root.
    depth: usize,
    rooms: BTreeSet<String>,
}

impl Imports {
    /// Takes the path's segments; only paths that leave the present room matter.
    fn take(&mut self, segments: &[String]) {
        let supers = segments.iter().take_while(|segment| *segment == "super").count();
        let target = match segments.first().map(String::as_str) {
            Some("crate") => segments.get(1),
            Some("super") if supers >= self.depth => segments.get(supers),
            _ => None,
        };
        self.rooms.extend(target.cloned());
    }

    fn take_use(&mut self, before: &[String], tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                let here: Vec<_> = before.iter().cloned().chain([path.ident.to_string()]).collect();
                self.take_use(&here, &path.tree);
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.take_use(before, tree)),
            syn::UseTree::Name(syn::UseName { ident }) | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                let all: Vec<_> = before.iter().cloned().chain([ident.to_string()]).collect();
                self.take(&all);
            }
            syn::UseTree::Glob(_) => self.take(before),
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.take_use(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.take(&segments);
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.depth += 1;
        syn::visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    /// The arguments of macros and attributes are only words to the parser.
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.take_words(&item.tokens.to_string());
        syn::visit::visit_macro(self, item);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.take_words(&list.tokens.to_string());
        syn::visit::visit_meta_list(self, list);
    }
}

impl Imports {
    fn take_words(&mut self, text: &str) {
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        for (at, _) in text.match_indices("crate::") {
            if !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
                let word =
                    text[at + "crate::".len()..].split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                self.rooms.extend(word.take(1).filter(|word| !word.is_empty()).map(str::to_owned));
            }
        }
    }
}

/// The room of a file below `src`, and how many modules its items are below the crate root.
fn place(file: &Path) -> (String, usize) {
    let inside = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let mut parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    parts.retain(|part| part != "mod");
    (parts[0].clone(), parts.len())
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files
}
