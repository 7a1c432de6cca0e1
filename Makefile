# The two commands are `make demo` and `make test`; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help demo test check bench attacks conformance soak lock env clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/hub.stamp: requirements/hub.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the hub's locked packages into $(VENV) …"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/hub.txt
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/hub.stamp requirements/dev.txt
	@echo "installing what checks and tests need …"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

.envs/demo/stamp: requirements/demo.txt
	@test -x .envs/demo/bin/python || $(PYTHON) -m venv .envs/demo
	@echo "installing the demo's MQTT broker into .envs/demo …"
	@.envs/demo/bin/python -m pip install -q --require-hashes -r requirements/demo.txt
	@touch $@

.envs/camera/stamp: requirements/camera.txt
	@test -x .envs/camera/bin/python || $(PYTHON) -m venv .envs/camera
	@echo "installing a camera to test against into .envs/camera …"
	@.envs/camera/bin/python -m pip install -q --require-hashes -r requirements/camera.txt
	@touch $@

.envs/conformance/stamp: requirements/conformance.txt
	@test -x .envs/conformance/bin/python || $(PYTHON) -m venv .envs/conformance
	@echo "installing the API's fuzzer into .envs/conformance …"
	@.envs/conformance/bin/python -m pip install -q --require-hashes -r requirements/conformance.txt
	@touch $@

env: $(VENV)/dev.stamp ## the environment alone

demo: $(VENV)/hub.stamp .envs/demo/stamp ## a whole small park, live in the terminal (ONCE=1: ends after its script)
	@$(BIN)/causeway demo $(if $(ONCE),--once)

test: $(VENV)/dev.stamp .envs/demo/stamp .envs/camera/stamp .envs/conformance/stamp ## everything that can run here (NAME=graph: one folder)
	@tests/servers/prepare || echo "some real servers could not be had; their tests will be skipped and named"
	@$(BIN)/python -m tests.run $(NAME)

check: $(VENV)/dev.stamp ## format, lint, types, layers, schema and docs compared: seconds
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports
	@$(BIN)/python -m schema.export --check
	@$(BIN)/python -m docs.generate --check

bench: $(VENV)/dev.stamp ## every figure (NAME=intake: one)
	@$(BIN)/python -m bench $(NAME)

attacks: $(VENV)/dev.stamp ## a real hub is attacked in every way that is known here (NAME=issuer: some)
	@$(BIN)/python -m tests.attacks.run $(NAME)

conformance: $(VENV)/dev.stamp .envs/conformance/stamp ## the specifications' own suites, against a real hub (NAME=graphql-http: one)
	@tests/servers/prepare || echo "some real servers could not be had; the suites that need them say so"
	@$(BIN)/python -m tests.conformance.run $(NAME)

soak: $(VENV)/dev.stamp .envs/demo/stamp ## the longer form of the failure tests
	@$(BIN)/python -m tests.run --soak $(NAME)

lock: ## locks anew from requirements/*.in (needs uv)
	@for set in hub dev demo camera conformance; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	    requirements/$$set.in -o requirements/$$set.txt || exit 1; done

clean: ## drops the environments
	rm -rf $(VENV) .envs
