# Everything happens inside the checkout: the environment in .venv, Claude Code in .cache.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLAUDE_VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' scripts/fetch_claude.py)
CLAUDE_BINARY := .cache/claude-code/$(CLAUDE_VERSION)/claude

.PHONY: help demo test check lint format claude keyring litellm compat bench micro fuzz soak wheel clean

help:  ## Show these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

demo: $(VENV)/package claude  ## Install into the checkout and run a whole conversation, without a key
	@if [ -x $(CLAUDE_BINARY) ]; then $(BIN)/kimi demo --claude $(CLAUDE_BINARY); else $(BIN)/kimi demo; fi

test: $(VENV)/dev claude keyring litellm check  ## Set everything up and run all checks

check: lint  ## Run all checks on what is set up
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 kimi_cli
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin kimi_cli
	$(BIN)/lint-imports

format: $(VENV)/dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

claude:  ## Fetch the Claude Code that the tests are made for, where npm is there
	@$(PYTHON) scripts/fetch_claude.py

keyring:  ## Install the keyring that the tests use, where that can be done
	@scripts/install-keyring

litellm:  ## Install the LiteLLM proxy that the tests use, where that can be done
	@$(PYTHON) scripts/fetch_litellm.py

compat: $(VENV)/dev  ## Run the conversations with another Claude Code: make compat CLAUDE=2.1.200
	@test -n "$(CLAUDE)" || { echo "Which version? make compat CLAUDE=$(CLAUDE_VERSION)"; exit 2; }
	@$(PYTHON) scripts/fetch_claude.py --version "$(CLAUDE)" --required
	$(BIN)/python -m pytest -n auto tests/e2e/test_conversations.py --claude-version "$(CLAUDE)" -k "not litellm"

bench: $(VENV)/dev  ## Measure what the proxy costs, beside bare relays, into bench/RESULTS.md
	$(BIN)/python -m bench --write
	$(BIN)/python -m bench.growth
	$(BIN)/python -m bench.tokens

micro: $(VENV)/dev  ## Measure the translator's parts
	$(BIN)/python -m pytest tests/bench/test_micro.py -n 0 --benchmark-enable --benchmark-columns=min,median,iqr,rounds

fuzz: $(VENV)/dev  ## Look for bytes and requests that break the translator
	$(BIN)/python -m bench.fuzz

soak: $(VENV)/dev  ## Serve 20,000 requests and see that memory stays as it is
	$(BIN)/python -m bench.soak

wheel: $(VENV)/dev  ## Build the wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

$(VENV)/package: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev: $(VENV)/package
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

clean:  ## Remove what these targets made
	rm -rf $(VENV) .cache dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
