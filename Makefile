# Needs make and a Python of 3.11 or later; everything else is installed below this folder, or by the system's packages.

# The first that runs: a version manager's shims may be on the PATH for Pythons that they refuse to start.
first_that_runs = $(shell for name in $(1); do "$$name" -c '' >/dev/null 2>&1 && command -v "$$name" && break; done)
pyenv_root := $(shell pyenv root 2>/dev/null)
pyenv_python = $(lastword $(sort $(wildcard $(pyenv_root)/versions/$(1).*/bin/python$(1))))

PYTHON ?= $(call first_that_runs,python3.11 $(call pyenv_python,3.11) python3 python3.12 python3.13 python3.14)
NEXT_PYTHON ?= $(call first_that_runs,python3.13 $(call pyenv_python,3.13) python3.12 $(call pyenv_python,3.12))

# Of the demo on this machine alone.
DEMO_PASSWORD ?= riverside-board

TOOLS := .tools
UV := $(TOOLS)/bin/uv
export UV_PYTHON_DOWNLOADS := never
export PYTHONDONTWRITEBYTECODE :=

IN_LAMBDA := tests/asgi tests/django tests/examples tests/fastapi tests/jobs tests/lambda_http tests/runtime

# As the extra in pyproject.toml says it.
OLDEST_FASTAPI := $(shell sed -n 's/^fastapi = .*"fastapi>=\([0-9.]*\)".*/\1/p' pyproject.toml)

SYNC := --quiet --all-extras --locked

.PHONY: demo test test-current test-next test-oldest-fastapi test-tasks coverage lint docs docs-serve format security setup setup-next setup-docs postgresql chromium clean

demo: $(TOOLS)/.ready
	$(UV) sync --quiet --locked --project examples/board --python $(PYTHON)
	@cd examples/board && exec .venv/bin/pocket local --run "load_demo --admin-password '$(DEMO_PASSWORD)'" \
		--page /admin/ --ready "The administrator is admin, the password $(DEMO_PASSWORD)."

test: lint docs test-current test-next test-oldest-fastapi test-tasks

lint: setup
	$(UV) lock --quiet --check
	$(UV) lock --quiet --check --project examples/board
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy

# Links that lead nowhere, and pages that no menu names, are errors; not with --quiet, which hides them from --strict.
security: setup
	.venv/bin/python scripts/security.py

docs: setup-docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	@echo "The site is in .site; make docs-serve shows it."

docs-serve: setup-docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs serve

format: setup
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

# The seed makes the generated cases the same each time; pytest without it, as the workflow runs it, goes on looking.
test-current: setup postgresql chromium
	@.venv/bin/python -c 'import sys, django; print(f"Python {sys.version.split()[0]}, Django {django.__version__}")'
	NEXT_PYTHON=$(NEXT_PYTHON) .venv/bin/pytest -n auto --hypothesis-seed=0

# Tracing makes the tests take half as long again, so it is not part of `make test`.
coverage: setup postgresql
	.venv/bin/pytest -n auto --hypothesis-seed=0 -m "not e2e" --cov

# The second half of the matrix: the newest Django, which asks for Python 3.12 or later, under all that runs inside
# Lambda. What deploys never imports Django; the workflow runs all of it on every Python.
test-next: setup-next postgresql
ifneq ($(NEXT_PYTHON),)
	@.venv-next/bin/python -c 'import sys, django; print(f"Python {sys.version.split()[0]}, Django {django.__version__}")'
	.venv-next/bin/pytest -n auto --hypothesis-seed=0 $(IN_LAMBDA)
else
	@echo "No Python 3.12 or 3.13 found: the newest Django is not tested here."
endif

# Django's own tests of task backends, against Pocket's: by django-tasks, and by Django.
test-tasks: setup setup-next
	.venv/bin/python scripts/task_suite.py
ifneq ($(NEXT_PYTHON),)
	.venv-next/bin/python scripts/task_suite.py
endif

# What stands on FastAPI, on the oldest that the extra takes; the lock has the newest. Its packages lie over those of .venv.
test-oldest-fastapi: setup postgresql
	UV_PROJECT_ENVIRONMENT=.venv $(UV) run --quiet --no-sync --with "fastapi==$(OLDEST_FASTAPI)" \
		python -m pytest -n auto --hypothesis-seed=0 -m "not no_cover" tests/fastapi

setup: $(TOOLS)/.ready
	@UV_PROJECT_ENVIRONMENT=.venv $(UV) sync $(SYNC) --python $(PYTHON)

setup-next: $(TOOLS)/.ready
ifneq ($(NEXT_PYTHON),)
	@UV_PROJECT_ENVIRONMENT=.venv-next $(UV) sync $(SYNC) --python $(NEXT_PYTHON)
endif

setup-docs: $(TOOLS)/.ready
	@UV_PROJECT_ENVIRONMENT=.venv-docs $(UV) sync --quiet --only-group docs --locked --python $(PYTHON)

postgresql:
	@scripts/ensure-postgresql

chromium:
	@scripts/ensure-chromium

$(TOOLS)/.ready: Makefile
	@test -n "$(PYTHON)" || { echo "No Python of 3.11 or later found: install one, or say PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is too old: Pocket needs Python 3.11 or later; say PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@touch $@

clean:
	rm -rf .venv .venv-next .venv-docs $(TOOLS) .site .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* dist
	rm -rf .e2e examples/board/.venv examples/board/.pocket
