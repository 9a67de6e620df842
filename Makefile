# Two commands to know: `make demo` and `make test`. Each does its own set-up on a machine with Python 3.11+ and make.

PYTHON ?= python3
JAVA ?= java
WORKERS ?= 3

BIN := .venv/bin
DEMO := demo-district
DEMO_FROM := 2025-08-18
DEMO_UNTIL := 2025-09-30
DEMO_BUILD := $(CURDIR)/$(DEMO)/data/build

PIP := -m pip --disable-pip-version-check --quiet
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: setup demo test check format bench bench-year prove parity spark dev docs lock
.DEFAULT_GOAL := setup

setup: .venv/.stamp  ## the environment, exactly as locked; nothing to do when it is up to date

.venv/.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ...")'
	@echo "Installing into .venv (once; a minute or two)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python $(PIP) install --require-hashes -r requirements.lock
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## a synthetic district of 2,000 students and 30 school days, run from landing to warehouse
	@test -f $(DEMO)/district.toml || $(BIN)/throughline synth --students 2000 --days 30 --start $(DEMO_FROM) --seed 7 --out $(DEMO)
	@$(BIN)/throughline run --district $(DEMO) --from $(DEMO_FROM) --date $(DEMO_UNTIL) || test $$? -eq 3

test: check spark  ## everything that must hold: style, types, layers, then the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder  # three keep two cores busy; long files first, short ones last: none ends alone

check: setup  ## style, types, room order, SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests

format: setup  ## put Python in order (not SQL: sqlfluff does not see what our macros become, so it only judges)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## the benchmark; prints a table, writes bench/results.json
	$(BIN)/python -m bench

bench-year: setup  ## a school year: every model from scratch, what each indicator costs, night 170 over night 20 (hours; 60 GB on disk)
	$(BIN)/python -m bench --students 100000 --days 170 --early 20 --only growth --only dbt --out bench/results-year.json

prove: setup spark  ## the long proofs: coverage of intervals, ten districts without a defect, twenty kills, each feature's further nights, memory, all of parity
	$(BIN)/python -m pytest -m prove -n $(WORKERS) --dist loadfile --no-loadscope-reorder

parity: setup spark  ## the dbt project on DuckDB and on Spark over three nights, compared row by row
	$(BIN)/python -m tests.parity

# Spark lives in an environment of its own, and only where there is a Java to run it.
spark:
	@if [ "$$($(JAVA) -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')" -ge 17 ] 2>/dev/null; then $(MAKE) --no-print-directory .venv-spark/.stamp; \
	else echo "No Java 17 or newer on this machine: the second engine (Spark) is not set up and its comparison will be skipped."; fi

.venv-spark/.stamp: requirements-spark.lock
	@echo "Installing Spark into .venv-spark (once)"
	@$(PYTHON) -m venv .venv-spark
	@.venv-spark/bin/python $(PIP) install --require-hashes -r requirements-spark.lock
	@touch $@

dev: setup  ## the Dagster UI for the demo district on http://127.0.0.1:3000
	@test -f $(DEMO)/district.toml || { echo "no $(DEMO) yet: run 'make demo' first"; exit 1; }
	@$(BIN)/throughline dev --district $(DEMO)

docs: setup  ## dbt's documentation of every model and column, for the demo district
	@test -f $(DEMO_BUILD)/build.duckdb || { echo "no $(DEMO) yet: run 'make demo' first"; exit 1; }
	THROUGHLINE_BUILD=$(DEMO_BUILD)/build.duckdb $(BIN)/dbt docs generate --static --project-dir dbt_project --profiles-dir dbt_project --target-path $(DEMO_BUILD)/docs
	@echo "Open $(DEMO)/data/build/docs/static_index.html"

# The locks: exact versions with hashes and no addresses. Made on the oldest Python that is supported.
COMPILE = .venv-lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-annotate --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options
SPARK_EXTRA = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")

lock:  ## the newest versions that pyproject.toml allows; then run the tests
	@test -x .venv-lock/bin/pip-compile || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python $(PIP) install pip-tools; }
	$(COMPILE) --upgrade --extra dev --all-build-deps --output-file requirements.lock pyproject.toml
	@sed -E 's/\[[a-z0-9,-]+\]==/==/' requirements.lock > .venv-lock/constraints.txt
	.venv-lock/bin/python -c '$(SPARK_EXTRA)' | $(COMPILE) --upgrade --constraint .venv-lock/constraints.txt --output-file requirements-spark.lock -
	@! grep -nE '(https?|file)://' requirements.lock requirements-spark.lock
