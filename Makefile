# Stock Alert Lakehouse: everything a person types. `make` alone lists it.

# An environment given by VENV is used as it is: nothing is installed into it.
VENV ?= .venv
VENV_STREAM ?= .venv-stream
PYTHON = $(VENV)/bin/python
BUILD = sh stack/environment.sh
UV = $$($(BUILD) uv)
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

ifeq ($(origin VENV),file)
ENSURE_CORE = @$(BUILD) core
ENSURE_TESTS = @$(BUILD) tests
ENSURE_STACK = @$(BUILD) core && $(BUILD) stream && $(BUILD) superset
ENSURE_ALL = @$(BUILD) tests && $(BUILD) stream && $(BUILD) superset
endif

# Test files that run at once; a file that starts a whole stack takes 3 GB.
WORKERS ?= 2

# Real market data, which no checkout brings along.
SHARED_DATA ?= ../shared/data

# What `make up BROKER=apache` says goes into the environment of the commands, and wins over .env.

.DEFAULT_GOAL := help
.PHONY: help up down status logs test test-kill outcomes lint bench sync lock uninstall

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

up: ## build the environments, start the stack, run the pipeline and a simulated session on it
	$(ENSURE_STACK)
	@$(PYTHON) -m stack up

down: ## stop the stack in order; what was stored stays
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m stack down; else echo "nothing runs: $(VENV) is not built"; fi

status: ## show what runs, and where
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m stack status; else echo "nothing runs: $(VENV) is not built"; fi

logs: ## follow the logs of the stack
	@$(PYTHON) -m stack logs

test: ## run every test; what this machine lacks is named as skipped
	$(ENSURE_ALL)
	@$(PYTHON) -m pytest -m "not slow" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-kill: ## run the long forms too, kills, failing calls, cuts of every series: hours
	$(ENSURE_ALL)
	@$(PYTHON) -m pytest -m slow $(ARGS)

outcomes: ## load every faulty and clean file and write what came of it into docs/quality.md
	$(ENSURE_TESTS)
	@$(PYTHON) -m tests.integration.dirty_outcomes $(SHARED_DATA) > docs/quality.md.part
	@mv docs/quality.md.part docs/quality.md

lint: ## check style and types
	$(ENSURE_TESTS)
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m mypy -p stack

bench: ## measure everything against bare work; prints ratios of one run
	$(ENSURE_ALL)
	@for file in $(filter-out benchmarks/stream.py,$(wildcard benchmarks/[a-z]*.py)); do \
	    $(PYTHON) -m benchmarks.$$(basename $$file .py) || exit 1; done
	@$(VENV_STREAM)/bin/python -m benchmarks.stream

sync: ## build all three environments: core, stream, dashboards
	@$(BUILD) core
	@$(BUILD) stream
	@$(BUILD) superset

lock: ## compile the requirement files anew from the .in files beside them
	@$(COMPILE) ./requirements.in -o requirements.txt
	@$(COMPILE) tests/requirements.in -o tests/requirements.txt
	@$(COMPILE) stream_agents/requirements.in -o stream_agents/requirements.txt
	@$(COMPILE) superset/requirements.in -o superset/requirements.txt

uninstall: ## stop the stack and remove everything it made, the stored data too (YES=1: do not ask)
	@sh stack/uninstall.sh $(YES)
