# Every target works alone on a machine with Python 3.11+, pip and make; a second run starts in seconds.
#   PYTHON=python3.12       another interpreter for the environment
#   VENV=path               another place for it
#   TORCH_INDEX_URL=url     another wheel index for torch (a smaller CPU build, say)
#   ARGS="…"                more arguments for serve, test and bench
VENV ?= .venv
BIN := $(VENV)/bin
NEWEST := python3 python3.14 python3.13 python3.12 python3.11 python
OLD_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(NEWEST); do $$p -c '$(OLD_ENOUGH)' 2>/dev/null && echo $$p && break; done)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	$(if $(TORCH_INDEX_URL),--extra-index-url $(TORCH_INDEX_URL))

.DEFAULT_GOAL := help
.PHONY: help serve test check bench lock

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

serve: $(VENV)/.run ## install what is missing, serve the app on 127.0.0.1, print the address
	@$(BIN)/anisoscope serve $(ARGS)

test: $(VENV)/.test ## install what is missing, a browser included, and run all tests
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev ## lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright

bench: $(VENV)/.test ## run benchmarks/bench_*.py and append to benchmarks/results/
	@$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.dev ## write constraints.txt from the environment, to be committed after a green `make test`
	@$(BIN)/python -m pip freeze --exclude-editable | sed -n 's/^\([A-Za-z0-9._-]*==[^+ ]*\).*/\1/p' \
		| grep -viE '^(nvidia-|cuda-|triton)' > constraints.txt

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer with the venv module was found." \
		"Install one (on Debian: python3-venv too) or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c '$(OLD_ENOUGH)' || { echo "make: $(PYTHON) is not a Python 3.11 or newer with the venv" \
		"module; name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making the environment $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Anisoscope and what it needs; the first time takes some minutes"
	@$(INSTALL) --editable . && touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Anisoscope and what its tests need; the first time takes some minutes"
	@$(INSTALL) --editable '.[test,compiled]' && touch $@ $(VENV)/.run

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Anisoscope and what its developers need; the first time takes some minutes"
	@$(INSTALL) --editable '.[test,dev,compiled]' && touch $@ $(VENV)/.test $(VENV)/.run
