#!/usr/bin/env bash
# Builds the example plugins into the directory that is named, and says what it leaves out for want of a tool.
set -euo pipefail
out=${1:-target/example-plugins}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"

target=wasm32-unknown-unknown
has_target() { [ -d "$("$1" --print target-libdir --target $target 2> /dev/null || echo /nowhere)" ]; }
if has_target rustc; then
    rustc --edition 2021 --target $target --crate-type cdylib -O -C panic=abort -C strip=symbols \
        -o "$out/topics.wasm" rust/plugin.rs
elif [ -x /usr/bin/rustc ] && has_target /usr/bin/rustc && command -v wasm-ld > /dev/null; then
    # Debian's compiler brings the target along, and its linker under another name.
    /usr/bin/rustc --edition 2021 --target $target --crate-type cdylib -O -C panic=abort \
        -C linker=wasm-ld -C link-arg=--strip-all -o "$out/topics.wasm" rust/plugin.rs
else
    echo "skipped: the plugin in Rust needs \`rustup target add $target\` (or Debian's rustc, libstd-rust-dev-wasm32, lld)"
fi

if command -v npm > /dev/null; then
    [ -d assemblyscript/node_modules/assemblyscript ] \
        || npm --prefix assemblyscript --no-audit --no-fund --no-update-notifier ci --ignore-scripts > /dev/null
    (cd assemblyscript && node node_modules/assemblyscript/bin/asc.js plugin.ts -o "$out/signed.wasm" \
        --runtime incremental --optimize --use abort=plugin/stop)
else
    echo "skipped: the plugin in AssemblyScript needs Node and npm"
fi
