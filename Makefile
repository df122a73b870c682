# Every verb runs on a machine that has only python3 and make; `make help` lists them.
SHELL := /bin/sh
BIN := .venv/bin
HOST ?= 127.0.0.1
PORT ?=
MODEL ?=
# A real model beside the lab: it becomes the lab, and the model ends with it.
WITH_MODEL := $(if $(filter local,$(MODEL)),$(BIN)/python -m workshop_lib.pipe.local_model)

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)

NPM_RUN := NO_COLOR=1 PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix react_client run --silent

# One line a step with its time; the step's own words only as far as it has any to say.
define step
	@start=$$(date +%s); echo "== $(1)"; $(2) || { echo "== $(1): FAILED"; exit 1; }; \
	echo "== $(1): ok, $$(($$(date +%s) - start)) s"
endef

# What a busy machine has disturbed passes by itself; what is broken fails again, and that decides.
twice = $(BIN)/python -m pytest -q $(1) $(2) || \
	{ echo "== what failed, once more and by itself"; $(BIN)/python -m pytest -q $(1) --last-failed; }

.DEFAULT_GOAL := help
.PHONY: help lab hub test test-all lesson faults patients bench notebooks install lock clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

# In Codespaces the browser's address is not the server's; Jupyter refuses what comes from another.
OWN_ADDRESS := https://$$CODESPACE_NAME-$(or $(PORT),8888).$$GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN

lab: install ## open the lessons in JupyterLab (PORT=8890, HOST=0.0.0.0, NO_BROWSER=1, MODEL=local)
	@$(if $(WITH_MODEL),$(PYTHON) .ci/install.py model)
	@mkdir -p .venv/workspaces
	@cp notebooks/.jupyter/workspace.json .venv/workspaces/default-37a8.jupyterlab-workspace
	@JUPYTER_CONFIG_PATH="$(CURDIR)/notebooks/.jupyter" JUPYTER_PREFER_ENV_PATH=1 \
	JUPYTER_PATH="$(CURDIR)/.venv/share/jupyter" PATH="$(CURDIR)/$(BIN):$$PATH" \
	JUPYTERLAB_WORKSPACES_DIR="$(CURDIR)/.venv/workspaces" \
	$(WITH_MODEL) $(BIN)/python -m jupyterlab --ServerApp.root_dir="$(CURDIR)/notebooks" --ip="$(HOST)" \
	$(if $(PORT),--port="$(PORT)" --ServerApp.port_retries=0) $(if $(NO_BROWSER),--no-browser) \
	$${CODESPACE_NAME:+--ServerApp.allow_origin="$(OWN_ADDRESS)"} \
	$$([ "$$(id -u)" = 0 ] && echo --allow-root)

hub: install ## serve the lessons to a team by JupyterHub (HOST, PORT, PASSWORD, LEARNERS can be set)
	@$(PYTHON) .ci/install.py hub
	@HOST="$(HOST)" PORT="$(PORT)" PASSWORD="$(PASSWORD)" LEARNERS="$(LEARNERS)" \
	PATH="$(CURDIR)/$(BIN):$$PATH" \
	$(BIN)/python -m jupyterhub --config notebooks/.jupyterhub/jupyterhub_config.py

test: ## check everything, the way CI does
	$(call step,install,$(MAKE) --no-print-directory install)
	$(call step,install: load,$(PYTHON) .ci/install.py load)
	$(call step,system parts,$(BIN)/python tests/system_parts.py)
	$(call step,lint,$(BIN)/python -m ruff check --quiet .)
	$(call step,format,$(BIN)/python -m ruff format --check --quiet .)
	$(call step,types,$(BIN)/python -m basedpyright)
	$(call step,page: types and lint,$(NPM_RUN) check)
	$(call step,page: tests,$(NPM_RUN) test -- --reporter=minimal)
	$(call step,tests: three files at a time,$(call twice,-m "not measures and not long",-n 3 --dist loadfile))
	$(call step,tests that measure: two files at a time,$(call twice,-m "measures and not long",-n 2 --dist loadfile))
	$(call step,notebooks: as stored and solved,$(BIN)/python -m tests.solved)

test-all: test ## the same, and what takes too long for CI, or needs an extra
	$(call step,install: model and hub,$(PYTHON) .ci/install.py model hub)
	$(call step,tests: long,$(BIN)/python -m pytest -q -m long)

lesson: install ## run one lesson's checks, and its solutions: make lesson N=02
	@[ -n "$(N)" ] || { echo "Say which lesson, with two digits: make lesson N=02"; exit 2; }
	@ls notebooks/$(N)_*.ipynb >/dev/null 2>&1 || \
	{ echo "There is no lesson $(N). These exist:"; ls notebooks; exit 2; }
	@$(BIN)/python -m tests.solved $(N)

faults: install ## print what each server makes of each fault of readers and of the LLM
	@$(BIN)/python -m tests.fault_matrix

patients: install ## show the doctor all servers of known truth: a confusion table (half an hour)
	@$(BIN)/python -m tests.doctor_truth --at-once 2

bench: install ## measure servers and page beside their peers: tables, and files in tests/bench
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.browser

notebooks: install ## run all lessons at full pace and store their outputs
	@$(BIN)/python notebooks/execute.py

install: ## bring .venv to what requirements.lock says (lab, test and lesson do it too)
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 or newer was found on PATH. Install one" \
	"(Debian: apt install python3 python3-venv) or name it: make lab PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) .ci/install.py
	@$(BIN)/python -m workshop_lib.pipe.node

# Extras with a lock of their own are installed by those alone who ask for them.
COMPILE := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command "make lock" pyproject.toml
OWN_LOCKS := $(wildcard requirements-*.lock)

lock: install ## pin the newest versions that pyproject.toml allows
	@$(COMPILE) --upgrade --extra test --extra bench --extra patients --extra dev \
	--output-file requirements.lock
	@$(foreach lock,$(OWN_LOCKS),$(COMPILE) --upgrade --constraint requirements.lock \
	--extra $(lock:requirements-%.lock=%) --output-file $(lock) &&) true

clean: ## remove .venv and whatever else the other verbs made
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build *.egg-info react_client/dist
	find . \( -name __pycache__ -o -name node_modules \) -prune -exec rm -rf {} +
