# Everything from a bare checkout: python3 (3.11 or newer), make and the package registries.
# Targets are stamps, so that a second run installs nothing. The lock is whole, so nothing is resolved
# beside it: pip would look at newer releases for an extra (as of coverage[toml]) and refuse them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHROMIUM ?= /usr/bin/chromium
ROUNDS ?= 10
# The core's own tests hold each of its branches; to measure all others too takes a third longer.
CORE := tests/posture tests/exports

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak lint types contracts format chromium lock audit sbom clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(BIN)/.ready .node/.ready ## Run the whole product on this machine until Ctrl-C
	@$(BIN)/python -m sandbox.demo

check: $(BIN)/.ready .node/.ready chromium ## Walk the demo's journey headless; exit 0 or say what broke
	@$(BIN)/python -m sandbox.journey

test: lint types contracts .node/.ready chromium ## Everything that CI runs: format, lint, types, contracts, all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile $(CORE) --cov
	$(BIN)/python -m pytest -n 2 --dist loadfile $(CORE:%=--ignore=%)

bench: $(BIN)/.ready .node/peers/.ready ## Print the ratios of docs/performance.md, side by side
	@$(BIN)/python -m bench

soak: $(BIN)/.ready ## Run faults and properties with ever new examples (ROUNDS=10)
	@for round in $$(seq $(ROUNDS)); do HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest \
		tests/faults tests/posture tests/anypoint tests/connect tests/exports -n 2 --dist loadfile || exit 1; done

lint: $(BIN)/.ready ## Check format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djlint --lint templates --quiet

types: $(BIN)/.ready ## Check types
	$(BIN)/mypy

contracts: $(BIN)/.ready ## Check who imports whom
	$(BIN)/lint-imports

format: $(BIN)/.ready ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Pin the dependencies anew, with hashes (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url pyproject.toml -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --extra dev pyproject.toml -o requirements-dev.txt

audit: $(BIN)/.ready ## Look for known faults in what is pinned; a package that was skipped fails too
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt || { \
	  echo "Not passed: a known fault, or a package that could not be looked up (see above)."; \
	  echo "Where the source of known faults is out of reach, that is no result."; exit 1; }

sbom: $(BIN)/.ready ## Write the bill of materials (CycloneDX) of the lock to build/sbom.json
	@mkdir -p build && $(BIN)/python .ci/sbom.py > build/sbom.json && echo "build/sbom.json"

clean: ## Remove everything that was installed or generated
	rm -rf $(VENV) .node build .plumbline .plumbline-demo .mypy_cache .ruff_cache .pytest_cache

$(BIN)/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Plumbline needs Python 3.11 or newer; name one: make PYTHON=python3.12 …"; exit 1; }
	@echo "Setting up Python's packages in $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python cannot make environments here: apt-get install -y python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip check
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The machine's own certificates count for npm too, as they do for pip.
export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)

# The machine's Node if it is new enough, else the one that came with Python's packages.
.node/.ready: sandbox/package.json sandbox/package-lock.json sandbox/.npmrc $(BIN)/.ready
	@echo "Setting up the stand-in's scripts in .node …"
	@mkdir -p .node && cp sandbox/package.json sandbox/package-lock.json sandbox/.npmrc .node/
	@cd .node && { node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null \
	    && command -v npm >/dev/null || PATH="$(CURDIR)/$(BIN):$$PATH"; } \
	  && npm ci --ignore-scripts --no-audit --no-fund --loglevel error --cache cache && rm -rf cache
	@touch $@

# The benchmark's peer. Without it the others still run, and its goals are missed.
.node/peers/.ready: bench/peers/package.json bench/peers/package-lock.json bench/peers/.npmrc $(BIN)/.ready
	@echo "Setting up the benchmark's peer in .node/peers …"
	@mkdir -p .node/peers && cp bench/peers/package.json bench/peers/package-lock.json bench/peers/.npmrc .node/peers/
	@cd .node/peers && PATH="$(CURDIR)/$(BIN):$$PATH" \
	  && if npm ci --ignore-scripts --no-audit --no-fund --silent; then touch .ready; \
	  else echo "The peer could not be installed: its goals will be NOT RUN."; fi

chromium:
	@test -x $(CHROMIUM) || command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests …"; \
	    apt-get update -qq -o DPkg::Lock::Timeout=120 && DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=120 -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	  else \
	    echo "The browser tests need Chromium: sudo apt-get install -y --no-install-recommends chromium fonts-dejavu-core"; exit 1; \
	  fi; }
