# Gatehouse. `make help` lists what there is; everything works from a fresh clone with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := build/bench
SCAN := build/scan
LOCK := build/lock
LOCKED := requirements requirements/dev requirements/mutation benchmarks/requirements requirements/scan requirements/lock
STAGE ?= dev
export PYTHONDONTWRITEBYTECODE := 1
test test-fast storm: export PYTHONDONTWRITEBYTECODE := # bytecode spares each test process its compilation

.PHONY: help run demo token reset local policies test test-fast storm bench package deploy verify destroy mutants scan check lock format clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed ## the whole cloud on this machine, until Ctrl-C
	@exec $(BIN)/python -m local run $(if $(VERBOSE),--verbose)

demo: $(VENV)/installed ## the story, in words and real requests (needs `make run` in another terminal)
	@$(BIN)/python -m local demo

# The shell sets USER to the login name: only what was typed after `make token` counts.
typed = $(if $(findstring command line,$(origin $(1))),$($(1)))

token: $(VENV)/installed ## an access token: make -s token USER=reader [SCOPE=read], or CLIENT=machine
	@$(BIN)/python -m local token --client '$(call typed,CLIENT)' --scope '$(call typed,SCOPE)' -- '$(call typed,USER)'

reset: $(VENV)/installed ## forget the local cloud's people, policies and documents
	@$(BIN)/python -m local reset

local: $(VENV)/installed ## the routes in-process, as `chalice local`, against the cloud of `make run`
	@exec $(BIN)/chalice local --port "$${GATEHOUSE_LOCAL_PORT:-8000}"

# Without STAGE it is the local cloud, and not the default stage of the commands for AWS.
policies: $(VENV)/installed ## policies/*.yaml, applied to the cloud of `make run`; to an AWS stage with STAGE=dev
	@$(BIN)/python manage.py policies apply --stage $(if $(filter file,$(origin STAGE)),local,$(STAGE))

test: $(VENV)/installed ## all tests, the end-to-end tests against a local cloud of their own
	@$(BIN)/python -m pytest -q -n 2

test-fast: $(VENV)/installed ## the tests that start no cloud, for every change: half a minute
	@$(BIN)/python -m pytest -q -n 2 -m "not slow"

storm: $(VENV)/installed ## 8 writers and 8 readers for a minute: no stale answer
	@GATEHOUSE_STORM_SECONDS=60 GATEHOUSE_STORM_PAIRS=8 $(BIN)/python -m pytest -q -s tests/e2e/test_storm.py

bench: $(BENCH)/installed ## measure, and write the figures of docs/performance.md (three minutes; wants a quiet machine)
	@! command -v npm >/dev/null || npm ci --prefix benchmarks/node --silent --no-audit --no-fund \
		|| echo "Node's packages could not be installed: its verifiers are left out."
	@$(BENCH)/bin/python -m benchmarks

package: $(VENV)/installed ## the application for CloudFormation, in build/package
	@$(BIN)/python -m infra.package --out build/package

deploy: $(VENV)/installed ## an AWS stage, brought up or up to date: make deploy STAGE=dev
	@$(BIN)/python manage.py deploy --stage $(STAGE)

verify: $(VENV)/installed ## an AWS stage, read back and compared: make verify STAGE=dev
	@$(BIN)/python manage.py verify --stage $(STAGE)

destroy: $(VENV)/installed ## an AWS stage, taken down; its data is kept: make destroy STAGE=dev
	@$(BIN)/python manage.py destroy --stage $(STAGE)

mutants: $(VENV)/installed ## mutation testing of the rules and of the decision (ten minutes)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutation.txt
	@$(BIN)/mutmut run --max-children 2
	@$(BIN)/mutmut results

scan: $(VENV)/installed $(SCAN)/installed ## checkov over the templates, pip-audit over the requirements (asks PyPI)
	@$(BIN)/python -m tests.infra.packaged $(SCAN)/application.json
	@$(SCAN)/bin/checkov --config-file .checkov.yaml -f infra/identity.yaml $(SCAN)/application.json
	@$(SCAN)/bin/pip-audit --strict --require-hashes --disable-pip $(LOCKED:%=-r %.txt)

check: $(VENV)/installed ## what CI checks: style, types, templates, import directions and all tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory test

lock: $(LOCK)/installed ## write the locks with hashes from requirements.in, requirements/*.in; UPGRADE=1 raises indirect packages
	@for name in $(LOCKED); do UV_PYTHON_DOWNLOADS=never $(LOCK)/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --only-binary :all: --emit-build-options $(if $(UPGRADE),--upgrade) $$name.in --output-file $$name.txt || exit 1; done

format: $(VENV)/installed ## put the code into the one form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

clean: ## remove the virtual environment and everything built
	@rm -rf $(VENV) .local .chalice/deployments build .hypothesis .mypy_cache .ruff_cache

# Installs the locked versions, checked by their hashes. An installation that fails or is interrupted leaves no stamp, so
# the next `make` starts it again (requirements/install.py).
$(VENV)/installed: requirements/dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: install Python 3.11 or newer, or name it with PYTHON=<path>."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: name one with PYTHON=<path>."; exit 1; }
	@$(PYTHON) -I requirements/install.py $(@D) $<

$(BENCH)/installed: benchmarks/requirements.txt
	@$(PYTHON) -I requirements/install.py $(@D) $<

$(SCAN)/installed: requirements/scan.txt
	@$(PYTHON) -I requirements/install.py $(@D) $<

$(LOCK)/installed: requirements/lock.txt
	@$(PYTHON) -I requirements/install.py $(@D) $<
