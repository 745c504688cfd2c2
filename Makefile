# Gatehouse. `make help` lists the targets. Every target works in a fresh clone with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
BENCH := build/bench
SCAN := build/scan
SITE := build/site-packages
LOCK := build/lock
LOCKED := requirements requirements/dev requirements/mutation requirements/browser requirements/api requirements/site benchmarks/requirements requirements/scan requirements/lock
NODE_CLIENTS := tests/e2e/node
STAGE ?= dev
export PYTHONDONTWRITEBYTECODE := 1
test test-fast storm: export PYTHONDONTWRITEBYTECODE := # with bytecode, the test processes need not compile the sources

.PHONY: help run demo token reset local policies test test-fast storm bench package docs site deploy plan comment planned-package verify destroy mutants scan check lock format clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed ## run the whole cloud on this machine, until Ctrl-C; MFA=ON requires an authenticator; ORIGINS=, UPSTREAM=: see docs/how-to
	@exec $(MANAGE) run $(if $(VERBOSE),--verbose) $(if $(MFA),--mfa $(MFA)) $(if $(ORIGINS),--origins '$(ORIGINS)') $(if $(UPSTREAM),--upstream '$(UPSTREAM)')

demo: $(VENV)/installed ## show sign-in and permissions with real requests (needs `make run` in another terminal)
	@$(MANAGE) demo

# The shell sets USER to the login name. Only a value from the command line counts.
typed = $(if $(findstring command line,$(origin $(1))),$($(1)))

token: $(VENV)/installed ## print an access token: make -s token USER=reader [SCOPE=read], or CLIENT=machine
	@$(MANAGE) token --client '$(call typed,CLIENT)' --scope '$(call typed,SCOPE)' -- '$(call typed,USER)'

reset: $(VENV)/installed ## delete the users, policies and sample data of the local cloud
	@$(MANAGE) reset

local: $(VENV)/installed ## run the routes in-process (chalice local), with the cloud of `make run`
	@exec $(MANAGE) local

# Without STAGE, this target uses the local cloud, not the default stage of the AWS targets.
policies: $(VENV)/installed ## apply policies/*.yaml to the cloud of `make run`, or to an AWS stage with STAGE=dev
	@$(MANAGE) policies apply --yes --stage $(if $(filter file,$(origin STAGE)),local,$(STAGE))

test: $(VENV)/installed $(SITE)/installed ## run all tests; the end-to-end tests start their own local cloud
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(patsubst %,-r requirements/%.txt,browser api)
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory $(NODE_CLIENTS)/node_modules/.package-lock.json \
		|| echo "The Node packages could not be installed. The tests with clients in Node are skipped."
	@$(BIN)/python -m pytest -q -n 2

test-fast: $(VENV)/installed ## run the tests that start no cloud (a minute and a half)
	@$(BIN)/python -m pytest -q -n 2 -m "not slow"

storm: $(VENV)/installed ## run 8 writers and 8 readers for a minute, and check for stale decisions
	@GATEHOUSE_STORM_SECONDS=60 GATEHOUSE_STORM_PAIRS=8 $(BIN)/python -m pytest -q -s tests/e2e/test_storm.py

bench: $(VENV)/installed $(BENCH)/installed ## measure, and write the figures of docs/performance.md (six minutes, on an idle machine)
	@! command -v npm >/dev/null || npm ci --prefix benchmarks/node --silent --no-audit --no-fund \
		|| echo "The Node packages could not be installed. The Node verifiers are not measured."
	@$(MANAGE) bench

package: $(VENV)/installed ## package the application for CloudFormation into build/package
	@$(MANAGE) package

docs: $(VENV)/installed ## write the reference pages that follow from the code
	@$(MANAGE) docs

site: $(SITE)/installed ## build the documentation site into build/site (needs npm and a network)
	@command -v npm >/dev/null || { echo "npm is missing. Install Node.js 20 or newer: the diagrams of the site need a package of npm."; exit 1; }
	@npm ci --prefix website --silent --no-audit --no-fund
	@NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --strict && echo "Built: build/site/index.html"

deploy: $(VENV)/installed ## deploy or update an AWS stage: make deploy STAGE=dev
	@$(MANAGE) deploy --stage $(STAGE) $(if $(PACKAGE),--package $(PACKAGE))

plan: $(VENV)/installed ## print the changes that a deployment would make, and write them to build/plan.txt: make plan STAGE=dev
	@mkdir -p build && $(MANAGE) deploy --stage $(STAGE) --plan $(if $(PACKAGE),--package $(PACKAGE)) > build/plan.txt; \
		status=$$?; cat build/plan.txt; exit $$status

# The pipeline runs these two targets. They need the GitHub CLI and its token.
comment: ## comment build/plan.txt on the pull request whose merge is the current commit
	@number=$$(gh pr list --state merged --search "$$(git rev-parse HEAD)" --json number --jq '.[0].number') && test -n "$$number" || \
		{ echo "No merged pull request has this commit."; exit 0; }; \
		{ echo '```'; cat build/plan.txt; echo '```'; } | gh pr comment "$$number" --body-file -

planned-package: ## download the package of the current commit that the plan was made from, into build/package
	@run=$$(gh run list --workflow deploy.yml --branch main --event push --status success --commit "$$(git rev-parse HEAD)" \
		--json databaseId --jq '.[0].databaseId') && test -n "$$run" || \
		{ echo "The workflow deploy has no successful run for this commit on main. Run it again there."; exit 1; }; \
		rm -rf build/package && gh run download "$$run" --name package --dir build/package

verify: $(VENV)/installed ## compare an AWS stage with the templates: make verify STAGE=dev
	@$(MANAGE) verify --stage $(STAGE)

destroy: $(VENV)/installed ## delete an AWS stage and retain its data: make destroy STAGE=dev
	@$(MANAGE) destroy --stage $(STAGE)

mutants: $(VENV)/installed ## run mutation testing of the rules and of the decision (ten minutes)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutation.txt
	@$(BIN)/mutmut run --max-children 2
	@$(BIN)/mutmut results

scan: $(VENV)/installed $(SCAN)/installed ## check the templates with checkov and the requirements with pip-audit (needs a network)
	@$(BIN)/python -m tests.infra.packaged $(SCAN)/application.json
	@$(SCAN)/bin/checkov --config-file .checkov.yaml -f infra/identity.yaml $(SCAN)/application.json
	@$(SCAN)/bin/pip-audit --strict --require-hashes --disable-pip $(LOCKED:%=-r %.txt)

check: $(VENV)/installed ## run the checks of CI: style, types and all tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory test

lock: $(LOCK)/installed ## write the locks with hashes from the *.in files; UPGRADE=1 also upgrades indirect packages
	@for name in $(LOCKED); do UV_PYTHON_DOWNLOADS=never $(LOCK)/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --only-binary :all: --emit-build-options $(if $(UPGRADE),--upgrade) $$name.in --output-file $$name.txt || exit 1; done

format: $(VENV)/installed ## format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

clean: ## delete the virtual environment and all build results
	@rm -rf $(VENV) .local .chalice/deployments build .hypothesis .mypy_cache .ruff_cache

# npm writes this file at the end of an installation. `npm ci` checks the hashes of the lock.
$(NODE_CLIENTS)/node_modules/.package-lock.json: $(NODE_CLIENTS)/package-lock.json
	@npm ci --prefix $(NODE_CLIENTS) --silent --no-audit --no-fund

# Installs the locked versions and checks their hashes. A failed or interrupted installation leaves no stamp, so the next
# `make` starts it again (requirements/install.py).
$(VENV)/installed: requirements/dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing. Install Python 3.11 or newer, or pass its path with PYTHON=<path>."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "This Python is older than 3.11. Pass the path of a newer one with PYTHON=<path>."; exit 1; }
	@$(PYTHON) -I requirements/install.py $(@D) $<

$(BENCH)/installed: benchmarks/requirements.txt
	@$(PYTHON) -I requirements/install.py $(@D) $<

# Not in $(VENV): MkDocs needs watchdog, and the reloader of `chalice local` restarts without end if watchdog is installed.
$(SITE)/installed: requirements/site.txt
	@$(PYTHON) -I requirements/install.py $(@D) $<

$(SCAN)/installed: requirements/scan.txt
	@$(PYTHON) -I requirements/install.py $(@D) $<

$(LOCK)/installed: requirements/lock.txt
	@$(PYTHON) -I requirements/install.py $(@D) $<
