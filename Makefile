# The commands of the project; each sets up what it needs.
.DEFAULT_GOAL := run
VENV := .venv
PY := $(VENV)/bin/python
# What is compiled once is kept: some machines' environment says not to, and each process compiles all it imports.
unexport PYTHONDONTWRITEBYTECODE

# uv installs in seconds what takes pip minutes: that of the machine, else one in the environment. Where it cannot, pip
# does.
UV := $(shell command -v uv || echo $(VENV)/bin/uv)
install = $(UV) pip install -q -p $(PY) --require-hashes -r $(1) || $(PY) -m pip install -q --require-hashes -r $(1)

$(VENV)/.base: requirements/base.txt requirements/uv.txt
	@test -x $(PY) || $(UV) venv -q --python 3.11 $(VENV) 2>/dev/null || python3.11 -m venv $(VENV) || python3 -m venv $(VENV)
	@test -x $(UV) || $(PY) -m pip install -q --require-hashes -r requirements/uv.txt || true
	@$(call install,$<)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@$(call install,$<)
	@touch $@

.PHONY: run test test-faults test-shapes check bench bench-peers lock proto browser
run: $(VENV)/.base
	@$(PY) manage.py migrate_all -v 0
	@$(PY) manage.py seed_demo --if-debug
	@$(PY) manage.py serve

# A browser for the page's tests; Debian's packages, when this is root on such a machine.
browser:
	@command -v chromium >/dev/null || (apt-get update -q >/dev/null && apt-get install -q -y chromium >/dev/null)

# Starts what no CHAT_TEST_* variable names; Debian's packages come where this is root, jars from Maven's registry.
# By exec: what ends make reaches the wrapper, which ends the servers. While those start, the tests are compiled once
# and not by each process of theirs.
test: $(VENV)/.dev browser
	@$(PY) -m pytest -qq --collect-only tests >/dev/null 2>&1 &
	exec $(PY) -m tests.servers -- $(PY) -m tests.suites

# One stack at a time: each of these starts, and kills, servers of its own.
test-faults: $(VENV)/.dev
	exec $(PY) -m tests.servers -- $(PY) -m pytest -q --durations=15 -m stack tests

# The stories of what people do that `make test` plays in the embedded shape alone.
test-shapes: $(VENV)/.dev
	exec $(PY) -m tests.servers -- $(PY) -m tests.suites shapes

check: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	@# Side by side: each takes half a minute of one core.
	$(VENV)/bin/mypy . & types=$$!; $(PY) -m pytest -q tests/test_architecture.py && wait $$types
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
	for name in uv base standard cluster grpc dev; do \
		$(UV) pip compile -q --generate-hashes --python-version 3.11 requirements/$$name.in -o requirements/$$name.txt; done

proto: $(VENV)/.dev
	$(PY) -m tests.generated --write
