# The commands of users, developers and CI. `make up` needs only Python >= 3.11, git and make.
PYTHON ?= python3
# What pytest gets beside its defaults, for example: make test ARGS='-k hub'
ARGS ?=
export PERIJOVE_HOME PERIJOVE_PORT
ifeq ($(PERIJOVE_HOME),)
unexport PERIJOVE_HOME
endif
ifeq ($(PERIJOVE_PORT),)
unexport PERIJOVE_PORT
endif
BOOTSTRAP = $(shell command -v /usr/bin/python3 || command -v $(PYTHON)) scripts/bootstrap.py
DEV = .venv/bin

.PHONY: up down status perijove dev test test-fast test-services test-slow test-galaxy test-images test-bioblend bioblend-table check format docs lock bench clean

up:              ## install what is missing and start the platform in the foreground
	@exec $(BOOTSTRAP) up $(ARGS)

down:            ## stop it; labs and jobs go on
	@exec $(BOOTSTRAP) down $(ARGS)

status:          ## show what runs
	@exec $(BOOTSTRAP) status $(ARGS)

perijove:        ## any other command: make perijove ARGS='user add ada --admin'
	@exec $(BOOTSTRAP) $(ARGS)

dev:             ## the developers' environment in .venv
	@$(PYTHON) scripts/develop.py

test:            ## unit tests, and the sandbox's limits and privacy for real
	@$(PYTHON) scripts/test.py $(ARGS)

test-services:   ## every test against real services, but for those that take minutes
	@$(PYTHON) scripts/test.py --services $(ARGS)

test-fast:       ## unit tests: no services, no AI environment
	@$(PYTHON) scripts/test.py --fast $(ARGS)

test-slow:       ## everything
	@$(PYTHON) scripts/test.py --slow $(ARGS)

test-bioblend: dev  ## BioBlend's own tests against the embedded history server
	$(DEV)/pytest tests/contract/bioblend $(ARGS)

bioblend-table: dev  ## the same on a real Galaxy too, as a page (10 minutes; ARGS=--embedded-only: 1)
	$(DEV)/python scripts/bioblend_table.py $(ARGS)

test-galaxy:     ## the suites that need a real Galaxy, planemo lint and test; installs and starts one
	@$(PYTHON) scripts/test.py --galaxy $(ARGS)

test-images:     ## build the lab's CPU image from a Debian base without a registry, and test it
	@$(PYTHON) scripts/test.py --images $(ARGS)

check: dev       ## style, types, the import rule; of Python and of TypeScript
	$(DEV)/ruff check
	$(DEV)/ruff format --check
	$(DEV)/mypy packages/perijove/src packages/perijove-lab/src scripts
	$(DEV)/pytest -q -p no:cacheprovider tests/unit/test_import_rule.py
	$(DEV)/python scripts/frontend.py check

format: dev
	$(DEV)/ruff check --fix
	$(DEV)/ruff format
	$(DEV)/python scripts/frontend.py format

docs: dev        ## the pages that are made from the code
	$(DEV)/perijove settings --sample > docs/operators/perijove.toml.sample
	$(DEV)/perijove settings --markdown > docs/reference/settings.md
	$(DEV)/python scripts/cli_reference.py > docs/reference/cli.md

lock: dev        ## exact versions from the declared lists (make lock ARGS='ai torch' for some)
	PATH="$(CURDIR)/$(DEV):$$PATH" $(DEV)/python scripts/lock.py $(ARGS)

bench:           ## ratios against peers, measured in one run
	@$(PYTHON) scripts/bench.py $(ARGS)

clean:           ## what can be made again
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
