# Everything a user or a contributor types. Two commands set up a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
JOBS ?= 4

.PHONY: demo test check style types docs format lab accuracy situations bench soak pictures clean

demo: $(VENV)/.demo
	$(BIN)/incident demo $(ARGS)

# Tests start Python many hundred times: where byte code is not kept, each start compiles the library again.
test: $(VENV)/.test
	env -u PYTHONDONTWRITEBYTECODE PYTHONFAULTHANDLER=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: docs style types

types: $(VENV)/.test
	$(BIN)/mypy

style: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python tests/check_notebooks.py
	$(BIN)/python tests/check_docs.py
	$(BIN)/python tests/check_audit.py

# The documentation as pages in build/docs: an unlisted page and a link that leads nowhere are errors.
docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lab: $(VENV)/.demo
	$(BIN)/incident demo --lab $(ARGS)

accuracy: $(VENV)/.test
	$(BIN)/python bench/accuracy.py $(ARGS)

situations: $(VENV)/.test
	$(BIN)/python -m tests.situations $(ARGS)

bench: $(VENV)/.test
	$(BIN)/python bench/run.py $(ARGS)

soak: $(VENV)/.test
	$(BIN)/python bench/soak.py $(ARGS)

# The pictures of the documentation, from a real incident: look at them before they are committed.
pictures: $(VENV)/.test
	$(BIN)/python bench/pictures.py $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "The workbench needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -c 'import virtualenv' 2>/dev/null; then $(PYTHON) -m virtualenv --quiet $(VENV); \
	else echo "Python cannot make a virtual environment here. On Debian: apt-get install python3-venv" >&2; false; \
	fi || { rm -rf $(VENV); exit 2; }
	@# The pip that Debian 12 brings takes three times as long to choose versions.
	$(PIP) install --quiet 'pip>=25.3' || { rm -rf $(VENV); exit 2; }

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo,notify,test]'
	@touch $@ $(VENV)/.demo
