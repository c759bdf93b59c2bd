## make demo        plays a student through the whole course, with real commits
## make test-quick  the edit loop: rules, lessons, judge, ledger, layers, reports; starts next to nothing
## make test        lint, types and tests: one of each kind, in two minutes
## make test-slow   every variant of them, and the long corpora
## make hooks       lints what a push changes, before it leaves
## make release-check  says what a release still lacks, or which commands make it
## make parity      installs PyTorch, the oracle of the parity tests
## make bubblewrap  installs the strongest sandbox, where Debian's packages are at hand
## make lock        solves the dependencies again
## make clean       removes the environment and the demo
# Each does its own set-up: a .venv with exactly what requirements/ locks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo

.PHONY: help setup demo test-quick test test-slow lint types hooks release-check parity bubblewrap lock clean

help:
	@sed -n 's/^## //p' Makefile

# A .venv that lost its Python (an upgrade) or a package is made again by `make setup`.
LOST := $(shell [ ! -e $(VENV)/installed ] || $(BIN)/python -c 'import importlib.util as u, sys; \
	sys.exit(any(u.find_spec(n) is None for n in ("click", "numpy", "pytest", "rich", "yaml")))' \
	2>/dev/null || rm -f $(VENV)/installed)

$(VENV)/installed: requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed; $(PYTHON) is older."; \
		  echo "-> make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || rm -rf $(VENV)
	@echo "Installing what the course needs into $(VENV) (about a minute) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/installed

demo: setup
	$(BIN)/python .ci/demo.py $(DEMO)

# Without its bytecode each process, and many a test starts several, compiles everything again.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest -q -n auto --dist worksteal
QUICK := $(addprefix tests/,docs/test_docs.py reports tito/test_words.py \
	$(patsubst %,grader/test_%.py,course lesson judge layers detour alone ledger))

test-quick: setup
	$(PYTEST) -m "not slow and not thorough" $(QUICK)

test: setup lint types
	$(PYTEST) -m "not slow and not thorough"

test-slow: setup
	$(PYTEST) -m "slow or thorough"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check grader tito tests benchmarks .ci

# The worker's scripts once more, as scripts: only so are their imports of each other typed.
types: setup
	$(BIN)/mypy
	cd grader/sandbox/worker && $(CURDIR)/$(BIN)/mypy --config-file= --cache-dir=$(CURDIR)/.mypy_cache/worker --strict --explicit-package-bases *.py

# On a stage that `tito setup` leaves alone.
hooks: setup
	$(BIN)/pre-commit install --config .pre-commit-lint.yaml

# Changes nothing: CONTRIBUTING.md says how a release is made.
release-check: setup
	@$(BIN)/python .ci/release_check.py

# The oracle of the parity tests; without it they are skipped, with a reason.
parity: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0

# Tests of this sandbox are skipped without it, with a reason.
bubblewrap:
	@command -v bwrap >/dev/null || { apt-get update -qq && apt-get install -y -qq bubblewrap; }

# What is locked stays, unless UPGRADE=1 asks for the newest of everything.
LOCK := $(BIN)/uv pip compile --universal --python-version 3.10 --generate-hashes --no-header -q $(if $(UPGRADE),--upgrade)
lock:
	$(LOCK) pyproject.toml -o requirements/student.lock
	$(LOCK) requirements/grade.in -c requirements/student.lock -o requirements/grade.lock
	$(LOCK) requirements/award.in -c requirements/student.lock -o requirements/award.lock
	$(LOCK) pyproject.toml --extra dev -o requirements/dev.lock

clean:
	rm -rf $(VENV) $(DEMO)
