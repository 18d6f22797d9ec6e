# The two commands of the README are `make demo` and `make test`; each does its own set-up.
.PHONY: demo test lint bench docs setup lock clean
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:
	@echo "make demo    run the whole path on embedded parts and show what became of each webhook (KEEP=1: leave it running)"
	@echo "make test    run the tests; says what it skipped and why"
	@echo "make lint    format, lint, types, who may import whom"
	@echo "make bench   measure; prints a table of ratios"
	@echo "make docs    write the generated reference pages anew and check all of docs/"

setup: $(READY)

# Pinned and hash-checked. The file is complete, so pip has nothing to resolve (--no-deps), and the
# project itself is installed from this folder the same way.
$(READY): constraints-dev.txt pyproject.toml
	@python=$$(for p in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done); \
	test -n "$$python" || { echo "Hookyard needs Python 3.11 or newer; none was found on PATH." >&2; exit 1; }; \
	test -x $(BIN)/python || $$python -m venv $(VENV) || \
	    { rm -rf $(VENV); echo "Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing pinned dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r constraints-dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	@$(BIN)/python -m examples.demo $(if $(KEEP),--keep)

test: $(READY)
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m pytest --cov --cov-report= $(ARGS)
	@$(BIN)/python -m coverage report | tail -n 3

lint: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)
	@$(BIN)/python -m bench $(ARGS)

docs: $(READY)
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m pytest -q tests/docs

# Run by hand when dependencies change; needs `uv` on PATH. Neither file names an index.
lock:
	uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	    --no-header --no-annotate $(UPGRADE) pyproject.toml -o constraints.txt
	uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	    --no-header --no-annotate $(UPGRADE) --group dev pyproject.toml -c constraints.txt -o constraints-dev.txt

clean:
	rm -rf $(VENV) .hookyard .hookyard-demo .mypy_cache .ruff_cache .pytest_cache htmlcov .coverage*
