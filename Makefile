# make demo    install, then verify the example accelerator (what the README shows first)
# make test    the test suite
# make lint    ruff, and mypy on a throw-away real install
# make regress the slow tests only
# make bench   every benchmark, with its limits
# make clean   remove what was generated; `make distclean` also removes the environment

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough, unless one is chosen with `make PYTHON=...`.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt
SOURCES_OF_INSTALL := pyproject.toml setup.py constraints.txt
# Two tests at a time; tests that are measured in seconds count those of the processor.
PYTEST_OPTIONS ?= --numprocesses=2 --dist=worksteal
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

.DELETE_ON_ERROR:
.PHONY: demo test lint regress bench clean distclean install

demo: $(VENV)/installed
	$(BIN)/tilewright verify examples/digits_mlp.yaml

install: $(VENV)/installed

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

regress: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow $(PYTEST_OPTIONS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python .ci/check_types.py

# Every benchmark runs, also after one fell short; the first failure decides the result.
bench: $(VENV)/installed-dev
	@code=0; for file in $(BENCHMARKS); do \
		echo "== $$file"; $(BIN)/python $$file || code=1; done; exit $$code

# The stamps come last, so an interrupted installation is done again. setuptools goes in first, so
# that the install needs no second, isolated environment.
$(VENV)/installed: $(SOURCES_OF_INSTALL)
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer: apt install python3 python3-venv"; exit 3; }
	$(PYTHON) -m venv $(VENV) || { echo "no venv module: apt install python3-venv"; exit 3; }
	$(INSTALL) setuptools
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(INSTALL) --no-build-isolation --editable '.[dev]'
	@touch $@

clean:
	rm -rf build dist out sim_build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

distclean: clean
	rm -rf $(VENV)
