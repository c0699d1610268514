//! A database of any size, written through the store's real write path: the demo's history, thickened, with more
//! projects and requesters.

use std::{collections::HashMap, sync::Arc};

use llm_gateway::{
    catalog::Catalog,
    demo,
    domain::{Record, RecordId, Timestamp},
    store::Store,
};

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Records between two waits for the writer, so that its queue never overflows.
const BATCH: u64 = 2_000;
/// Projects and requesters for each of the demo's.
const COPIES: u64 = 12;

/// Writes about so many records, spread over the four weeks that end at `until`; `progress` is told how many there
/// are. Returns their number.
pub(crate) async fn seed(
    store: &Store,
    records: u64,
    until: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<u64, Failure> {
    let demo = demo::prepare(Some(0), &Default::default()).await?;
    let catalog = Catalog::bundled(&demo.config.catalog);
    let volume =
        records as f64 / demo::hours(&demo.config, &catalog, until, 1.0).map(|hour| hour.len()).sum::<usize>() as f64;
    let mut crowd = Crowd::default();
    let mut written = 0;
    for record in demo::hours(&demo.config, &catalog, until, volume).flatten() {
        store.recorder.import(crowd.place(record));
        written += 1;
        if written % BATCH == 0 {
            store.recorder.flush().await?;
            progress(written);
        }
    }
    store.recorder.flush().await?;
    store.recorder.pack().await?;
    progress(written);
    Ok(written)
}

/// Spreads records over more projects and requesters.
#[derive(Default)]
pub(crate) struct Crowd {
    names: HashMap<(Arc<str>, u64), Arc<str>>,
    turn: u64,
}

impl Crowd {
    /// The same record with an id of its own, moved to one of the copies of its project.
    pub(crate) fn place(&mut self, mut record: Record) -> Record {
        self.turn = self.turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let copy = (self.turn >> 33) % COPIES;
        let mut copied = |name: Option<Arc<str>>| {
            let name = name?;
            let made = || format!("{name}-{copy}").into();
            Some(Arc::clone(self.names.entry((Arc::clone(&name), copy)).or_insert_with(made)))
        };
        record.project = copied(record.project);
        record.source = copied(record.source);
        record.id = RecordId::new();
        record
    }
}
