#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, from Debian's packages: a browser for the
# page, Python with venv for the SDKs. Says what it does; does nothing where all is there.
set -euo pipefail

missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v python3 > /dev/null || missing+=(python3)
python3 -c 'import venv, ensurepip' 2> /dev/null || missing+=(python3-venv)
command -v cc > /dev/null || missing+=(build-essential)
command -v curl > /dev/null || missing+=(curl)
# The example plugin in Rust. Debian's compiler stands behind the one in use, and never before it.
has_wasm() { [ -d "$("$1" --print target-libdir --target wasm32-unknown-unknown 2> /dev/null || echo /nowhere)" ]; }
if ! has_wasm rustc && ! has_wasm /usr/bin/rustc \
    && ! timeout 60 rustup target add wasm32-unknown-unknown > /dev/null 2>&1 \
    && command -v rustc > /dev/null && [ "$(command -v rustc)" != /usr/bin/rustc ]; then
    missing+=(rustc libstd-rust-dev-wasm32 lld)
fi

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get > /dev/null; then
        echo "please install: ${missing[*]} (this machine has no apt-get)" >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo > /dev/null || { echo "please install as root: ${missing[*]}" >&2; exit 1; }
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

# Toolchains are not installed behind a person's back.
node -e 'const [major, minor] = process.versions.node.split(".").map(Number)
process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2> /dev/null \
    || { echo "Node 20.19 or newer is needed" >&2; exit 1; }
cargo --version > /dev/null 2>&1 || { echo "Rust is needed (see rust-version in Cargo.toml)" >&2; exit 1; }
