"""mpirun -n 3 python -m mpi4py.futures sweep_under_mpi.py FOLDER: test_sweep.py looks into it."""

import sys

from mpi4py.futures import MPIPoolExecutor
from sweep_jobs import train_maml

from minimeta.sweep import grid, sweep

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        results = sweep(
            train_maml, grid(seed=range(8), step_size=[0.05]), executor, folder=sys.argv[1]
        )
    print(f"{len(results)} results, {len(results.failures)} failures")
