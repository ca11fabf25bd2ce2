# Sets up everything it needs in .venv: Python 3.11 to 3.13, make and a network are enough.
SHELL := /bin/bash
PYTHON ?= $(shell for v in 3.11 3.12 3.13; do command -v python$$v >/dev/null 2>&1 && python$$v -c '' 2>/dev/null && { echo python$$v; exit; }; done; echo python3)
UV_VERSION := 0.13.9
VENV := .venv
UV := $(VENV)/bin/uv
RUN := $(VENV)/bin

.PHONY: help install demo test check unit integration check-all rules deploy-check game-day versions audit bom chaos bench mutation fuzz format clean
help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.bootstrapped:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is another. Name one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(VENV)/.synced: $(VENV)/.bootstrapped pyproject.toml uv.lock
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --frozen --inexact --python $(RUN)/python
	@touch $@

install: $(VENV)/.synced  ## Set up .venv, with the txpush command in .venv/bin

demo: $(VENV)/.synced  ## See the whole flow on this machine
	@$(RUN)/txpush demo

# In the order of folders: the quick tests, which come last, fill what the slow ones leave of either process.
SPREAD := -n 2 --dist loadfile --no-loadscope-reorder
COVERED := --cov=streams.domain --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100
test: check  ## Run what every change must pass: checks, unit and integration tests, the short kill test; ten minutes
	@$(RUN)/pytest -q -m "not slow" -n 2 tests/unit/domain $(COVERED)
	@$(RUN)/pytest -q -m "not slow" $(SPREAD) --ignore=tests/unit/domain --ignore=tests/chaos/test_kills.py
	@$(RUN)/pytest -q -m "not slow" tests/chaos/test_kills.py

check: $(VENV)/.synced  ## Lint, types and layers
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check --quiet .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

unit: $(VENV)/.synced  ## Run the tests without I/O
	@$(RUN)/pytest -q -m "not slow" -n 2 tests/unit

integration: $(VENV)/.synced  ## Run the tests on a real Kafka
	@$(RUN)/pytest -q $(SPREAD) tests/integration

check-all: test  ## Run the slow tests too, and audit the packages
	@HYPOTHESIS_PROFILE=thorough $(RUN)/pytest -q tests/unit/domain/test_properties.py tests/unit/domain/institutions
	@$(RUN)/pytest -q -m slow $(SPREAD) --ignore=tests/gameday --ignore=tests/deployment
	@$(MAKE) --no-print-directory rules
	@$(MAKE) --no-print-directory deploy-check
	@$(MAKE) --no-print-directory game-day
	@$(MAKE) --no-print-directory versions
	@$(MAKE) --no-print-directory audit

versions: $(VENV)/.synced  ## Run the unit tests and the flow on a real Kafka under each supported Python that is here
	@for version in 3.11 3.12 3.13; do \
	  if ! python$$version -c '' 2>/dev/null; then echo "Python $$version: not here, not tested"; continue; fi; \
	  echo "Python $$version"; \
	  UV_PROJECT_ENVIRONMENT=$(VENV)/versions/$$version $(UV) sync --quiet --frozen --python python$$version \
	    && $(VENV)/versions/$$version/bin/pytest -q -m "not slow" tests/unit tests/integration/whole/test_flow.py || exit 1; \
	done

rules:  ## Check the rules of Prometheus and run their tests; needs promtool (Debian and Ubuntu: apt-get install prometheus)
	@command -v promtool >/dev/null || { echo "promtool is not here; on Debian and Ubuntu: apt-get install prometheus"; exit 1; }
	@promtool check rules deploy/prometheus/rules/*.yaml
	@cd deploy/prometheus/tests && promtool test rules *.yaml

deploy-check: $(VENV)/.synced  ## Check image, compose file, chart and Strimzi's resources by the tools that read them; needs Go and promtool
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --frozen --inexact --group deploy --python $(RUN)/python
	@$(RUN)/pytest -q -m slow tests/deployment

game-day: $(VENV)/.synced  ## Make faults in the running set, and see which alerts a real Prometheus raises; twenty minutes
	@command -v prometheus >/dev/null || { echo "prometheus is not here; on Debian and Ubuntu: apt-get install prometheus"; exit 1; }
	@$(RUN)/pytest -q -n 4 tests/gameday

AUDIT :=
audit: $(VENV)/.synced  ## Look for known vulnerabilities in every package of uv.lock; needs the network
	@$(UV) audit --frozen --preview-features audit-command $(AUDIT); code=$$?; case $$code in \
	  0) ;; \
	  1) echo "audit: raise what is named above in pyproject.toml, then $(UV) lock" ;; \
	  *) echo "audit: NOTHING WAS AUDITED, the service could not be asked; try again where it can be reached" ;; esac; exit $$code

BOM := dist/bom.json
bom: $(VENV)/.synced  ## Write dist/bom.json, what is deployed as a bill of materials (CycloneDX 1.5)
	@mkdir -p $(dir $(BOM))
	@$(UV) export --frozen --quiet --no-dev --format cyclonedx1.5 --preview-features sbom-export -o $(BOM) >/dev/null
	@echo "$(BOM)"

chaos: $(VENV)/.synced  ## Disturb everything: 300,000 notifications, 66 SIGKILLs, 24 SIGSTOPs, brokers, disk, clocks, vendor; an hour
	@$(RUN)/python -m tests.chaos.run --profile long

bench: $(VENV)/.synced  ## Measure agent and bridge against reference loops
	@$(RUN)/python -m tests.bench.run
	@$(RUN)/python -m tests.bench.bridge.run

SAMPLE := 20
mutation: $(VENV)/.synced  ## Change the core in small ways, SAMPLE=20 (or all) a module, and see that tests fail
	@$(RUN)/python -m tests.mutation.run --sample $(SAMPLE)

MINUTES := 60
fuzz: $(VENV)/.synced  ## Fuzz every decoder, MINUTES=60 for all of them
	@UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --frozen --inexact --group fuzz --python $(RUN)/python
	@$(RUN)/python -m tests.fuzz.run --minutes $(MINUTES)

format: $(VENV)/.synced  ## Format the code
	@$(RUN)/ruff format . && $(RUN)/ruff check --fix .

clean:  ## Remove what was set up here; the Kafka download stays in the user's cache
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
