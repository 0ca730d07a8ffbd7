# firesteel: `make demo` runs the main job, `make test` passes the tests; both install what they need.
.PHONY: help prerequisites build demo test lint unit simulate stories labels bench update-model clean

CARGO ?= cargo
FIRESTEEL := target/release/firesteel
PYTHON := .cache/venv/bin/python

help:
	@echo "make demo    a Hail study through the EMR Serverless API, on real Spark, on this machine"
	@echo "make test    every test, as CI runs it"
	@echo "make build   $(FIRESTEEL)"
	@echo "make bench   the benchmarks, each beside its baseline"
	@echo "make update-model   the newest service model of EMR Serverless, and what changed in it"

prerequisites:
	@tools/prerequisites.sh

.cache/venv/installed: tools/requirements.txt
	@tools/venv.sh

build: prerequisites
	$(CARGO) build --locked --release -p firesteel-cli

demo: build .cache/venv/installed
	$(PYTHON) examples/hail-gwas/demo.py

test: lint unit simulate stories

lint: prerequisites
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --quiet
	tools/arrows.py

unit: prerequisites .cache/venv/installed
	FIRESTEEL_WEED=$(abspath .cache/venv/bin/weed) $(CARGO) test --locked --workspace --exclude sim
	$(PYTHON) -m pytest -q tools

# Three hundred seeds, and every planted mistake found. More: cargo run --release -p sim -- --seeds N
simulate: prerequisites
	$(CARGO) test --locked --release -p sim

# End to end: real Spark, real AWS CLI and boto3, real processes.
stories: build .cache/venv/installed
	$(PYTHON) -m pytest tests

# The word count on every label of the catalogue, and the table of docs/releases.md; 0.9 GB for each Spark version.
labels: build .cache/venv/installed
	$(PYTHON) -m pytest tests/test_labels.py --all-labels

bench: build .cache/venv/installed
	$(PYTHON) bench/run.py

# Another version: make update-model FLAGS="--version 1.44.5"; from a file: FLAGS="--from PATH"
update-model:
	tools/update_model.py $(FLAGS)

clean:
	rm -rf .cache target
