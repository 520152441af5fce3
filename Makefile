# Every task of the project; `make help` lists them. PYTHON=python3.12 chooses another interpreter for .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Stamps: what is installed stays installed until one of the two pyproject files changes.
INSTALLED := .venv/installed
INSTALLED_FOR_TESTS := .venv/installed-for-tests
INSTALLED_FOR_BENCH := .venv/installed-for-bench
PROJECTS := pyproject.toml collectors/pyproject.toml
BENCH_AREAS := $(patsubst bench/%.py,%,$(filter-out bench/_%.py,$(wildcard bench/*.py)))

# They ask no database, so once is enough.
# What two processes may run beside each other; collectors, faults and whole processes measure the machine, one at a time.
SIDE_BY_SIDE := tests/diagnose tests/e2e tests/collectors/formats tests/collectors/ctl tests/collectors/delivery \
  tests/test_contracts.py tests/test_docs.py tests/test_golden.py
WITHOUT_DATABASE := --ignore tests/collectors --ignore tests/diagnose/correlate/rules

.PHONY: help run demo test test-unit test-system test-postgresql test-faults faults faults-beside lint format bench packs chromium pack-tools programs clean

help:  ## list the tasks
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

run: $(INSTALLED)  ## set up what is missing and run everything until Ctrl-C
	@exec $(BIN)/python manage.py up

demo: $(INSTALLED)  ## a sample shop with three real faults, and what is found (up to six minutes)
	@exec $(BIN)/python manage.py demo

test: $(INSTALLED_FOR_TESTS) chromium pack-tools programs lint  ## lint, then all tests but the long ones
	$(BIN)/python -m pytest -m "not system" -n 2 --dist loadfile $(SIDE_BY_SIDE)
	$(BIN)/python -m pytest -m "not system" $(addprefix --ignore ,$(SIDE_BY_SIDE))

test-unit: $(INSTALLED_FOR_TESTS)  ## tests without browser and whole processes
	$(BIN)/python -m pytest -m "not system and not browser" --ignore tests/e2e --ignore tests/integration

test-system: $(INSTALLED_FOR_TESTS) programs test-postgresql  ## the tests that take longer than `make test` allows
	$(BIN)/python -m pytest -m system

test-postgresql: $(INSTALLED_FOR_TESTS)  ## what needs a database, on a throw-away PostgreSQL; part of test-system
	@.ci/postgresql
	$(BIN)/python -m tests.postgresql $(BIN)/python -m pytest -m "not system and not browser" $(WITHOUT_DATABASE)

test-faults: $(INSTALLED_FOR_TESTS)  ## kill -9 in 50 seeded rounds (FAULT_SEED=1 FAULT_ROUNDS=50), part of test-system; a stopped run goes on
	@.ci/postgresql
	$(BIN)/python -m pytest -m system tests/integration/faults

faults: $(INSTALLED_FOR_TESTS) programs  ## the whole fault corpus against the product, as root (RESULTS=data/faults); a stopped run goes on
	DATA_DIR=$(or $(RESULTS),data/faults) DIAGNOSE_PORT=18930 $(BIN)/python manage.py faults --all

faults-beside: $(INSTALLED_FOR_TESTS) programs  ## the same with netdata's alarms and pcp's pmie rules beside ours, as root; a stopped run goes on
	@.ci/monitors
	DATA_DIR=$(or $(RESULTS),data/faults-beside) DIAGNOSE_PORT=18930 $(BIN)/python manage.py faults --all --beside netdata pcp

lint: $(INSTALLED_FOR_TESTS)  ## formatting, defects, types, import directions, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --check --lint --quiet templates

format: $(INSTALLED_FOR_TESTS)  ## let ruff and djlint rewrite what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet templates || true

bench: $(addprefix bench-,$(BENCH_AREAS))  ## all benchmarks; `make bench-<area>` runs one

bench-browser: chromium

bench-%: $(INSTALLED_FOR_BENCH)
	$(BIN)/python -m bench.$*

packs: $(INSTALLED) pack-tools  ## build the eBPF packs from their sources again
	@$(BIN)/python -m collectors.ebpf.packer

chromium:
	@.ci/chromium

pack-tools:
	@.ci/pack-tools

programs:
	@.ci/programs nginx go gcc g++ rustc curl fasthttp openssl systemd-analyze nft ip

clean:  ## remove what was installed and built; data/ stays
	rm -rf .venv build dist *.egg-info collectors/*.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): $(PROJECTS)
	@PYTHON="$(PYTHON)" .ci/venv
	@echo "installing Diagnose and its collector into .venv (about a minute, once)"
	@$(PIP) install -e ./collectors -e .
	@touch $@

$(INSTALLED_FOR_TESTS): $(INSTALLED)
	@echo "installing what the tests need into .venv (once)"
	@$(PIP) install -e ./collectors -e '.[postgresql,test,lint]'
	@touch $@

$(INSTALLED_FOR_BENCH): $(INSTALLED_FOR_TESTS)
	@echo "installing what the benchmarks are measured beside into .venv (once)"
	@$(PIP) install -e '.[bench]'
	@touch $@
