# `make run` plays an attack against the app on this machine; `make test` runs the suite.
# Both set up what they need: a virtual environment, and Azurite and a parser from npm.
# No cloud, no Docker, no root.

# The newest Python that runs; Azure runs 3.13.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(not (3,11) <= sys.version_info < (3,14))' \
  >/dev/null 2>&1 && echo $$p && break; done)

VENV := .venv
BIN := $(VENV)/bin
AZURITE := devhost/azurite/node_modules/.package-lock.json
KQL := devhost/kql/node_modules/.package-lock.json
NODE_IS_NEW := $(shell node -e 'process.exit(+(parseInt(process.versions.node) < 18))' \
  >/dev/null 2>&1 && npm --version >/dev/null 2>&1 && echo yes)

# A Python 3.13 anywhere: for the bytecode of the package, and for the test that has
# Azure's own runtime index the app.
RUNTIME := .venv-runtime
PYTHON313 := $(shell for p in python3.13 $$HOME/.pyenv/versions/3.13.*/bin/python3.13; do \
  $$p -c 'import venv, ensurepip' >/dev/null 2>&1 && echo $$p && break; done)

PACKAGE := dist/firewatch.zip

ONCE ?=

# checkov reads the templates of Azure with an older pycep than ours: it lives apart.
CHECKOV := .venv-checkov
# Models of Azure's SDKs, from which `make shapes` alone reads what a resource may hold.
SHAPES := .venv-shapes
SHAPES_OF := azure-mgmt-applicationinsights==4.0.0 azure-mgmt-authorization==4.0.0 \
  azure-mgmt-eventhub==11.2.0 azure-mgmt-keyvault==10.3.1 azure-mgmt-logic==10.0.0 \
  azure-mgmt-monitor==6.0.2 azure-mgmt-msi==7.0.0 azure-mgmt-network==28.1.0 \
  azure-mgmt-privatedns==1.2.0 azure-mgmt-resource==23.3.0 \
  azure-mgmt-securityinsight==2.0.0b2 azure-mgmt-storage==22.2.0 azure-mgmt-web==8.0.0 six

# Fuzzing: atheris is in no lock file; `make fuzz` alone installs it.
ATHERIS := atheris==3.0.0
MINUTES ?= 10
FUZZ := .run/fuzz

.PHONY: help setup run test soak bench check check-infra check-queries fix golden schema \
  queries roles shapes fuzz lock clean coverage-report package

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: $(VENV)/.ready $(AZURITE) $(KQL) ## install what run and test need

run: setup ## play the attack and show what came of it; ONCE=1 exits then
	@$(BIN)/firewatch run $(if $(ONCE),--once)

test: setup $(if $(PYTHON313),$(RUNTIME)/.ready) ## the whole suite
	@$(BIN)/python -m pytest -m "not soak" -n 4 --dist worksteal

soak: setup ## what takes minutes: 200 kills, large properties
	@$(BIN)/python -m pytest -m soak -n 2 --timeout 3600

bench: setup ## measure speed and cost, about an hour; QUICK=1 takes minutes, JSON=FILE keeps it
	@$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON))

check: $(VENV)/.ready $(KQL) ## format, lint, types, queries, templates
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory check-queries
	@$(MAKE) --no-print-directory check-infra

check-infra: $(VENV)/.ready $(CHECKOV)/.ready ## parse the templates of Azure, and have checkov look at them
	@$(BIN)/python tests/infra/parse.py infra
	@$(CHECKOV)/bin/python tests/infra/parse.py infra
	@$(CHECKOV)/bin/checkov --config-file infra/checkov.yaml

check-queries: $(VENV)/.ready $(KQL) ## have Microsoft's parser read the queries
	@$(BIN)/firewatch queries --check

coverage-report: $(VENV)/.ready ## which documented alert types POLICY (policy.yaml) answers
	@$(BIN)/firewatch coverage $(if $(POLICY),--policy $(POLICY))

package: $(VENV)/.ready ## build and check what is deployed, dist/firewatch.zip; POLICY=FILE packs that policy
	@test -n "$(PYTHON313)" || { \
	  echo "make: no Python 3.13 found, which Azure runs; set PYTHON313=..." >&2; exit 1; }
	@$(BIN)/firewatch release package $(PACKAGE) --python $(PYTHON313) \
	  $(if $(POLICY),--policy $(POLICY))

fix: $(VENV)/.ready ## format, and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

golden: $(VENV)/.ready ## write what samples are read as anew; review the difference
	@FIREWATCH_GOLDEN=write $(BIN)/python -m pytest -q tests/golden

schema: $(VENV)/.ready ## write policy.schema.json, which editors read, from the code
	@$(BIN)/firewatch policy schema > policy.schema.json

queries: $(VENV)/.ready ## write docs/queries.md from the headers of the queries
	@$(BIN)/firewatch queries --markdown > docs/queries.md

roles: $(VENV)/.ready ## write infra/responders.json: what responders need of Azure
	@$(BIN)/firewatch release roles > infra/responders.json

shapes: $(VENV)/.ready ## read anew what resources may hold, after a change of infra/
	@$(PYTHON) -m venv $(SHAPES)
	@$(SHAPES)/bin/python -m pip install --quiet --disable-pip-version-check \
	  $$($(BIN)/python -m pip freeze | grep -E '^(pycep-parser|lark|regex)==') $(SHAPES_OF)
	@$(SHAPES)/bin/python -m tests.infra.make_shapes

fuzz: $(VENV)/.ready ## fuzz the readers of all formats for MINUTES (10)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(ATHERIS)
	@mkdir -p $(FUZZ)/corpus
	@$(BIN)/python -m tests.fuzz.fuzz_sources $(FUZZ)/corpus tests/samples \
	  -max_total_time=$$(($(MINUTES) * 60)) -max_len=65536 -timeout=20 \
	  -artifact_prefix=$(FUZZ)/

lock: $(VENV)/.ready ## compile requirements*.txt from pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet --upgrade -o requirements.txt
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet --upgrade -c requirements.txt \
	  -o requirements-dev.txt
	@echo checkov | $(BIN)/uv pip compile - --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet --upgrade --no-annotate \
	  -o infra/requirements-checkov.txt

clean: ## remove everything that setup made
	rm -rf $(VENV) $(RUNTIME) $(CHECKOV) $(SHAPES) devhost/azurite/node_modules \
	  devhost/kql/node_modules .run dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.ready: requirements-dev.txt
	@test -n "$(PYTHON)" || { \
	  echo "make: no Python 3.11, 3.12 or 3.13 with venv found; set PYTHON=..." >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON); a minute, once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements-dev.txt
	@printf '#!%s\nimport sys\nsys.path.insert(0, "%s")\nfrom cli.main import main\nmain()\n' \
	  "$(CURDIR)/$(BIN)/python" "$(CURDIR)" > $(BIN)/firewatch
	@chmod +x $(BIN)/firewatch
	@touch $@

$(CHECKOV)/.ready: infra/requirements-checkov.txt
	@test -n "$(PYTHON)" || { \
	  echo "make: no Python 3.11, 3.12 or 3.13 with venv found; set PYTHON=..." >&2; exit 1; }
	@echo "Setting up $(CHECKOV) for checkov; a minute, once."
	@$(PYTHON) -m venv $(CHECKOV)
	@$(CHECKOV)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r infra/requirements-checkov.txt
	@touch $@

$(RUNTIME)/.ready: requirements-dev.txt
	@echo "Setting up $(RUNTIME) with $(PYTHON313), for Azure's own runtime; once."
	@$(PYTHON313) -m venv $(RUNTIME)
	@$(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements-dev.txt
	@touch $@

# npm comes with Node.js; where there is none that is new enough, PyPI has both.
$(AZURITE) $(KQL): %/node_modules/.package-lock.json: %/package-lock.json | $(VENV)/.ready
	@echo "Installing what $* needs from npm; once."
ifeq ($(NODE_IS_NEW),yes)
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r devhost/azurite/requirements-node.txt
	@cd $* && PATH="$(CURDIR)/$(BIN):$$PATH" \
	  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
endif
	@touch $@
