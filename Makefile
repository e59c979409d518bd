# `make demo` and `make test` set everything up by themselves.
#
#   PYTHON       a Python of 3.11 or newer                 make test PYTHON=python3.12
#   TORCH_INDEX  where pip finds torch, if not as usual    make test TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
TORCH_INDEX ?=

# Waiting threads sleep, so that a busy machine does not slow the tests down by ten times.
export OMP_WAIT_POLICY ?= PASSIVE

BIN := .venv/bin
STAMP := .venv/.installed
PHOTO := out/photos/pexels-36236147.jpg

.PHONY: install demo test check clean
.DELETE_ON_ERROR:

install: $(STAMP)
	$(BIN)/reparo models pull embedded

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; say where it is: make PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) \
		-c constraints.txt -e ".[app,embedded,paper,usd,sim,simplify,training,dev]"
	touch $@

# Without the networks, given masks still work, and the tests that need networks are left out.
.PHONY: networks
networks: $(STAMP)
	@$(BIN)/reparo models verify embedded --quiet > /dev/null 2>&1 || \
		$(BIN)/reparo models pull embedded || \
		echo "warning: the networks could not be pulled; what needs them is left out"

# The Khronos validator of glTF files, for the tests; without npm the test that asks it is left out.
VALIDATOR := .venv/gltf-validator/node_modules/gltf-validator
.PHONY: validator
validator: $(STAMP)
	@test -d $(VALIDATOR) || npm install --silent --no-fund --no-audit --prefix .venv/gltf-validator \
		gltf-validator@2.0.0-dev.3.10 || \
		echo "warning: gltf-validator could not be fetched; the test that asks it is left out"

demo: networks $(PHOTO)
	$(BIN)/reparo run examples/toys/photo.png --masks examples/toys/masks -o out/toys
	$(BIN)/reparo run $(PHOTO) -o out/room
	@echo; echo "Open these:"; ls out/toys/scene.glb out/toys/preview.png out/room/scene.glb out/room/preview.png

$(PHOTO): $(STAMP) scripts/fetch_photo.py
	$(BIN)/python scripts/fetch_photo.py $(notdir $@) $@

test: networks validator
	$(BIN)/python -m pytest -q -n auto -m "not slow and not gpu"

# The documentation as pages, in out/site.
.PHONY: docs
docs: $(STAMP)
	test -x $(BIN)/properdocs || $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[docs]"
	$(BIN)/properdocs build --strict -f mkdocs.yml
	@echo "Open out/site/index.html"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

clean:
	rm -rf out .venv
