//! What the run found: medians over the rounds, beside the bars that the project set itself.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde_json::json;

use super::Failure;

/// What a row must hold for the gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    /// At most so much.
    AtMost(f64),
    /// At least this share of what nginx does.
    ShareOfNginx(f64),
    /// For comparison only.
    None,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) digits: usize,
    pub(crate) bar: Bar,
}

const fn row(key: &'static str, name: &'static str, digits: usize, bar: Bar) -> Row {
    Row { key, name, digits, bar }
}

/// All rows, in the order of the table.
pub(crate) const ROWS: [Row; 16] = [
    row("requests_per_s", "requests/s, 32 connections", 0, Bar::ShareOfNginx(0.45)),
    row("request_cpu_us", "CPU per request, µs", 1, Bar::AtMost(50.0)),
    row("one_p50_ms", "latency p50 at one connection, ms", 3, Bar::None),
    row("one_added_p50_ms", "… added to direct, p50, ms", 3, Bar::AtMost(0.12)),
    row("one_added_p99_ms", "… added to direct, p99, ms", 3, Bar::AtMost(0.3)),
    row("large_added_p50_ms", "… the same with 4 KiB, p50, ms", 3, Bar::None),
    row("large_added_p99_ms", "… p99, ms", 3, Bar::None),
    row("open_added_p50_ms", "500 requests/s on 32 connections, open loop: added p50, ms", 3, Bar::None),
    row("open_added_p99_ms", "… added p99, ms", 3, Bar::None),
    row("open_cpu_us", "… CPU per request, µs", 1, Bar::None),
    row("chunk_cpu_us", "64 streams × 100 chunks at 10 ms: CPU per chunk, µs", 1, Bar::AtMost(20.0)),
    row("chunk_added_p50_us", "… added delay of a chunk, p50, µs", 0, Bar::AtMost(90.0)),
    row("chunk_added_p99_us", "… added delay of a chunk, p99, µs", 0, Bar::AtMost(300.0)),
    row("rss_256_mib", "RSS at 256 connections, MiB", 1, Bar::AtMost(60.0)),
    row("rss_1000_streams_mib", "RSS with 1,000 streams, MiB", 1, Bar::AtMost(100.0)),
    row("start_ms", "from start to the first 200, ms", 0, Bar::AtMost(150.0)),
];

/// Names of the targets that the bars are about, in the order of the columns.
const TARGETS: [&str; 3] = ["direct", "nginx", PLAIN];

/// The gateway as the bars mean it: keys required, everything recorded.
pub(crate) const PLAIN: &str = "llm-gateway";

/// A feature that is seen on its own: a gateway beside the plain one, with a row in the second table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    /// TOML that is laid over the plain gateway's configuration.
    pub(crate) config: &'static str,
}

/// All variants; a new feature is one line here.
pub(crate) const VARIANTS: [Variant; 3] = [
    Variant { name: "reading on for clients that left", config: "[server]\non_client_disconnect = \"drain\"" },
    Variant {
        name: "limits and budgets",
        config: "[limits]\nrequests_per_minute = 100000000\ntokens_per_minute = 100000000000\n\
                 [limits.per_key]\nrequests_per_minute = 100000000\n\
                 [[budgets]]\nname = \"all\"\nscope = \"global\"\nlimit_usd = 1000000\nperiod = \"month\"",
    },
    Variant { name: "sanitizer on", config: "[sanitization]\nenabled = true\nredact_pii = true" },
];

/// What the second table shows of a variant, and by what names.
const VARIANT_COLUMNS: [(&str, &str); 7] = [
    ("requests_per_s", "requests/s"),
    ("request_cpu_us", "CPU per request, µs"),
    ("one_added_p50_ms", "added p50, ms"),
    ("one_added_p99_ms", "added p99, ms"),
    ("large_added_p99_ms", "added to 4 KiB, p99, ms"),
    ("chunk_cpu_us", "CPU per chunk, µs"),
    ("chunk_added_p50_us", "added per chunk, p50, µs"),
];

/// Every figure of every round.
#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<(&'static str, &'static str), Vec<f64>>);

impl Figures {
    /// Notes one round's figure.
    pub(crate) fn note(&mut self, key: &'static str, target: &'static str, value: f64) {
        self.0.entry((key, target)).or_default().push(value);
    }

    fn rounds(&self, key: &str, target: &str) -> &[f64] {
        self.0.iter().find(|((k, t), _)| *k == key && *t == target).map_or(&[], |(_, values)| values)
    }

    fn median(&self, key: &str, target: &str) -> Option<f64> {
        median(self.rounds(key, target).to_vec())
    }

    /// The median of each round's share: what disturbs a round disturbs both sides of its share.
    fn share(&self, key: &str, target: &str, of: &str) -> Option<f64> {
        let rounds = self.rounds(key, target).iter().zip(self.rounds(key, of));
        median(rounds.map(|(ours, theirs)| ours / theirs).collect())
    }

    /// The table in Markdown, which is also what the terminal shows.
    pub(crate) fn table(&self) -> String {
        let mut table = "| |".to_owned();
        for target in TARGETS {
            let _ = write!(table, " {target} |");
        }
        table.push_str(" bar | |\n|---|--:|--:|--:|--:|:-:|\n");
        for row in ROWS {
            let _ = write!(table, "| {} |", row.name);
            for target in TARGETS {
                match self.median(row.key, target) {
                    Some(value) => {
                        let _ = write!(table, " {value:.*} |", row.digits);
                    }
                    None => table.push_str(" |"),
                }
            }
            let (bar, reached) = self.judge(&row);
            let _ = writeln!(table, " {bar} | {reached} |");
        }
        table
    }

    /// One row for the plain gateway and one for each variant, the share of the plain one's figure beside each.
    pub(crate) fn variants(&self) -> String {
        let mut table = "| llm-gateway |".to_owned();
        for (_, name) in VARIANT_COLUMNS {
            let _ = write!(table, " {name} |");
        }
        let _ = writeln!(table, "\n|---|{}", "--:|".repeat(VARIANT_COLUMNS.len()));
        for name in std::iter::once(PLAIN).chain(VARIANTS.map(|variant| variant.name)) {
            let _ = write!(table, "| {} |", if name == PLAIN { "as above" } else { name });
            for (key, _) in VARIANT_COLUMNS {
                let digits = ROWS.iter().find(|row| row.key == key).map_or(1, |row| row.digits);
                match self.median(key, name) {
                    Some(value) => {
                        let _ = write!(table, " {value:.digits$}");
                    }
                    None => table.push(' '),
                }
                if let Some(share) = self.share(key, name, PLAIN).filter(|_| name != PLAIN) {
                    let _ = write!(table, " (×{share:.2})");
                }
                table.push_str(" |");
            }
            table.push('\n');
        }
        table
    }

    fn judge(&self, row: &Row) -> (String, &'static str) {
        let word = |reached: Option<bool>| match reached {
            Some(true) => "pass",
            Some(false) => "FAIL",
            None => "",
        };
        let ours = self.median(row.key, PLAIN);
        match row.bar {
            Bar::None => (String::new(), ""),
            Bar::AtMost(most) => (format!("≤ {most}"), word(ours.map(|ours| ours <= most))),
            Bar::ShareOfNginx(least) => {
                let share = self.share(row.key, PLAIN, "nginx");
                let found = share.map_or_else(String::new, |share| format!(" (here {share:.2})"));
                (format!("≥ {least} × nginx{found}"), word(share.map(|share| share >= least)))
            }
        }
    }

    /// Saves the table and every single figure under `dir`, named after the time.
    pub(crate) fn save(&self, dir: &Path, about: &str, notes: &[String]) -> Result<(), Failure> {
        fs::create_dir_all(dir)?;
        let now = jiff::Timestamp::now();
        let name = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let rows: Vec<_> = ROWS
            .iter()
            .map(|row| {
                let of = |target: &'static str| {
                    (
                        target.to_owned(),
                        json!({
                            "median": self.median(row.key, target),
                            "rounds": self.rounds(row.key, target),
                        }),
                    )
                };
                let names = TARGETS.into_iter().chain(VARIANTS.map(|variant| variant.name));
                let targets: serde_json::Map<_, _> = names.map(of).collect();
                let (bar, reached) = self.judge(row);
                json!({ "key": row.key, "name": row.name, "bar": bar, "reached": reached, "targets": targets })
            })
            .collect();
        let document = json!({ "at": now.to_string(), "about": about, "notes": notes, "rows": rows });
        fs::write(dir.join(format!("load-{name}.json")), serde_json::to_vec_pretty(&document)?)?;
        let page =
            format!("# Load, {now}\n\n{about}\n\n{}\n{}\n{}\n", self.table(), self.variants(), notes.join("\n\n"));
        fs::write(dir.join(format!("load-{name}.md")), &page)?;
        fs::write(dir.join("load-latest.md"), page)?;
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The value below which `percent` of the sorted values lie.
pub(crate) fn percentile(sorted: &[u64], percent: f64) -> f64 {
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0) as f64
}
