# A thin skin over `python -m minimeta`: each target first makes .venv, so each works on a fresh clone.

PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
MINIMETA := $(BIN)/python -m minimeta
READY := .venv/ready
NUMBER = $(or $(N),$(error say which assignment: N=05))

# Small matrices run slower on many BLAS threads than on one; set these yourself to overrule.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export VECLIB_MAXIMUM_THREADS ?= 1

.PHONY: help setup list lessons lessons-seeds lesson test verify compare gpu-check \
  autograd-suite bench sweep-check clean handout check grade gradescope
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## make .venv with the package and its development extras

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "minimeta needs Python 3.10 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

list: $(READY) ## the syllabus
	@$(MINIMETA) list

lessons: $(READY) ## run every lesson in order; figures go to out/
	@$(MINIMETA) lessons

lessons-seeds: $(READY) ## run every lesson in full with seeds 0 to 4: what holds by chance shows
	@$(MINIMETA) lessons --seeds 0 1 2 3 4

lesson: $(READY) ## run one lesson: make lesson N=05
	@$(MINIMETA) lesson $(or $(N),$(error say which lesson: make lesson N=05))

handout: $(READY) ## make a hand-out in out/: make handout N=05 (TO=folder)
	@$(MINIMETA) handout $(NUMBER) --to $(or $(TO),out/handout-$(N))

check: $(READY) ## check your own work: make check FILE=a05.py
	@$(MINIMETA) check $(or $(FILE),$(error say which file: make check FILE=a05.py))

grade: $(READY) ## grade a folder: make grade N=05 FROM=submissions TO=results
	@$(MINIMETA) grade $(NUMBER) $(or $(FROM),$(error say which folder: FROM=submissions)) \
	  --to $(or $(TO),out/grades-$(N))

gradescope: $(READY) ## the autograder for Gradescope: make gradescope N=05
	@mkdir -p out
	@$(MINIMETA) gradescope $(NUMBER) --to $(or $(TO),out/gradescope-$(N).zip)

test: $(READY) ## lint, tests, theorems, and every lesson in quick mode
	@$(MINIMETA) test

verify: $(READY) ## the proof sheet: every theorem, computed and exact
	@$(MINIMETA) verify $(TOPIC)

compare: $(READY) ## every learner on one chart (docs/spectrum.png), trained from nothing
	@$(MINIMETA) compare --figure docs/spectrum.png

gpu-check: $(READY) ## run the device programs on a real GPU, beside NumPy
	@$(MINIMETA) gpu-check

autograd-suite: $(READY) ## run autograd's own test-suite with our gradient rules (fetches it once)
	@$(BIN)/python tests/autograd_suite.py

bench: .venv/bench ## minimeta beside JAX and PyTorch; writes out/bench.md
	@$(MINIMETA) bench $(WORKLOADS)

.venv/bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

sweep-check: .venv/cluster ## sweeps on Dask's workers, on loky's and under MPI
	@$(BIN)/python -m pytest tests/test_sweep.py

# mpich brings mpirun as a wheel; on a cluster, mpi4py takes the MPI that is there.
.venv/cluster: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cluster]' mpich
	@touch $@

.PHONY: notebooks book teachers
notebooks: $(READY) ## every lesson, run, as a notebook in out/notebooks/
	@$(MINIMETA) notebooks

book: .venv/book ## the lessons, the proof sheet and a reference as web pages in out/book/html/
	@$(MINIMETA) book

.venv/book: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[book]'
	@touch $@

teachers: $(READY) ## answers that run, a plan of six weeks and a rubric, in out/teachers/
	@$(MINIMETA) teachers

clean: ## delete out/, .venv and the caches
	rm -rf out build dist .venv .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
