# Everything a person needs. Only Python 3.11+ and make are assumed; `check`, `clients` and `audit` need Node 20.19+ with npm.
.DEFAULT_GOAL := help
.NOTPARALLEL:
# What a shell was set up for elsewhere stays out of here.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_REQUIRE_VIRTUALENV := 0
export PIP_USER := 0
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true
export REDOCLY_TELEMETRY := off

BIN := .venv/bin
NODE_BIN := contract/node_modules/.bin
# A stamp is named for what was installed: the same files need nothing, whatever their dates.
STAMP := .venv/.installed-$(shell cat requirements/dev.txt requirements/uv.txt | cksum | tr ' ' '-')
NODE_STAMP := contract/node_modules/.installed-$(shell cat contract/package-lock.json contract/.npmrc | cksum | tr ' ' '-')
FRONT_END_STAMP := examples/front-end/node_modules/.installed-$(shell cat examples/front-end/package-lock.json | cksum | tr ' ' '-')
SUPPORTED := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

# Each process has a database and a sandbox of its own.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal

MANIFESTS := $(filter-out %/kustomization.yaml,$(wildcard deploy/kubernetes/*.yaml deploy/kubernetes/*/*.yaml))
CHECKS := format lint layers types document manifests docs breaking python spectral redocly typescript front-end

.PHONY: help run demo race test check clients walkthrough browser migrate openapi docs bench prove sbom audit lock format clean $(CHECKS:%=check-%)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 19

run: $(STAMP) ## database, sandbox, API, worker and the example front end, until Ctrl-C; ARGS="--api-port 0"
	@$(BIN)/python -m sandbox run $(ARGS)

demo: $(STAMP) ## the main job through the public API, step by step
	@$(BIN)/python -m sandbox demo

race: $(STAMP) ## two hundred visitors want one slot: one gets it
	@$(BIN)/python -m prove.race

test: $(STAMP) ## the whole test suite, up to four at once; ARGS=... for pytest
	$(BIN)/pytest $(PARALLEL) $(ARGS)

check: $(CHECKS:%=check-%) ## every other check, the quick ones first

check-format: $(STAMP) ## the form of the code
	$(BIN)/ruff format --check .

check-lint: $(STAMP) ## ruff's rules
	$(BIN)/ruff check .

check-layers: $(STAMP) ## who imports whom
	$(BIN)/lint-imports

check-types: $(STAMP) ## mypy, strictly
	$(BIN)/mypy
	$(BIN)/mypy contract

check-document: $(STAMP) ## openapi.json and openapi.client.json are what the code says
	@$(BIN)/python -m app.cli openapi | cmp openapi.json - && \
	$(BIN)/python -m app.cli openapi --client | cmp openapi.client.json - || { \
		echo "openapi.json or openapi.client.json is not what the code says: make openapi"; exit 1; }

check-docs: $(STAMP) ## the documentation builds, every link leads somewhere, nothing is fetched
	@$(BIN)/python -m documentation

check-manifests: $(STAMP) ## Kubernetes takes what is in deploy/kubernetes
	@$(BIN)/kubernetes-validate --strict --quiet -k 1.30 $(MANIFESTS)
	@$(BIN)/kubernetes-validate --strict --quiet $(MANIFESTS)

check-breaking: $(STAMP) ## old callers can go on
	@$(BIN)/python -m contract.breaking

check-python: $(STAMP) ## a generated Python client imports and reads the examples
	@$(BIN)/python -m contract.python_client

check-spectral: $(NODE_STAMP) ## openapi.json by Spectral's rules
	$(NODE_BIN)/spectral lint --ruleset contract/spectral.yaml --fail-severity hint openapi.json

check-redocly: $(NODE_STAMP) ## openapi.json by Redocly's rules
	$(NODE_BIN)/redocly lint --config contract/redocly.yaml --format stylish openapi.json

check-typescript: $(NODE_STAMP) ## a generated TypeScript client compiles strictly
	$(NODE_BIN)/openapi-ts --input openapi.client.json --output build/typescript-client --client @hey-api/client-fetch --no-log-file --silent
	$(NODE_BIN)/tsc --project contract/tsconfig.json

check-front-end: $(FRONT_END_STAMP) ## the example front end compiles strictly and follows its rules
	@cd examples/front-end && npm run --silent generate && npm run --silent types && npm run --silent lint

clients: $(STAMP) $(NODE_STAMP) ## a Python and a TypeScript package in build/clients, each tried on a journey
	@$(BIN)/python -m clients

walkthrough: $(STAMP) ## record the demo anew, for docs/walkthrough.md
	@mkdir -p build
	@$(BIN)/python -m sandbox demo > build/demo.jsonl || { tail -n 2 build/demo.jsonl; exit 1; }
	@$(BIN)/python -m sandbox.walkthrough build/demo.jsonl > build/walkthrough.md
	@mv build/walkthrough.md docs/walkthrough.md

browser: $(STAMP) ## the example front end in a real Chromium, journey by journey
	$(BIN)/pytest tests/browser $(ARGS)

migrate: $(STAMP) ## bring the database at DATABASE_URL up to date
	@$(BIN)/python -m app.cli migrate

openapi: $(STAMP) ## write openapi.json and openapi.client.json anew
	@for client in "" .client; do \
		$(BIN)/python -m app.cli openapi $${client:+--client} > .openapi.json.new || { rm -f .openapi.json.new; exit 1; }; \
		mv .openapi.json.new openapi$$client.json; \
	done

docs: check-docs ## the documentation as a site, into build/site

bench: $(STAMP) ## figures beside their floors, as JSON lines
	@$(BIN)/python -m bench

prove: $(STAMP) ## the promises put to the proof, some fifteen minutes; ARGS="--long --seed 7 crash"
	@$(BIN)/python -m prove $(ARGS)

sbom: $(STAMP) ## what the service is made of: build/sbom.cdx.json, in CycloneDX's words
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements requirements/base.txt --pyproject pyproject.toml --output-reproducible \
		--validate --output-file build/sbom.cdx.json 2>/dev/null

audit: $(STAMP) $(NODE_STAMP) ## known vulnerabilities of what is locked; fails as well when it could not ask
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements/base.txt
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements/dev.txt
	cd contract && npm audit

lock: $(STAMP) ## write requirements/*.txt anew
	./requirements/lock.sh $(BIN)/uv

format: $(STAMP) ## put the code into its form
	-$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

clean: ## remove what the targets made, the local database included
	rm -rf .venv .run .run-own build contract/node_modules examples/front-end/node_modules examples/front-end/generated .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The stamp comes last: after an interruption the next call goes on. pip brings uv; uv is quick, pip is the way out where
# the machine's package settings are known to pip alone.
$(STAMP):
	@$(BIN)/python -c '$(SUPPORTED)' 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
			"$$python" -c '$(SUPPORTED)' 2>/dev/null && exec "$$python" -m venv --clear .venv; \
		done; \
		echo "Python 3.11, 3.12 or 3.13 with venv is needed and was not found (Debian: apt-get install python3-venv)."; \
		echo "Is it in an unusual place? make PYTHON=/path/to/python3.11"; \
		exit 1; }
	@echo "Installing what requirements/dev.txt names into .venv"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/uv.txt
	@UV_SYSTEM_CERTS=true $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt requirements/uv.txt || { \
		echo "uv could not; trying with pip"; \
		$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt; }
	@rm -f .venv/.installed-* && touch $@

$(NODE_STAMP):
	@command -v npm >/dev/null || { \
		echo "this needs Node.js 20.19 or later with npm: https://nodejs.org, or apt-get install nodejs npm."; exit 1; }
	@echo "Installing what contract/package-lock.json names into contract/node_modules"
	@cd contract && npm ci --no-progress --loglevel=error || { echo "npm ci failed with Node $$(node --version)."; exit 1; }
	@touch $@

$(FRONT_END_STAMP):
	@command -v npm >/dev/null || { \
		echo "make check needs Node.js 20.19 or later with npm: https://nodejs.org, or apt-get install nodejs npm."; exit 1; }
	@echo "Installing what examples/front-end/package-lock.json names into examples/front-end/node_modules"
	@cd examples/front-end && npm ci --no-progress --loglevel=error || { echo "npm ci failed with Node $$(node --version)."; exit 1; }
	@touch $@
