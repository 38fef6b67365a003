# Commands that develop MotcuaSMS and run its demo. They need only make, and Python 3.11-3.13 with venv.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MOTCUA_DATA ?= $(CURDIR)/.data
export MOTCUA_DATA
# Several processes load the tests, so Python must store the compiled files even if the shell forbids it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: latency pictures demo smoke test test-all test-alone test-beside lint lint-python lint-sql bench prove setup clean lock bundle try-airflow

# Run several targets at a time. From version 4.0 on, make shows the output of each target when the target ends.
SIDE_BY_SIDE := $(MAKE) --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) --jobs
# Lower priority for programs that may take long, so that they do not slow down tests that measure time.
ASIDE := nice -n 10

## make demo: runs the whole demo on this machine until Ctrl-C
demo: $(READY)
	@exec $(BIN)/motcua demo

## make smoke: runs the demo without a person: sends messages, checks the results and returns an exit code
smoke: $(READY)
	@exec $(BIN)/motcua smoke

## make test [ONLY=path or -k expression]: runs the first tier of the tests (tests/tiers.py), or only the named tests
test: $(READY)
ifdef ONLY
	$(BIN)/python -m pytest $(ONLY)
else
	@$(SIDE_BY_SIDE) test-beside test-alone TIER="and not second_tier"
endif

## make test-all: runs all tests; the second tier also starts Airflow, the demo, browsers, Kannel, S3 and TLS (tests/tiers.py)
test-all: $(READY)
	@$(SIDE_BY_SIDE) test-beside test-alone

# Tests with the mark "alone" run one at a time, while test-beside runs the others. Only files with such tests are
# loaded.
test-alone: $(READY)
	$(BIN)/python -m pytest -m "alone $(TIER)" -o cache_dir=.pytest_cache/alone \
		$(sort $(shell grep -rl --include='test_*.py' 'mark\.alone' tests))

# Test files run in the order of their folders, so that slow files come first. By default pytest-xdist would begin with
# the files that have the most tests, and run slow files last.
test-beside: $(READY)
	$(ASIDE) $(BIN)/python -m pytest -m "not alone $(TIER)" --tx "3*popen//python=$(BIN)/python -IS tests/preloading.py" \
		--dist loadfile --no-loadscope-reorder -o cache_dir=.pytest_cache/beside

## make lint: runs ruff, mypy --strict, sqlfluff
lint: $(READY)
	@$(SIDE_BY_SIDE) lint-python lint-sql

lint-python: $(READY)
	$(ASIDE) $(BIN)/ruff check .
	$(ASIDE) $(BIN)/ruff format --check .
	$(ASIDE) $(BIN)/mypy

# An SQL file in which sqlfluff found no fault is checked again only after it changes.
LINTED := $(VENV)/.linted-sql
lint-sql: $(LINTED)

$(LINTED): $(READY) pyproject.toml $(shell find include/sql -name '*.sql')
	$(ASIDE) $(BIN)/sqlfluff lint --processes 2 -q $(or $(if $(filter-out %.sql,$?),include/sql),$?)
	@touch $@

## make prove [ONLY=phones|texts|intake|crash|soak|upgrade|wrappers|…] [SEED=n] [SEEDS=n] [SHARE=part of the data] [SPEED=n]
## [FROM=commit to upgrade from] [INTO=folder]: compares the system at scale with an oracle that shares no code with the
## system. Without ONLY it runs test-all and all proofs and benches, which takes a night, and writes docs/proofs.md.
## tests/prove/__main__.py explains the options.
prove: $(READY)
	$(BIN)/python -m tests.prove $(ONLY) --seed $(or $(SEED),1) \
		$(if $(SEEDS),--seeds $(SEEDS)) $(if $(SHARE),--share $(SHARE)) $(if $(SPEED),--speed $(SPEED)) \
		$(if $(FROM),--from $(FROM)) $(if $(INTO),--into $(INTO))

## make latency: measures in the running demo the seconds from a step's commit to the acceptance of its message
latency: $(READY)
	@$(BIN)/python -m motcua.sandbox.latency

## make pictures [ONLY="names"]: starts a demo, takes the pictures of docs/vi, and prints the sheet for the counter's wall
pictures: $(READY)
	@$(BIN)/python -m tests.pictures $(ONLY)

## make bench [ONLY="names"]: measures speed as ratios, prints them and writes docs/proofs.md; fails if a ratio misses its limit
bench: $(READY)
	$(BIN)/python -m tests.bench $(ONLY)

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@bash scripts/set_up_environment.sh $(VENV)
	@touch $@

## make lock: makes the three lock files anew from pyproject.toml: for everything, for production, and for building the project
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes -q --custom-compile-command "make lock"
lock: $(READY)
	$(LOCK) --all-extras pyproject.toml -o requirements.lock
	$(LOCK) --constraint requirements.lock pyproject.toml -o requirements-production.lock
	sed -n 's/^requires = \[\(.*\)\]$$/\1/p' pyproject.toml | tr -d '"' | tr , '\n' \
		| $(LOCK) --constraint requirements.lock - -o requirements-build.lock

## make try-airflow VERSION=…: tests whether the project runs with another version of Airflow
try-airflow: $(READY)
	$(BIN)/python scripts/try_airflow.py "$(VERSION)"

## make bundle [FOLDER=…]: collects what a server without internet needs (docs/operations/offline.md)
bundle: $(READY)
	$(BIN)/python scripts/offline_bundle.py collect "$(or $(FOLDER),out/bundle)"

## make clean: deletes what demo and smoke stored in the data folder, and the folder itself if it is then empty
clean:
	@bash scripts/remove_demo_data.sh "$(MOTCUA_DATA)"
