# MotcuaSMS. Needs only Python 3.11-3.13 with venv, and make.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MOTCUA_DATA ?= $(CURDIR)/.data
export MOTCUA_DATA
# Four processes read the tests: what one of them has compiled is kept for the others, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: latency pictures demo smoke test test-all test-alone test-beside lint lint-python lint-sql bench prove setup clean lock bundle try-airflow

# Several targets at a time; what each says is shown when it ends, where make can do that (4.0).
SIDE_BY_SIDE := $(MAKE) --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) --jobs
# What has no clock steps aside for what has one.
ASIDE := nice -n 10

## make demo: everything on this machine, live, until Ctrl-C
demo: $(READY)
	@exec $(BIN)/motcua demo

## make smoke: the same without hands: real messages, checks, exit code
smoke: $(READY)
	@exec $(BIN)/motcua smoke

## make test [ONLY=path or -k expression]: the first tier of the tests, or what is named, whatever its tier
test: $(READY)
ifdef ONLY
	$(BIN)/python -m pytest $(ONLY)
else
	@$(SIDE_BY_SIDE) test-beside test-alone TIER="and not second_tier"
endif

## make test-all: all tests: other starts of Airflow and the demo, handbooks, browsers, real Kannel, S3, TLS (tests/tiers.py)
test-all: $(READY)
	@$(SIDE_BY_SIDE) test-beside test-alone

# Those marked alone one at a time, and the others beside them. No other file is read for them.
test-alone: $(READY)
	$(BIN)/python -m pytest -m "alone $(TIER)" -o cache_dir=.pytest_cache/alone \
		$(sort $(shell grep -rl --include='test_*.py' 'mark\.alone' tests))

# Files in the order of their folders, which begins with those that take long; pytest-xdist's own leaves them to the end.
test-beside: $(READY)
	$(ASIDE) $(BIN)/python -m pytest -m "not alone $(TIER)" --numprocesses 3 \
		--dist loadfile --no-loadscope-reorder -o cache_dir=.pytest_cache/beside

## make lint: ruff, mypy --strict, sqlfluff
lint: $(READY)
	@$(SIDE_BY_SIDE) lint-python lint-sql

lint-python: $(READY)
	$(ASIDE) $(BIN)/ruff check .
	$(ASIDE) $(BIN)/ruff format --check .
	$(ASIDE) $(BIN)/mypy

# What sqlfluff has found nothing in is not asked about again until it changes.
LINTED := $(VENV)/.linted-sql
lint-sql: $(LINTED)

$(LINTED): $(READY) pyproject.toml $(shell find include/sql -name '*.sql')
	$(ASIDE) $(BIN)/sqlfluff lint --processes 2 -q $(or $(if $(filter-out %.sql,$?),include/sql),$?)
	@touch $@

## make prove [ONLY=phones|texts|intake|crash|soak|upgrade|wrappers|bundle|…] [SEED=n] [SEEDS=n] [SHARE=of a proof's world, 1: all of it] [SPEED=n] [FROM=upgraded commit] [INTO=folder of mutants]: how right, at scale, against an oracle that shares no code; without ONLY, when nobody waits: test-all, all proofs and benches, into docs/proofs.md
prove: $(READY)
	$(BIN)/python -m tests.prove $(ONLY) --seed $(or $(SEED),1) \
		$(if $(SEEDS),--seeds $(SEEDS)) $(if $(SHARE),--share $(SHARE)) $(if $(SPEED),--speed $(SPEED)) \
		$(if $(FROM),--from $(FROM)) $(if $(INTO),--into $(INTO))

## make latency: seconds from commit to acceptance, measured in the running demo
latency: $(READY)
	@$(BIN)/python -m motcua.sandbox.latency

## make pictures [ONLY="names"]: those of docs/vi, taken of a demo that it starts and stops; the sheet for the counter's wall
pictures: $(READY)
	@$(BIN)/python -m tests.pictures $(ONLY)

## make bench [ONLY="names"]: how fast, as ratios; prints them and writes docs/proofs.md; fails where one falls short
bench: $(READY)
	$(BIN)/python -m tests.bench $(ONLY)

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@bash scripts/set_up_environment.sh $(VENV)
	@touch $@

## make lock: resolves the locks anew from pyproject.toml: everything; what production runs; what installs the project
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes -q --custom-compile-command "make lock"
lock: $(READY)
	$(LOCK) --all-extras pyproject.toml -o requirements.lock
	$(LOCK) --constraint requirements.lock pyproject.toml -o requirements-production.lock
	sed -n 's/^requires = \[\(.*\)\]$$/\1/p' pyproject.toml | tr -d '"' | tr , '\n' \
		| $(LOCK) --constraint requirements.lock - -o requirements-build.lock

## make try-airflow VERSION=…: whether the project runs with another version of Airflow
try-airflow: $(READY)
	$(BIN)/python scripts/try_airflow.py "$(VERSION)"

## make bundle [FOLDER=…]: what a server without internet needs (docs/operations/offline.md)
bundle: $(READY)
	$(BIN)/python scripts/offline_bundle.py collect "$(or $(FOLDER),out/bundle)"

## make clean: removes what demo and smoke keep in the data folder, and the folder when nothing else is in it
clean:
	@bash scripts/remove_demo_data.sh "$(MOTCUA_DATA)"
