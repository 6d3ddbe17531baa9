PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo demo-train test prove check install clean

help:  ## what there is to make
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		(echo "gristmill needs Python 3.11 or newer; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1)
	$(PYTHON) -m venv $(VENV)

$(VENV)/core: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) -e .
	@touch $@

$(VENV)/dev: $(VENV)/core
	$(PIP) -e '.[test,check]'
	@touch $@

install: $(VENV)/core  ## the command `gristmill` in .venv/bin

demo: $(VENV)/core  ## the main job on the documentation of this Python installation
	$(BIN)/gristmill demo

$(VENV)/train: $(VENV)/core
	$(PIP) -e '.[train,synth]'
	@touch $@

demo-train: $(VENV)/train  ## from that documentation to a small aligned model and its student
	$(BIN)/gristmill demo-train

# One thread for each of pytest's processes, which fill the cores already: torch's own threads would fight over them.
test: $(VENV)/dev  ## every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

prove: $(VENV)/dev  ## the tests at full size, some minutes each
	$(BIN)/python -m pytest -m proof

check: $(VENV)/dev  ## lint, format, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:  ## remove the environment and what the demo made
	rm -rf $(VENV) gristmill-demo
