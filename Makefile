# Everything a developer or a shop's operator types. Needs Python 3.11 or newer and make, nothing else.

.DEFAULT_GOAL := help
.PHONY: help install run dev test check format format-check lint types imports docs torture clients fuzz bench lock clean

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
INTERPRETERS := python3.11 python3.12 python3.13 python3.14 python3
CODE := $(wildcard src/relay tests examples benchmarks)
LOCK_FLAGS ?=

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: .venv/.installed ## Make .venv and install relay, pinned by hash; gives .venv/bin/relay

run: install ## Start the demo shop; needs no secret
	@exec $(BIN)/relay run --profile profiles/pumpkin.yaml --demo

dev: .venv/.dev ## Like install, with the tools of the checks

# Compiled code is kept even where the environment says otherwise: each of the workers, and of a hundred processes of
# relay, would compile all of it again.
test: dev ## Run the tests, and the examples in the docstrings, on every core
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses auto --dist worksteal --doctest-modules --ignore-glob='src/relay/core/migrations/*' tests src/relay

check: format-check lint types imports docs test ## Run everything that CI runs

format: dev ## Rewrite the code in the house's form
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format .

format-check: dev ## Check the form of the code
	@$(BIN)/ruff format --check .

lint: dev ## Look for mistakes that need no running
	@$(BIN)/ruff check .

types: dev ## Check the types, strictly
	@$(BIN)/mypy $(CODE)

imports: dev ## Check who imports whom
	@$(BIN)/lint-imports

docs: dev ## Check that the docs agree with the code
	@$(BIN)/python -m docs.check

torture: dev ## Kill, flood and race the money for minutes
	@$(BIN)/python -m pytest -m torture -o timeout=3600 tests

clients: dev ## Let agents, the SDKs of npm and old Python programs work through a shop; needs npm
	@mkdir -p build/clients && cp tests/clients/package.json tests/clients/package-lock.json build/clients/
	@cd build/clients && npm ci --no-audit --no-fund --loglevel=error
	@for era in then now; do \
		$(BIN)/python -m venv build/clients/$$era && \
		build/clients/$$era/bin/pip --quiet --disable-pip-version-check install -r tests/clients/python/$$era.txt || exit 1; \
	done
	@$(BIN)/python -m pytest -m clients tests/clients

fuzz: dev ## Feed every decoder a million documents
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m fuzz -o timeout=36000 tests

bench: dev ## Measure what a request costs
	@$(BIN)/python -m benchmarks

# The development lock is resolved first and binds the other one, so that both name the same versions.
COMPILE = $$tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-strip-extras --no-emit-index-url --no-emit-find-links $(LOCK_FLAGS) pyproject.toml

lock: ## Resolve both locks anew; LOCK_FLAGS=--upgrade takes newer versions
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && set -e; \
	python3 -m venv "$$tools"; \
	"$$tools/bin/python" -m pip --quiet --disable-pip-version-check install uv; \
	echo "lock: requirements-dev.lock"; $(COMPILE) --group dev -o requirements-dev.lock; \
	echo "lock: requirements.lock"; $(COMPILE) --group build -c requirements-dev.lock -o requirements.lock

clean: ## Remove .venv, caches and what was built; never a shop's data in var/
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@set -e; for name in $(INTERPRETERS); do \
		if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "install: .venv with $$($$name --version)"; exec $$name -m venv --clear .venv; fi; \
	done; echo "install: needs Python 3.11 or newer as one of: $(INTERPRETERS)" >&2; exit 1

# An archive or a file system without links leaves small text files in their place, an sdist nothing.
.PHONY: links
links:
	@for folder in core plugins profiles; do \
		[ -d src/relay/$$folder ] || { rm -f src/relay/$$folder; ln -s ../../$$folder src/relay/$$folder; }; \
	done

# pip compiles the packages it installs, but no editable one: the first start would compile all of relay, and every start
# where PYTHONDONTWRITEBYTECODE is set.
.venv/.installed: requirements.lock pyproject.toml | links .venv/bin/python
	@echo "install: packages of requirements.lock"
	@$(PIP) install --require-hashes -r requirements.lock
	@echo "install: relay itself"
	@$(PIP) install --no-build-isolation --no-deps -e .
	@$(BIN)/python -m compileall -q src/relay/ core plugins
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.installed
	@echo "dev: packages of requirements-dev.lock"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
