"""Families of tasks. A family is a function (rng, tasks, shots, queries, ...) -> Task."""

from minimeta.tasks.episodes import episodes
from minimeta.tasks.task import Data, Family, Task

__all__ = ["Data", "Family", "Task", "episodes"]
