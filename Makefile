# make demo   PSRO on Gen 1 OU with torch policies, on the engine and on real Showdown
# make test   linters, types, import rules and every test
# make docs   the documentation as web pages, in site/index.html
# All set up a virtual environment in .venv first; PYTHON=... chooses the interpreter (>= 3.11).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# An install is many small files; compiling them when first imported is quicker than all at once.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt

# Where the engine's tests find the simulator to be compared with.
WHERE := from pokespiel.gen1ou.showdown.install import showdown_directory as d; print(d().parents[1])

.PHONY: demo test docs setup lint clean

demo: setup
	run=runs/demo-$$(date +%Y%m%d-%H%M%S); \
	$(BIN)/python examples/gen1ou_psro.py --training-battles 4000 --fresh-battles 1000 \
	    --directory $$run/engine && \
	$(BIN)/python examples/gen1ou_psro.py --backend showdown --initial network --training-battles 200 \
	    --directory $$run/showdown

test: setup lint
	POKESPIEL_SHOWDOWN_DIR=$$($(BIN)/python -c "$(WHERE)") OMP_NUM_THREADS=1 \
	  $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(INSTALLED)
	$(BIN)/python -m pokespiel.gen1ou.showdown.install

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "PokéSpiel needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable ".[showdown,test]"
	touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info
