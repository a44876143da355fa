# Curation: `make demo` shows it, `make test` checks it. Both install what they need into .venv first.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# uv does not read pip's setting for a folder of wheels; where there is one, it is passed along.
UV := $(if $(PIP_FIND_LINKS),UV_FIND_LINKS="$(PIP_FIND_LINKS)") $(BIN)/uv

# Where this forbids Python to keep what it has compiled, each of many processes compiles Airflow, pandas and numba anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint bench install

demo: install
	$(BIN)/python -m curation.compile
	PYTHONPATH=plugins $(BIN)/python -m curation_airflow.demo

test: lint
	$(BIN)/python -m curation.compile
	$(BIN)/python -m pytest tests -m "not e2e" -q -n 2 --dist loadfile
	$(BIN)/python -m pytest tests -m e2e -q -n 2 --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=plugins:dags $(BIN)/mypy -p curation_airflow -p recipe_dags
	PYTHONPATH=plugins $(BIN)/lint-imports

# Each prints its figures, most of them beside a peer's in the same run.
BENCHMARKS := warmup signatures rules extract curate languages decontaminate pii near_duplicates incremental \
	duplicate_cases bad_input bad_pages crawl faults faults_direct kills triggerer_kills ledger budget driver quote \
	score heads relabel calibration hostile truncation

bench: install
	@for name in $(BENCHMARKS); do echo "== $$name"; PYTHONPATH=plugins $(BIN)/python -m tests.benchmarks.$$name; done
	@echo "== parity"; $(BIN)/python -m tests.parity.rules

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt Makefile
	$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(None if ok else f"Curation needs Python 3.11 to 3.13, this is {sys.version.split()[0]}: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[airflow,pretrain,s3,trafilatura,dev]'
	touch $@
