"""python -m benchmarks [WORKLOAD ...] [--quick]: print the table and write it to out/bench.md."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from benchmarks import workloads
from benchmarks.harness import FULL, QUICK, ROOT, measure
from benchmarks.table import markdown

PEERS = ("jax", "torch")


def main(words=None):
    """Measure the workloads named, all by default; return the exit status."""
    known = workloads()
    parser = argparse.ArgumentParser(prog="python -m minimeta bench", description=__doc__)
    parser.add_argument("workload", nargs="*", help=f"of: {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="few rounds, a tenth of the training")
    given = parser.parse_args(words)
    if unknown := [name for name in given.workload if name not in known]:
        return complain(f"There is no workload {unknown[0]!r}; there are {', '.join(known)}.")
    if missing := [name for name in PEERS if importlib.util.find_spec(name) is None]:
        return complain(f"{' and '.join(missing)} is not installed: pip install -e '.[bench]'")
    return report(given.workload or list(known), known, given.quick)


def report(names, known, quick):
    """Measure one workload after the other; the table so far is written after each."""
    path = Path(os.environ.get("MINIMETA_OUT", ROOT / "out")) / "bench.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = {}
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        measured[name] = measure(name, known[name], QUICK if quick else FULL)
        path.write_text(markdown(measured, quick), encoding="utf-8")
    print(markdown(measured, quick))
    return 0


def complain(sentence):
    """One sentence on standard error; the exit status of a command that did not succeed."""
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
