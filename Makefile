# The commands of this project. `make` alone lists them. They set themselves up: nothing has to be installed first but
# Python 3.11+, Java 17+ and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Trust what the system trusts, as pip does.
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults bench lint docs clean lock

help: ## List the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

setup: $(STAMP) ## Install everything, locked and verified, into .venv and the jar cache

$(STAMP): requirements.lock requirements-bootstrap.lock pyproject.toml conf/artifacts/artifacts.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.path.insert(0, "."); from pipelines import errors, java; \
		exec("try: java.find_java()\nexcept errors.ServiceError as error: sys.exit(str(error))")'
	@echo "setup: Python packages"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@echo "setup: jars"
	@$(BIN)/python -m pipelines.artifacts configure
	@touch $@

demo: setup ## A fleet's telemetry through Kafka to bronze, silver and gold, and answers from gold
	@$(BIN)/lakehouse demo

# Each JVM of a test lives for minutes and runs most code once: what the first compiler makes of it is good enough, and
# takes a fifth less of the processor than both compilers do.
test: export JDK_JAVA_OPTIONS := -XX:TieredStopAtLevel=1
test: setup ## Unit and integration tests, with a real broker and real Spark
	@$(BIN)/pytest -m "not faults" -n 2 --dist loadfile

faults: setup ## Fault tests: kill the streams ten times, and the broker, and compare with a clean run
	@$(BIN)/pytest -m faults

bench: setup ## Throughput and latency on this machine, to build/bench.json
	@$(BIN)/python -m tests.bench

lint: setup ## Formatting, lint, types, layers, generated documents, Avro contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pipelines.operations.dictionary --check
	@$(BIN)/lakehouse schemas check

docs: setup ## Write docs/data-dictionary.md from the table contracts
	@$(BIN)/python -m pipelines.operations.dictionary

lock: ## Lock the Python packages and the jars anew (takes the newest that pyproject.toml allows)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --extra logs --overrides requirements-overrides.txt \
		--no-emit-index-url --custom-compile-command "make lock" -o requirements.lock pyproject.toml
	@$(BIN)/python -m pipelines.artifacts lock

clean: ## Remove what the other commands made: build, caches, .venv (tables in ./lakehouse stay)
	@rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
