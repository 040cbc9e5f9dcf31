# Two commands for everyone: `make demo` and `make test`. `make help` lists the rest.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-warn-script-location
export PIP_ROOT_USER_ACTION := ignore
# Compiled on every core and without the tests of others: pip compiles one file after the other, which takes half a
# minute. What cannot be compiled is not imported either.
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x '/tests/' $(VENV)/lib >/dev/null || true

# An environment belongs to the folder it was made in: a moved or copied one is made anew.
FOLDER := $(shell pwd -P | cksum | cut -d ' ' -f 1)
MADE := $(VENV)/.made-in-$(FOLDER)
# Each stamp is as new as the lock it was installed from.
DEMO_READY := $(VENV)/.demo-$(FOLDER)
TEST_READY := $(VENV)/.test-$(FOLDER)

STARTED := $(shell date +%s)
TEST_BUDGET_SECONDS := 600
WORKERS := 2
PORT ?=
SECONDS_EACH ?= 60
# Arguments for pytest, for example: make test TESTS="tests/test_house.py -k locks"
TESTS ?=
# What `make endure` looks at for longer.
ENDURING := tests/test_engine.py tests/test_engine_laws.py tests/test_further_random.py tests/test_alerts_laws.py \
	tests/test_alerts_reference.py tests/test_alerts_machine.py tests/test_alerts_store.py tests/test_evaluate_command.py \
	tests/test_endurance.py tests/test_killed.py tests/test_failing_writes.py tests/test_power_loss.py tests/test_safekeeping.py \
	tests/test_flipped_bits.py

# Files or folders, for example: make mutate MODULES=khemon/units.py LOOK=--quick for a first look at them
MODULES ?=
LOOK ?=
# What judges is tested to the last branch.
JUDGEMENT := khemon/units.py,khemon/rules/*,khemon/alerts/*,khemon/grades/*,khemon/explain/*,khemon/endpoints/*

.PHONY: help demo test bench endure mutate fuzz format lock clean
help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_READY)  ## a synthetic ward on this machine; PORT=8600 chooses the port
	$(BIN)/khemon demo $(if $(PORT),--port $(PORT))

# Hundreds of processes start: what one of them compiled is there for the next. mypy takes half a minute of one core:
# it works beside the tests, on what they leave.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(TEST_READY)  ## lint, types, import contract and every test, on both databases and in a browser
	@sh .ci/browser
	@failed=; \
	check() { name=$$1; shift; echo "== $$name"; "$$@" || failed="$$failed [$$name]"; }; \
	said=$$(mktemp); nice -n 10 $(BIN)/mypy >$$said 2>&1 & types=$$!; \
	typed() { wait $$types; right=$$?; cat $$said; rm $$said; return $$right; }; \
	check "ruff check" $(BIN)/ruff check .; \
	check "ruff format" $(BIN)/ruff format --check .; \
	check "import contract" $(BIN)/lint-imports --no-logo; \
	check pytest $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 15 --cov --cov-branch --cov-report= $(TESTS); \
	check mypy typed; \
	test -n "$(TESTS)" || check "branches of what judges" $(BIN)/python -m coverage report \
	  --include='$(JUDGEMENT)' --show-missing --fail-under=100 --precision=2; \
	echo "make test: $$(( $$(date +%s) - $(STARTED) )) s of a budget of $(TEST_BUDGET_SECONDS) s"; \
	test -z "$$failed" || { echo "make test: failed:$$failed"; exit 1; }

bench: $(TEST_READY)  ## the figures of the README, as ratios of one run
	@set -e; for script in benchmarks/bench_*.py; do $(BIN)/python -m "benchmarks.$$(basename "$$script" .py)"; done

# The long form of what `make test` draws at random; each knob may be set: make endure KHEMON_HISTORIES=20000
endure: export KHEMON_HISTORIES ?= 100000
endure: export KHEMON_ALERT_HISTORIES ?= 100000
endure: export KHEMON_FURTHER_EXAMPLES ?= 10000
endure: export KHEMON_MACHINES ?= 2000
endure: export KHEMON_PATIENTS ?= 1000
endure: export KHEMON_KILLS ?= 2000
endure: export KHEMON_STRIDE ?= 1
endure: export KHEMON_POWER_CUTS ?= 5000
endure: export KHEMON_FLIPS ?= 1000
endure: export HYPOTHESIS_PROFILE ?= nightly
endure: $(TEST_READY)  ## random histories, state machine, laws and kills in their long form; hours
	nice -n 10 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 15 -o faulthandler_timeout=0 $(or $(TESTS),$(ENDURING))

mutate: $(TEST_READY)  ## small changes of what judges, each of which has to fail a test; MODULES=khemon/units.py for some
	$(BIN)/python -m tests.mutation --workers $(WORKERS) $(LOOK) $(MODULES)

fuzz: $(TEST_READY)  ## a minute of damaged files for each reader; SECONDS_EACH=600 looks longer
	@set -e; for reader in csv json hl7 fhir xlsx sheet xls; do $(BIN)/python -m tests.fuzzing $$reader $(SECONDS_EACH); done

format: $(TEST_READY)  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(MADE)  ## write both locks anew; UPGRADE=1 takes newer versions
	@set -e; tool=$$(mktemp -d); trap 'rm -rf "$$tool"' EXIT; \
	$(BIN)/python -m venv "$$tool"; \
	"$$tool/bin/python" -m pip --disable-pip-version-check install --quiet uv; \
	for lock in requirements.lock:build requirements-dev.lock:dev; do \
	  "$$tool/bin/uv" pip compile pyproject.toml --extra "$${lock#*:}" --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet \
	    $(if $(UPGRADE),--upgrade) --output-file "$${lock%:*}"; \
	done

clean:  ## remove the environment and everything tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@sh .ci/environment $(VENV) '$(PYTHON)'
	@touch $@

$(DEMO_READY): requirements.lock pyproject.toml | $(MADE)
	@echo "== installing requirements.lock"
	@$(PIP) --no-compile --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(COMPILE)
	@$(BIN)/python -m compileall -q khemon
	@touch $@

# What the tests need includes what the demo needs, in the same versions.
$(TEST_READY): requirements-dev.lock requirements.lock pyproject.toml | $(MADE)
	@echo "== installing requirements-dev.lock"
	@$(PIP) --no-compile --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(COMPILE)
	@$(BIN)/python -m compileall -q khemon
	@touch $(DEMO_READY) $@
