//! The command line: reads the arguments, loads the configuration and calls the room that does the work.
//!
//! It decides nothing about requests, and never prints a secret but the one that `keys create` makes.

mod ask;
mod import;
mod keys;

use std::{collections::BTreeMap, io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    analytics::ask::{COMMAND, run_child},
    app::{self, AppError},
    catalog,
    config::{self, Config, ConfigErrors, LoadOptions},
    domain::Timestamp,
    plugins, policy, server,
};
use ask::AskCommand;
use import::ImportCommand;
use keys::KeysCommand;

/// The exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits.h).
const EXIT_CONFIG: u8 = 78;

/// One self-hosted binary between a team's applications and their LLM providers.
#[derive(Debug, Parser)]
#[command(name = "llm-gateway", version, about)]
struct Cli {
    #[command(flatten)]
    source: Source,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug)]
struct Source {
    /// Path of the config file, .toml, .yaml or .json [default: config.toml, which may be missing]
    #[arg(short, long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Port to listen on, above what the config file and the environment say
    #[arg(short, long, global = true, value_name = "N")]
    port: Option<u16>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the gateway (the default)
    #[command(alias = "start")]
    Serve,
    /// Try the gateway with demo providers, synthetic history and live traffic; needs no key and no network
    Demo,
    /// Print the OpenAPI document
    Openapi,
    /// Check the configuration and show the effective one with secrets masked
    Check,
    /// Ask a question about the records: llm-gateway ask "spend by team last month"
    Ask(AskCommand),
    /// Run one statement of a question: a process of its own, of the gateway's, that reads it from standard input
    #[command(name = COMMAND, hide = true)]
    RunQuestion,
    /// Make, list and revoke virtual keys in the data directory
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Translate another gateway's configuration into this one's TOML: LiteLLM's config.yaml, or a providers.json
    Import(ImportCommand),
    /// Copy the databases, consistently, while a gateway may be serving from them
    Backup {
        /// Where to make the backup, a directory of its own named after the time [default: backups in the data directory]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => with_config(&cli.source, |config, options| ended(run_async(app::serve(config, options)))),
        Command::Ask(command) => with_config(&cli.source, |config, _| {
            warn(&config);
            ended(run_async(ask::run(command, &config)))
        }),
        Command::RunQuestion => ended(run_child()),
        Command::Demo => match load_options(&cli.source) {
            Ok(options) => ended(run_async(app::demo(options.port, &options.env))),
            Err(error) => ended(Err::<(), _>(AppError::Runtime(error))),
        },
        Command::Openapi => {
            print(&app::openapi());
            ExitCode::SUCCESS
        }
        Command::Check => with_config(&cli.source, |config, _| {
            warn(&config);
            if let Some(Err(error)) = config.server.tls.as_ref().map(server::Tls::open) {
                complain(&format!("error: server.tls: {error}"));
                return ExitCode::from(EXIT_CONFIG);
            }
            print(&config::effective_toml(&config));
            ExitCode::SUCCESS
        }),
        Command::Import(command) => match load_options(&cli.source) {
            Ok(options) => import::run(&command, &options),
            Err(error) => ended(Err::<(), _>(AppError::Runtime(error))),
        },
        Command::Keys(command) => with_config(&cli.source, |config, _| {
            warn(&config);
            ended(run_async(keys::run(command, &config)))
        }),
        Command::Backup { to } => with_config(&cli.source, |config, _| {
            warn(&config);
            ended(run_async(async {
                let made = app::backup(&config, to.as_deref()).await?;
                print(&format!("{}\n", made.display()));
                Ok::<_, AppError>(())
            }))
        }),
    }
}

/// Runs a command to its end on a runtime of its own.
fn run_async<E: From<AppError>>(command: impl Future<Output = Result<(), E>>) -> Result<(), E> {
    // Never fewer than two threads, so that one which waits for the disk (see `store/spool.rs`) holds no other call up.
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().worker_threads(threads).build().map_err(AppError::Runtime)?;
    runtime.block_on(command)
}

/// Tells the warnings of a command that keeps no log.
fn warn(config: &Config) {
    config.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
}

fn ended(result: Result<(), impl std::fmt::Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Loads the configuration, tells what is wrong with it, and goes on if nothing is.
fn with_config(source: &Source, go_on: impl FnOnce(Config, LoadOptions) -> ExitCode) -> ExitCode {
    let options = match load_options(source) {
        Ok(options) => options,
        Err(error) => {
            complain(&format!("the working directory cannot be used: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match config::load(&options).and_then(checked) {
        Ok(mut config) => {
            config.warnings.extend(catalog::doubtful_prices(&config, Timestamp::now()));
            go_on(config, options)
        }
        Err(errors) => {
            errors.lines().iter().for_each(|error| complain(&format!("error: {error}")));
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// A configuration whose rules and plugins can be put in force.
fn checked(config: Config) -> Result<Config, ConfigErrors> {
    policy::check_rules(&config)?;
    plugins::check(&config)?;
    Ok(config)
}

fn load_options(source: &Source) -> std::io::Result<LoadOptions> {
    // A variable that is not UTF-8 cannot be one of ours.
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(LoadOptions {
        config_path: source.config.clone(),
        port: source.port,
        working_dir: std::env::current_dir()?,
        env,
    })
}

fn print(text: &str) {
    // A closed pipe (`check | head`) is no reason to fail.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
