//! `keys create|list|revoke`: virtual keys in the data directory, whether a gateway runs or not.
//!
//! The one place of the command line that prints a secret, once, to standard output alone, so that
//! it can be piped.

use clap::{Args, Subcommand};

use super::{complain, print};
use crate::{
    app::AppError,
    config::{Config, Storage},
    domain::Timestamp,
    store::{self, Action, Actor, Deed, Ending, KeyFields, StoreError, StoredKey},
};

/// What can be done with virtual keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print its secret, which is shown this once
    Create(NewKey),
    /// List the keys of the data directory (those of [key_map] stand in the config file)
    List,
    /// Refuse a key from now on
    Revoke {
        /// The key's public id, as in the list
        id: String,
    },
}

/// What a new key stands for.
#[derive(Args, Debug)]
pub(super) struct NewKey {
    /// Shown in records
    #[arg(long, value_parser = name)]
    label: Option<String>,
    /// Team that its requests are accounted to
    #[arg(long, value_parser = name)]
    team: Option<String>,
    /// Project that it fixes, whatever a request says
    #[arg(long, value_parser = name)]
    project: Option<String>,
    /// A model it may use; repeat for more, all without
    #[arg(long = "model", value_name = "MODEL", value_parser = name)]
    models: Vec<String>,
    /// A provider it may use; repeat for more, all without
    #[arg(long = "provider", value_name = "ID", value_parser = name)]
    providers: Vec<String>,
    /// From when on it is refused, in RFC 3339 (2027-01-31T00:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = future)]
    expires_at: Option<Timestamp>,
}

/// Why a key command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    /// The command could not be started.
    #[error(transparent)]
    App(#[from] AppError),
    /// The data directory could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A provider that does not exist can never be allowed.
    #[error("no provider {0:?} is configured or stored")]
    UnknownProvider(String),
}

/// Runs a key command on the data directory of the configuration.
pub(super) async fn run(command: KeysCommand, config: &Config) -> Result<(), KeysError> {
    match command {
        KeysCommand::Create(new) => create(new, config).await,
        KeysCommand::List => list(&config.storage).await,
        KeysCommand::Revoke { id } => revoke(&id, &config.storage).await,
    }
}

async fn create(new: NewKey, config: &Config) -> Result<(), KeysError> {
    let control = store::open_control(&config.storage).await?;
    let stored = if new.providers.is_empty() { Vec::new() } else { control.providers().await? };
    for id in &new.providers {
        let is_known = config.providers.iter().any(|provider| &provider.id == id)
            || stored.iter().any(|stored| &stored.provider.id == id);
        if !is_known {
            return Err(KeysError::UnknownProvider(id.clone()));
        }
    }
    let issued = control
        .create_key(
            &Actor::Cli,
            KeyFields {
                label: new.label,
                team: new.team,
                project: new.project,
                allowed_models: new.models,
                allowed_providers: new.providers,
                expires_at: new.expires_at,
                ..KeyFields::default()
            },
        )
        .await?;
    complain(&format!("made {}; its secret is shown this once:", issued.key.id));
    print(&format!("{}\n", issued.secret.expose()));
    Ok(())
}

async fn list(storage: &Storage) -> Result<(), KeysError> {
    let keys = store::open_control(storage).await?.keys().await?;
    let now = Timestamp::now();
    let mut rows = vec![["id", "status", "label", "team", "project", "created"].map(str::to_owned)];
    rows.extend(keys.iter().map(|key| row(key, now)));
    print(&columns(&rows));
    Ok(())
}

async fn revoke(id: &str, storage: &Storage) -> Result<(), KeysError> {
    let control = store::open_control(storage).await?;
    let revoked = control.revoke_key(&Actor::Cli, id).await;
    if let Err(StoreError::NotFound(_)) = revoked {
        let refused = Ending::Refused("not_found".to_owned());
        control.log(&Actor::Cli, &Deed::undone(Action::KeyRevoke, None, refused)).await?;
    }
    let key = revoked?;
    complain(&format!("{} is revoked", key.id));
    Ok(())
}

fn row(key: &StoredKey, now: Timestamp) -> [String; 6] {
    let status = match (key.revoked_at, key.fields.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= now => "expired",
        _ => "active",
    };
    let text = |field: &Option<String>| field.as_deref().map_or_else(|| "-".to_owned(), inert);
    let fields = &key.fields;
    let created = key.created_at.to_string();
    [key.id.clone(), status.to_owned(), text(&fields.label), text(&fields.team), text(&fields.project), created]
}

/// A label may come from the API; control characters in it must not drive the terminal.
fn inert(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Lines up the cells with two blanks between the columns.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let mut page = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", width(column).unwrap_or(0)));
        page.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        page.push('\n');
    }
    page
}

fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() { Err("is empty") } else { Ok(text.to_owned()) }
}

fn future(text: &str) -> Result<Timestamp, &'static str> {
    let at = Timestamp::parse(text).ok_or("is not a time in RFC 3339, such as 2027-01-31T00:00:00Z")?;
    if at <= Timestamp::now() { Err("lies in the past") } else { Ok(at) }
}
