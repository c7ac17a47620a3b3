# Everything starts from Python 3.11 or newer and a C and C++ compiler; the rest is installed into .venv.
# `make PYTHON=python3.12 demo` takes another Python.
PYTHON ?= python3
BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --constraint constraints.txt

# The versions of peers, each in .parity/<peer>. A new peer is one line here; parity tests need TEST_PEERS, the benchmark
# compares with all of them.
TEST_PEERS := economist foraging highway minigrid overcooked
# ai-economist pins a hundred packages of 2021; these are what its import needs, in versions of today.
PEER_benchmarl := benchmarl==1.5.2 torchrl==0.11.1 tensordict==0.11.0 torch==2.13.0 pettingzoo==1.27.0
PEER_economist := numpy==2.4.6 scipy==1.17.1 lz4==4.4.5 pycryptodome==4.4.0 gputil==1.4.0
PEER_NO_DEPS_economist := ai-economist==1.7.1
PEER_envpool := envpool==1.2.5
PEER_foraging := lbforaging==2.0.0
PEER_highway := highway-env==1.12.1 gymnasium==1.4.0 numpy==2.4.6 pandas==3.1.1
PEER_jaxmarl := jaxmarl==0.2.0 jax==0.10.2
PEER_minigrid := minigrid==3.2.0 gymnasium==1.4.0 numpy==2.4.6
PEER_overcooked := overcooked-ai==1.1.0 numpy==2.4.6 scipy==1.17.1 gym==0.26.2 pygame==2.6.1
PEER_pgx := pgx==2.6.0 jax==0.10.2
PEER_vmas := vmas==1.5.2 torch==2.13.0
PEERS := $(patsubst PEER_%,%,$(filter-out PEER_NO_DEPS_%,$(filter PEER_%,$(.VARIABLES))))

C_SOURCES := CMakeLists.txt $(wildcard games/*/*.[ch] games/core/*.[ch]pp econ/*/*.[ch])
# Two builds without sanitizers, because golden hashes at one level prove little; then the sanitizers. One line of words
# each: name, flags, sanitizers.
C_BUILDS := "O0 -O0" "O2 -O2" "address -O1 address,undefined" "thread -O1 thread"
CMAKE_NINJA := -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja
# gcc 12's thread sanitizer cannot place its memory under strong address randomisation; a no-op where not permitted.
FIXED_ADDRESSES := $(shell setarch -R true 2>/dev/null && echo setarch -R)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export RAY_USAGE_STATS_ENABLED := 0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check ctest asan lint learn bench parity clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: .venv/agora ## train cooks for Overcooked, watch the numbers grow, get a report
	$(BIN)/agora run overcooked

test: .venv/agora parity ## run the Python tests, parity with other implementations included
	SDL_VIDEODRIVER=dummy $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: lint ctest test asan ## all that must pass before a commit is pushed: lint, ctest, test, asan

ctest: .venv/tools ## build and run the C tests four ways: -O0, -O2, address + undefined, thread sanitizer
	@set -e; for build in $(C_BUILDS); do \
	  set -- $$build; folder=build/ctest/$$1; echo "== C tests, $$1: $$2 $$3"; \
	  $(BIN)/cmake -S . -B $$folder $(CMAKE_NINJA) -DAGORA_TESTS=ON -DCMAKE_C_FLAGS="$$2 -g" -DAGORA_SANITIZE=$$3 \
	    --log-level=WARNING >/dev/null; \
	  $(BIN)/cmake --build $$folder -- --quiet; \
	  TSAN_OPTIONS=halt_on_error=1 $(FIXED_ADDRESSES) \
	    $(BIN)/ctest --test-dir $$folder --parallel 2 --output-on-failure --no-tests=error; \
	done

ASAN_TESTS := tests/conformance tests/econ $(patsubst %,tests/games/test_%.py,aloha batch bits cards commons commons_river door_key driving driving_episodes driving_roads foraging markov matrix particles particle_crowds probe pursuit rng rows sandwich sort sweep trash trust)
# Python comes without sanitizers, so their runtime is loaded before it, and the C++ library with it: the sanitizer
# wraps `throw` at the start. Python keeps memory until its end, so leaks are not looked for here but in the C tests.
# MuJoCo's robots run no C of ours, and PettingZoo's faces none that the other conformance tests do not run.
asan: .venv/agora ## run the engine's Python tests on a core built with address and undefined sanitizers
	$(BIN)/cmake -S . -B build/asan $(CMAKE_NINJA) -DAGORA_SANITIZE=address,undefined --log-level=WARNING \
	  -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=-O1 -DCMAKE_CXX_FLAGS=-O1 -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python \
	  -Dnanobind_DIR=$$($(BIN)/python -m nanobind --cmake_dir) >/dev/null
	$(BIN)/cmake --build build/asan -- --quiet
	LD_PRELOAD="$$($${CC:-cc} -print-file-name=libasan.so) $$($${CXX:-c++} -print-file-name=libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0 AGORA_CORE=build/asan SDL_VIDEODRIVER=dummy \
	  $(BIN)/python -m pytest -p tests.sanitized_core --ignore tests/conformance/test_robots.py \
	  --ignore tests/conformance/test_pettingzoo.py $(ASAN_TESTS)

lint: .venv/agora ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

learn: .venv/agora parity ## run the tests that take minutes: training, and twenty kills at random moments
	SDL_VIDEODRIVER=dummy $(BIN)/python -m pytest -m learn

bench: .venv/agora $(PEERS:%=.parity/%/installed) ## measure steps per second on this machine, ours and the peers'
	$(BIN)/agora bench

parity: $(TEST_PEERS:%=.parity/%/installed) ## install the implementations that parity tests compare with

clean: ## remove environments, builds and caches; what studies wrote under runs/ stays
	rm -rf .venv .parity build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# ---- environments: a stamp file each, so that a second call has nothing to do ----

# What cannot be installed by pip, asked for by the names that Debian gives it.
define REQUIREMENTS
import importlib.util, os, shutil, sys, sysconfig
def need(is_there, what, package):
    if not is_there:
        sys.exit(f"Agora needs {what}. On Debian and Ubuntu: apt-get install {package}")
version = "%d.%d" % sys.version_info[:2]
if sys.version_info < (3, 11):
    sys.exit(f"Agora needs Python 3.11 or newer, and {sys.executable} is {version}. "
             "Name another one: make PYTHON=python3.12 ...")
headers = sysconfig.get_paths()["include"]
need(importlib.util.find_spec("ensurepip"), "Python's venv module with pip", f"python{version}-venv")
need(os.path.exists(os.path.join(headers, "Python.h")), "the Python headers (Python.h)", f"python{version}-dev")
need(shutil.which(os.environ.get("CC", "cc").split()[0]), "a C compiler", "gcc")
need(shutil.which(os.environ.get("CXX", "c++").split()[0]), "a C++ compiler", "g++")
endef
export REQUIREMENTS

.venv/tools: constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Agora needs Python 3.11 or newer; there is no $(PYTHON)." \
	  "On Debian and Ubuntu: apt-get install python3 python3-venv python3-dev"; exit 1; }
	@$(PYTHON) -c "$$REQUIREMENTS"
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP_INSTALL) cmake nanobind ninja scikit-build-core
	@touch $@

# One call, so that pip resolves the package, its dependencies and the tools together.
.venv/agora: .venv/tools pyproject.toml constraints.txt $(C_SOURCES)
	@echo "Installing Agora into .venv: a minute or two the first time"
	$(BIN)/python $(PIP_INSTALL) --no-build-isolation --editable '.[dev]'
	@touch $@

.parity/%/installed: Makefile
	@$(PYTHON) -c "$$REQUIREMENTS"
	$(PYTHON) -m venv .parity/$*
	.parity/$*/bin/python -m pip install --quiet $(PEER_$*)
	$(if $(PEER_NO_DEPS_$*),.parity/$*/bin/python -m pip install --quiet --no-deps $(PEER_NO_DEPS_$*))
	@touch $@
