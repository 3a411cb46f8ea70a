# `make install` lays .venv once per lock; every other target needs only that.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(name) 2>/dev/null),$(name))))
N ?= 20000
WORKERS ?= 2
# the slow tests wait much, for services, browsers and processes that are stopped
SLOW_WORKERS ?= 3
HERE := .venv/bin
STAMP := .venv/.installed
EXTRA := .venv/.extra
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install extra demo test test-slow test-full check bench trial torture sbom
.DELETE_ON_ERROR:

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] < (3, 14); sys.exit(0 if ok else "lssi needs Python 3.11 to 3.13; $(PYTHON) is %d.%d; say make install PYTHON=python3.11" % sys.version_info[:2])'
	@test -x $(HERE)/python || $(PYTHON) -m venv .venv
	$(HERE)/python -m pip install --quiet --disable-pip-version-check --require-hashes --compile -r requirements.lock
	$(HERE)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

extra: $(EXTRA)

$(EXTRA): $(STAMP) requirements-extra.lock
	$(HERE)/python -m pip install --quiet --disable-pip-version-check --require-hashes --compile -r requirements-extra.lock
	@touch $@

demo: $(STAMP)
	@$(HERE)/python docs/demo.py --enterprises $(N)

# one file of tests goes to one worker, so that its fixtures are built once; the files begin in the order of tests/conftest.py
PARALLEL = --dist loadfile --no-loadscope-reorder --numprocesses

test: check
	$(HERE)/python -m pytest $(PARALLEL) $(WORKERS)

test-slow: $(STAMP)
	$(HERE)/python -m pytest -m "slow and not full" $(PARALLEL) $(SLOW_WORKERS)

# slow laws once more at the full count that was asked of each
test-full: $(STAMP)
	$(HERE)/python -m pytest -m full $(PARALLEL) $(WORKERS)

# every kind of fault at its full count; ARGS="--kind NAME --count N" for one kind
torture: $(STAMP)
	$(HERE)/python -m benchmarks.torture $(ARGS)

check: $(STAMP)
	$(HERE)/ruff check .
	$(HERE)/ruff format --check --quiet .
	$(HERE)/mypy
	$(HERE)/lint-imports --no-logo --no-cache

# the bill of materials, from the lock alone
sbom: $(STAMP)
	@$(HERE)/python docs/sbom.py

bench: $(STAMP)
	$(HERE)/python -m benchmarks

# hours; what is done is kept in .lssi/trial, so that a trial that was stopped goes on
trial: $(STAMP)
	$(HERE)/python -m benchmarks.trial
