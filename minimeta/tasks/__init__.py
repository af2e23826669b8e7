"""Families of tasks (rng, tasks, shots, queries, ...) -> Task, and environments to act in."""

from minimeta.tasks.environment import Environment, Episodes, returns, rollout
from minimeta.tasks.episodes import episodes
from minimeta.tasks.task import Data, Family, Task

__all__ = [
    "Data",
    "Environment",
    "Episodes",
    "Family",
    "Task",
    "episodes",
    "returns",
    "rollout",
]
