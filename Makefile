# The commands of the project; each sets up what it needs.
.DEFAULT_GOAL := run
VENV := .venv
PY := $(VENV)/bin/python

# uv where it is there (seconds), venv and pip where it is not.
$(VENV)/.base: requirements/base.txt
	@test -x $(PY) || (command -v uv >/dev/null && uv venv -q --python 3.11 $(VENV)) || python3.11 -m venv $(VENV) || python3 -m venv $(VENV)
	@if command -v uv >/dev/null; then uv pip install -q -p $(PY) --require-hashes -r $<; else $(PY) -m pip install -q --require-hashes -r $<; fi
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@if command -v uv >/dev/null; then uv pip install -q -p $(PY) --require-hashes -r $<; else $(PY) -m pip install -q --require-hashes -r $<; fi
	@touch $@

.PHONY: run test test-faults check bench bench-peers lock proto browser
run: $(VENV)/.base
	@$(PY) manage.py migrate_all -v 0
	@$(PY) manage.py seed_demo --if-debug
	@$(PY) manage.py serve

# A browser for the page's tests; Debian's packages, when this is root on such a machine.
browser:
	@command -v chromium >/dev/null || (apt-get update -q >/dev/null && apt-get install -q -y chromium >/dev/null)

# Starts what no CHAT_TEST_* variable names; Debian's packages come where this is root, jars from Maven's registry.
# By exec: what ends make reaches the wrapper, which ends the servers.
test: $(VENV)/.dev browser
	exec $(PY) -m tests.servers -- $(PY) -m tests.suites

# One stack at a time: each of these starts, and kills, servers of its own.
test-faults: $(VENV)/.dev
	exec $(PY) -m tests.servers -- $(PY) -m pytest -q --durations=15 -m stack tests

check: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy .
	$(PY) -m pytest -q tests/test_architecture.py
	$(PY) manage.py check
	$(PY) manage.py makemigrations --check --dry-run -v 0
	$(PY) -m tests.locked
	$(PY) -m tests.generated

bench: $(VENV)/.dev
	$(PY) -m tests.bench

# The servers go with the load client, on the last core; the bench itself says who runs where.
bench-peers: $(VENV)/.dev
	last=$$(($$(nproc) - 1)); exec taskset -c $$last $(PY) -m tests.servers --only postgres,redis --durable -- \
		taskset -c 0-$$last $(PY) -m tests.bench node ejabberd

lock: $(VENV)/.dev
	for name in base standard cluster grpc dev; do \
		$(VENV)/bin/uv pip compile -q --generate-hashes --python-version 3.11 requirements/$$name.in -o requirements/$$name.txt; done

proto: $(VENV)/.dev
	$(PY) -m tests.generated --write
