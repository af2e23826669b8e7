"""Families of tasks. A family is a function (rng, tasks, shots, queries, ...) -> Task."""

from minimeta.tasks.task import Data, Task

__all__ = ["Data", "Task"]
