# MotcuaSMS. Needs only Python 3.11-3.13 with venv, and make.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MOTCUA_DATA ?= $(CURDIR)/.data
export MOTCUA_DATA


.PHONY: latency demo smoke test lint bench prove setup clean lock

## make demo: everything on this machine, live, until Ctrl-C
demo: $(READY)
	@exec $(BIN)/motcua demo

## make smoke: the same without hands: real messages, checks, exit code
smoke: $(READY)
	@exec $(BIN)/motcua smoke

## make test [ONLY=path or -k expression]: all tests; those that share no machine's time side by side, then the others
test: $(READY)
ifdef ONLY
	$(BIN)/python -m pytest $(ONLY)
else
	@status=0; \
	$(BIN)/python -m pytest -m "not alone" --numprocesses auto --maxprocesses 4 --dist loadfile || status=1; \
	$(BIN)/python -m pytest -m alone || status=1; \
	exit $$status
endif

## make lint: ruff, mypy --strict, sqlfluff
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 -q include/sql

## make prove [ONLY=phones|texts|crash|mutants|…] [SEED=n] [SEEDS=n]: how right, at scale, against an oracle that shares no code
prove: $(READY)
	$(BIN)/python -m tests.prove $(ONLY) --seed $(or $(SEED),1) $(if $(SEEDS),--seeds $(SEEDS))

## make latency: seconds from commit to acceptance, measured in the running demo
latency: $(READY)
	@$(BIN)/python -m motcua.sandbox.latency

## make bench [ONLY=…]: how fast, as ratios
bench: $(READY)
	$(BIN)/python -m tests.bench $(ONLY)

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@bash scripts/set_up_environment.sh $(VENV)
	@touch $@

## make lock: resolves requirements.lock anew from pyproject.toml (needs uv)
lock:
	uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes -q \
		pyproject.toml -o requirements.lock --custom-compile-command "make lock"

## make clean: removes what demo and smoke keep in the data folder, and the folder when nothing else is in it
clean:
	@bash scripts/remove_demo_data.sh "$(MOTCUA_DATA)"
