# vialbook: `make run` and `make test` do everything on a fresh machine with Python 3.11+ and make.

PORT ?= 8000
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin

.PHONY: run test browse gallery lint bench audit clean

run: .venv/installed  ## The clinic's book on http://127.0.0.1:8000, with a demo clinic on first start.
	$(BIN)/vialbook init --demo
	$(BIN)/vialbook serve --port $(PORT)

test: lint  ## Everything that must hold, on SQLite and PostgreSQL, and in a browser if there is one.
	$(BIN)/python -m pytest -n 2

browse: .venv/installed-for-tests  ## Every page and journey in a real browser alone (Debian: apt install chromium).
	VIALBOOK_BROWSER=required $(BIN)/python -m pytest -n 2 tests/browser

gallery: .venv/installed-for-tests  ## A picture of every page in both themes and two sizes, in var/gallery.
	$(BIN)/python -m tests.browser.gallery var/gallery

lint: .venv/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-for-tests  ## Each figure as a ratio to a floor measured in the same run.
	$(BIN)/python -m tests.benchmarks

audit: .venv/installed-for-tests  ## Whether a pinned dependency has a known weakness; asks PyPI, fails if it cannot tell.
	$(BIN)/python -m tests.audit

clean:
	rm -rf .venv

# A stamp beside what was installed: nothing is installed again until one of these files changes.
.venv/installed: WHAT := .
.venv/installed-for-tests: WHAT := .[test]
.venv/installed .venv/installed-for-tests: pyproject.toml constraints.txt | $(BIN)/python
	@pip="$(BIN)/python -m pip"; \
	$$pip --version >/dev/null 2>&1 || pip="$(PYTHON) -m pip --python $(BIN)/python"; \
	$$pip --version >/dev/null 2>&1 || { \
		echo "$(PYTHON) has no pip and cannot make one; on Debian: apt install python3-venv" >&2; rm -rf .venv; exit 1; }; \
	echo "Installing into .venv ..." && \
	$$pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(WHAT)'
	@touch $@

# Debian's Python comes without ensurepip unless python3-venv is installed; pip is then found above.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "vialbook needs Python 3.11 or newer; there is none here." >&2; exit 1; }
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip .venv
