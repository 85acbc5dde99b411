# `make demo` and `make test` each install everything they need. They require Python 3.11+ and a C++ compiler.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
SOURCES := pyproject.toml setup.py $(wildcard pyx/*)
C_SOURCES := $(wildcard pyx/*.hpp)

.PHONY: demo test nightly audit lock lint format sanitize wheels docs install install-test clean pages

# The stamp files keep a second `make` from installing unchanged files again.
install: $(VENV)/installed
install-test: $(VENV)/installed-test

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/installed: $(VENV)/bin/python $(SOURCES)
	@echo "compiling the kernels: about one CPU minute"
	@# setuptools warns about folders with the name of the package; every checkout has one.
	PYTHONWARNINGS=ignore $(RUN) -m pip install --quiet --editable '.[gensim,labels]'
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(RUN) -m pip install --quiet --group test
	touch $@

# Train word vectors on the docstrings of NumPy, SciPy and Python, and compare gensim's word2vec if gensim is installed.
demo: install
	rm -rf demo
	$(RUN) -m wordsparse demo -o demo
	@if $(RUN) -c 'import gensim' 2>/dev/null; then $(RUN) -m wordsparse compare demo/text.txt -o demo/report --epochs 10 \
	  --related demo/related.txt --only wordsparse-cbow --only gensim-cbow-ns; fi

# Fill the tables of README.md and docs from docs/results.
pages:
	$(PYTHON) tools/pages.py

lint: install-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	# cython-lint calls pycodestyle by name.
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cython-lint pyx
	$(VENV)/bin/mypy
	$(VENV)/bin/clang-format --dry-run -Werror $(C_SOURCES)
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff

# Cython has no formatter; cython-lint, in `make lint`, says what to change.
format: install-test
	$(VENV)/bin/ruff check --select I --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/clang-format -i $(C_SOURCES)

# This takes long: the compiled modules are built again, and run some ten times slower. SANITIZED=--short runs a
# selection.
sanitize: install-test
	$(RUN) -m pip install --quiet --group sanitize
	$(RUN) tools/check/sanitize.py $(SANITIZED)

# Build the documentation, docs/build/index.html, and run its examples.
docs: install-test
	$(RUN) -m pip install --quiet --group docs
	$(RUN) -m sphinx --fail-on-warning --keep-going --quiet docs docs/build

# Build the source distribution and a wheel from it; install and use the wheel in an empty environment.
# WHEELS="--python python3.12 --python python3.13" selects other Pythons; `make nightly` uses all Pythons that are
# installed.
EVERY_PYTHON = $(foreach v,3.11 3.12 3.13 3.14,$(shell python$(v) -c '' 2>/dev/null && echo --python python$(v)))
wheels: install
	$(RUN) -m pip install --quiet --group release
	$(RUN) tools/check/wheels.py -o dist $(WHEELS)

test: lint
	$(RUN) -m pytest -n 2 --dist loadfile

# Run everything that takes long, or needs a browser, a network or third-party packages. Chromium, if installed, tests
# the explore page.
nightly: install-test audit
	$(RUN) -m pytest -m nightly -n 2 --dist loadfile
	# Laws, with LAWS times as many examples as in `make test`.
	LAWS=30 $(RUN) -m pytest -n 2 --dist load tests/*/test_laws.py
	$(MAKE) sanitize docs
	$(MAKE) wheels WHEELS="$(EVERY_PYTHON)"
	$(RUN) tools/check/siege.py --kills 100
	$(RUN) tools/check/fuzz.py --inputs 100000 --seed $$(date +%j)
	$(RUN) tools/check/gensim_users.py

# Report known vulnerabilities of the packages in constraints.txt.
audit: install-test
	$(RUN) -m pip install --quiet --group audit
	$(VENV)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

# Update the versions that continuous integration installs, and the release job's versions with hashes, to the newest
# that fit.
lock: install-test
	$(RUN) -m pip install --quiet uv
	$(VENV)/bin/uv pip compile --quiet --universal --upgrade --group test --group docs --group release --group audit pyproject.toml -o constraints.txt
	$(VENV)/bin/uv pip compile --quiet --universal --upgrade --generate-hashes --group publish -o .github/release.txt

clean:
	rm -rf $(VENV) build dist demo *.egg-info wordsparse/*.so wordsparse/*/*.so
