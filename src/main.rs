//! The command `llm-gateway`. Everything it can do stands in [`llm_gateway::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    llm_gateway::cli::run()
}
