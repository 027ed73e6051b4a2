# make demo: sets up and runs the main job.   make test: sets up and runs every test.
# make check: ruff, mypy, tests, the examples and the guides' commands among them.   make docs: the site, into build/site.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS := $(VENV)/.docs

# Tests start hundreds of processes: without what Python has compiled, each compiles this package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check docs setup lint clean

demo: setup
	$(BIN)/python examples/write_breast_cancer.py runs/data
	$(BIN)/automl search data.train=runs/data/train.csv data.target=diagnosis data.test=runs/data/test.csv budget.seconds=60

test: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: lint test

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(DOCS)
	$(BIN)/mkdocs build --strict

setup: $(READY)

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $(READY)

$(DOCS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	touch $(DOCS)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
