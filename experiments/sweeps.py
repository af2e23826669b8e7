"""What a sweep costs beside its jobs, and from what length of a job on more processes pay.

    python experiments/sweeps.py                 about a minute on two cores
    python experiments/sweeps.py --settings 500

The first table has what each setting of a job of 1 ms adds on each executor, in ms:
(seconds * workers) / settings - 1 ms. The second has the speed-up of two processes over one for
jobs of 0.1 to 100 ms; their start is not counted, as executors outlive a sweep.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

from minimeta.sweep import sweep

WORKERS = 2


def work(setting):
    """Sleep for some milliseconds: a job that takes no core, measured alike on a busy machine."""
    time.sleep(setting["milliseconds"] / 1000.0)
    return float(setting["seed"])


def compute(setting):
    """Compute for some milliseconds."""
    end = time.perf_counter() + setting["milliseconds"] / 1000.0
    while time.perf_counter() < end:
        pass
    return float(setting["seed"])


def seconds(job, milliseconds, count, executor=None, folder=None):
    """How long a sweep takes."""
    settings = [{"seed": seed, "milliseconds": milliseconds} for seed in range(count)]
    begin = time.perf_counter()
    sweep(job, settings, executor, folder, label="")
    return time.perf_counter() - begin


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=int, default=10_000)
    count = parser.parse_args(words).settings
    print(f"{count} settings of 1 ms: ms that each adds")
    spawn = get_context("spawn")
    with (
        ProcessPoolExecutor(WORKERS, mp_context=spawn) as processes,
        ThreadPoolExecutor(WORKERS) as threads,
        tempfile.TemporaryDirectory() as folder,
    ):
        seconds(compute, 0.0, 2 * WORKERS, processes)  # starts the workers
        rows = {"serial": (None, None), "threads": (threads, None), "processes": (processes, None)}
        for name, (executor, where) in {**rows, "processes, files": (processes, folder)}.items():
            workers = WORKERS if executor else 1
            each = 1000.0 * workers * seconds(work, 1.0, count, executor, where) / count
            print(f"    {name:18} {each - 1.0:6.3f}")
        print("milliseconds of a job, and the speed-up of two processes over one")
        for milliseconds in (0.1, 1.0, 3.0, 10.0, 30.0, 100.0):
            some = max(8, min(count, int(2000.0 / milliseconds)))
            ratio = seconds(compute, milliseconds, some) / seconds(
                compute, milliseconds, some, processes
            )
            print(f"    {milliseconds:6.1f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
