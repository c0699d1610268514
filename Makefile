# Everything a person needs to try, build and test llm-gateway. `make` alone lists the targets.
#
# Needs Rust (see rust-version in Cargo.toml), Node 20.19 or newer with npm, make and a C compiler.
# `make test` installs the rest by itself where it is missing: a browser and Python's venv module
# from Debian's packages, the SDKs under test into .venv and tests/sdk/node.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

CARGO := cargo
NPM := npm --prefix portal --no-audit --no-fund --no-update-notifier
RELEASE_BIN := target/release/llm-gateway
SUMMARY := target/test-summary

# One test step: its name, then its command. The time it took goes into the summary.
step = printf '\n\033[1m== %s\033[0m\n' "$(1)"; begun=$$SECONDS; $(2); \
	printf '  passed  %4ss  %s\n' "$$((SECONDS - begun))" "$(1)" >> $(SUMMARY)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

## Trying and running

.PHONY: demo run build
demo: build ## gateway, demo provider, history and live traffic; needs no key and no network
	$(RELEASE_BIN) demo

run: build ## the gateway with config.toml and the environment
	$(RELEASE_BIN)

build: portal/dist/index.html ## the release binary with the portal inside: target/release/llm-gateway
	$(CARGO) build --release --locked --bin llm-gateway

## The portal, which the binary embeds

PORTAL_SOURCES := $(shell find portal -type d \( -name node_modules -o -name dist \) -prune -o -type f ! -name schema.gen.ts -print)
PORTAL_MODULES := portal/node_modules/.package-lock.json

# No install script of any package runs.
$(PORTAL_MODULES): portal/package.json portal/package-lock.json
	$(NPM) ci --ignore-scripts
	touch $@

portal/dist/index.html: $(PORTAL_SOURCES) $(PORTAL_MODULES) openapi/openapi.json
	$(NPM) run build
	touch $@

## Tests

.PHONY: example-plugins test test-tools test-begin test-portal test-rust test-sdk test-browser fuzz audit bench bench-ask outage bench-store bench-replay soak lint catalog fmt
test: test-tools test-begin test-portal test-rust test-sdk test-browser ## everything, installing what it needs
	@printf '\n\033[1m== summary\033[0m\n'
	cat $(SUMMARY)
	printf 'all parts passed\n'

test-tools:
	@tests/tools.sh

test-begin:
	@mkdir -p target
	: > $(SUMMARY)

test-portal: $(PORTAL_MODULES) ## the portal's lint, types, unit tests, build and size budget
	@mkdir -p target
	$(call step,portal: lint,$(NPM) run lint)
	$(call step,portal: types,$(NPM) run typecheck)
	$(call step,portal: unit tests; build and size,$(NPM) test)

example-plugins: ## the example plugins, built into target/example-plugins
	@examples/plugins/build.sh target/example-plugins

test-rust: portal/dist/index.html ## formatting, clippy, unit and outside tests
	@mkdir -p target
	$(call step,rust: formatting,$(CARGO) fmt --check)
	$(call step,rust: clippy,$(CARGO) clippy --locked --all-targets -- -D warnings)
	$(call step,example plugins,examples/plugins/build.sh target/example-plugins)
	$(call step,rust: tests,$(CARGO) test --locked --all-targets)
	$(call step,rust: examples in the documentation,$(CARGO) test --locked --doc)

SDK_PYTHON := .venv/installed
SDK_NODE := tests/sdk/node/node_modules/.package-lock.json

$(SDK_PYTHON): tests/sdk/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(SDK_NODE): tests/sdk/node/package.json tests/sdk/node/package-lock.json
	npm --prefix tests/sdk/node --no-audit --no-fund --no-update-notifier ci --ignore-scripts
	touch $@

test-sdk: $(SDK_PYTHON) $(SDK_NODE) ## the providers' official clients, unchanged but for their base URL
	@mkdir -p target
	$(CARGO) build --locked --bin llm-gateway --example rig --example tracer
	$(call step,sdk: Python,target/debug/examples/rig .venv/bin/pytest tests/sdk/python)
	$(call step,OpenAPI: every operation keeps its word; a generated client,target/debug/examples/rig .venv/bin/pytest tests/openapi)
	$(call step,ClickHouse: a real engine that restarts,.venv/bin/pytest tests/clickhouse)
	$(call step,sdk: Node,target/debug/examples/rig npm --prefix tests/sdk/node test)

test-browser: portal/dist/index.html ## the portal in a real browser, on the demo and on gateways of its own
	@mkdir -p target
	$(CARGO) build --locked --bin llm-gateway
	$(call step,portal: in a browser,$(NPM) run e2e)

# `make test` runs the same targets over their seeds with the stable compiler (tests/fuzz_seeds.rs): building
# the whole crate a second time with coverage takes minutes, so the nightly smoke is `make fuzz FUZZ_SECONDS=5`.
# What is found stays in fuzz/corpus; an input that breaks a promise is kept in fuzz/artifacts.
FUZZ_SECONDS := 60
FUZZ_TARGETS := body config guard head key splice sse tally translate window

fuzz: ## every fuzz target for FUZZ_SECONDS (60); needs a nightly compiler, installs cargo-fuzz
	@if ! $(CARGO) +nightly --version > /dev/null 2>&1; then
		echo 'skipped: fuzzing needs a nightly compiler (rustup toolchain install nightly)'; exit 0
	fi
	command -v cargo-fuzz > /dev/null || $(CARGO) +nightly install --locked cargo-fuzz
	$(CARGO) tree --locked --quiet --manifest-path fuzz/Cargo.toml > /dev/null
	# No sanitizer: the crate forbids unsafe code, and what is looked for are broken promises.
	$(CARGO) +nightly fuzz build --sanitizer none
	bin=fuzz/target/$$(rustc +nightly -vV | sed -n 's/^host: //p')/release
	export TMPDIR=$$PWD/fuzz/target/tmp; mkdir -p "$$TMPDIR"
	for target in $(FUZZ_TARGETS); do
		mkdir -p fuzz/corpus/$$target fuzz/artifacts/$$target; log=fuzz/target/$$target.log
		if ! $$bin/$$target -max_total_time=$(FUZZ_SECONDS) -timeout=25 -rss_limit_mb=2048 -max_len=4096 \
			-dict=fuzz/dictionaries/$$target.dict -artifact_prefix=fuzz/artifacts/$$target/ \
			fuzz/corpus/$$target fuzz/seeds/$$target > $$log 2>&1; then
			tail -n 40 $$log | cut -c -400; echo "broken by an input in fuzz/artifacts/$$target"; exit 1
		fi
		printf '%-8s %s\n' $$target "$$(grep -a '^Done' $$log)"
	done
	rm -rf "$$TMPDIR"

# ONLINE=1 also asks the registries: advisories newer than the local copy, signatures of npm's packages.
# ADVISORY_DB is a clone of the RustSec advisory database.
ONLINE :=
ADVISORY_DB := $(HOME)/.cargo/advisory-db
NPM_TREES := portal tests/sdk/node
skipped = printf 'skipped: %s\n'

audit: ## the supply chain: locks, sources, licences, advisories, bills of materials in target/sbom
	@for manifest in Cargo.toml fuzz/Cargo.toml; do
		$(CARGO) tree --locked --quiet --manifest-path $$manifest > /dev/null
		echo "locked: $$manifest"
	done
	$(CARGO) test --locked --test promises supply_chain::
	if command -v cargo-deny > /dev/null; then
		$(CARGO) deny --locked check bans licenses sources
		$(CARGO) deny --locked --manifest-path fuzz/Cargo.toml check sources
	else $(skipped) 'cargo-deny is not installed: no check of licences'; fi
	if ! command -v cargo-audit > /dev/null; then $(skipped) 'cargo-audit is not installed: no advisories'
	elif [ -n "$(ONLINE)" ]; then $(CARGO) audit
	elif [ -d "$(ADVISORY_DB)" ]; then $(CARGO) audit --no-fetch --stale --db "$(ADVISORY_DB)"
	else $(skipped) 'no advisory database at $(ADVISORY_DB): no advisories'; fi
	for tree in $(NPM_TREES); do
		if [ -n "$(ONLINE)" ]; then npm --prefix $$tree audit signatures
		else $(skipped) "signatures of $$tree: npm asks its registry for them; make audit ONLINE=1"; fi
	done
	mkdir -p target/sbom
	# What the binary embeds, so without the tools that build it.
	$(NPM) sbom --package-lock-only --omit dev --omit optional --sbom-format cyclonedx > target/sbom/portal.json
	echo 'bill of materials: target/sbom/portal.json'
	if command -v cargo-cyclonedx > /dev/null; then
		$(CARGO) cyclonedx --format json --override-filename llm-gateway.sbom
		mv llm-gateway.sbom.json target/sbom/llm-gateway.json
		echo 'bill of materials: target/sbom/llm-gateway.json'
	else $(skipped) 'cargo-cyclonedx is not installed: no bill of materials of the binary'; fi

# LOAD_ROUNDS=n changes how often the load harness goes round. Results are kept under bench-results/.
bench: portal/dist/index.html ## the pure rooms, then the gateway under load beside nginx (Debian: nginx-light)
	$(CARGO) bench --locked --bench pure -- --warm-up-time 1 --measurement-time 2
	$(CARGO) bench --locked --bench plugins -- --warm-up-time 1 --measurement-time 2
	$(CARGO) bench --locked --bench load
	$(MAKE) bench-portal

outage: portal/dist/index.html ## a provider dies under 200 requests a second and comes back; then all are dead
	$(CARGO) bench --locked --bench load -- outage

# TAIL_SECS=n changes how long the live tail is watched. The database is one of its own: the tail makes it grow.
TAIL_SECS := 600
PORTAL_RECORDS := 1000000

bench-portal: build ## the portal in a browser: first paint, the list, scrolling among 1,000,000 records, memory under a live tail
	data=target/bench-store/$(PORTAL_RECORDS)-portal
	if [ ! -f $$data/seeded ]; then $(CARGO) bench --locked --bench store -- seed $(PORTAL_RECORDS) $$data; fi
	LLM_GATEWAY_BIN=$(RELEASE_BIN) DATA=$$data TAIL_SECS=$(TAIL_SECS) node portal/scripts/bench.mjs

# BENCH_RECORDS="n m" changes the sizes. The databases stay under target/bench-store to be used again.
bench-store: portal/dist/index.html ## lists, sums and retention among 1,000,000 and 3,000,000 records
	$(CARGO) bench --locked --bench store

bench-ask: portal/dist/index.html ## questions against hand-written SQL on three databases: the table of docs/ask.md
	ASK_TABLE=1 $(CARGO) test --release --locked --test promises ask_questions:: -- --nocapture
	PROPTEST_CASES=100000 $(CARGO) test --release --locked --lib ask::properties
	$(CARGO) bench --locked --bench pure -- --warm-up-time 1 --measurement-time 2 '^ask/'
	$(CARGO) bench --locked --bench load -- bombs
	$(CARGO) bench --locked --bench store -- ask

bench-replay: portal/dist/index.html ## 100,000 requests of the past decided anew
	$(CARGO) bench --locked --bench store -- replay

# SOAK_SECS=n changes how long it takes, SOAK_RECORDS=n how many records are there at the start.
soak: portal/dist/index.html ## ten minutes of records, retention and readers that never rest
	$(CARGO) bench --locked --bench store -- soak

lint: portal/dist/index.html ## formatting, clippy, documentation and, where installed, cargo-deny
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items
	if command -v cargo-deny > /dev/null; then $(CARGO) deny --locked check bans licenses sources; \
	else echo 'cargo-deny is not installed: the check of dependencies was left out'; fi
	$(NPM) run lint

catalog: ## generate the checked-in catalog (prices, cards) anew: make catalog PRICES=<genai-prices crate> FACTS=<model-facts.jsonl>
	$(CARGO) run --example catalog_refresh -- "$(PRICES)" "$(FACTS)"

fmt: ## format the Rust code
	$(CARGO) fmt
