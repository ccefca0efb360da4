# Everything a person needs: `make run`, `make demo`, `make test`. Only Python 3.11+ and make are assumed.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run demo test check format migrate openapi bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements/dev.txt requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed (not found on PATH)."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; $(PYTHON) is older. Set PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt requirements/uv.txt
	@touch $(STAMP)

run: $(STAMP) ## database, sandbox, API and worker, until Ctrl-C
	@$(BIN)/python -m sandbox run

demo: $(STAMP) ## the main job through the public API, step by step
	@$(BIN)/python -m sandbox demo

test: $(STAMP) ## the whole test suite
	$(BIN)/pytest

check: $(STAMP) ## format, lint, types, layers, contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory -f contract/check.mk

format: $(STAMP) ## put the code into its form
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

migrate: $(STAMP) ## bring the database at DATABASE_URL up to date
	$(BIN)/python -m app.cli migrate

openapi: $(STAMP) ## write openapi.json
	$(BIN)/python -m app.cli openapi > .openapi.json.new
	mv .openapi.json.new openapi.json

bench: $(STAMP) ## figures beside their floors, as JSON lines
	@$(BIN)/python -m bench

lock: $(STAMP) ## write requirements/*.txt anew
	./requirements/lock.sh $(BIN)/uv

clean: ## remove what the targets made
	rm -rf .venv .run build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache contract/node_modules
