"""What environments ask of problems, places, actions and noise before they compute with them.

Each check raises one sentence that names the argument. Values are looked at where that is free: in
NumPy arrays that are not being differentiated.
"""

import numpy

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.tasks.drawing import generator


def uniform(rng, shape):
    """Uniform numbers in [0, 1) of this shape, on the current device."""
    return to_device(generator(rng).uniform(size=shape))


def check_sizes(tasks, episodes, steps):
    """Raise unless there is at least one of each."""
    for name, value in (("tasks", tasks), ("episodes", episodes), ("steps", steps)):
        checks.integer(name, value, at_least=1)


def check_filled(name, value, letters):
    """Raise unless value is an array of finite floats with these axes, none of them empty."""
    checks.array(name, value, letters)
    if 0 in np.shape(value):
        raise ValueError(f"{name} must not be empty; its shape is {np.shape(value)}.")


def check_chances(name, value, letters):
    """Raise unless value is probabilities with these axes."""
    check_filled(name, value, letters)
    if checks.readable(value) and not (value.min() >= 0.0 and value.max() <= 1.0):
        raise ValueError(
            f"{name} must hold probabilities, from 0 to 1; "
            f"it reaches from {numpy.min(value):.3g} to {numpy.max(value):.3g}."
        )


def check_one_hot(name, rows, letters, columns=None):
    """Raise unless rows are one-hot, with these axes and as many columns."""
    check_filled(name, rows, letters)
    if columns is not None and np.shape(rows)[-1] != columns:
        raise ValueError(
            f"{name} must have {columns} columns, one for each of its choices; "
            f"its shape is {np.shape(rows)}."
        )
    if checks.readable(rows):
        wrong = ((rows == 1.0).sum(axis=-1) != 1) | ((rows != 0.0).sum(axis=-1) != 1)
        if wrong.any():
            raise ValueError(f"{name} must be one-hot rows; one of them is {rows[wrong][0]}.")


def check_begin(problem, noise, letters="M N"):
    """Raise unless the noise of one step has these axes and is for the tasks of the problem."""
    check_filled("noise", noise, letters)
    if len(noise) != len(problem):
        raise ValueError(
            f"noise must be for the {len(problem)} tasks of the problem, whose shape is "
            f"{np.shape(problem)}; its shape is {np.shape(noise)}."
        )


def check_move(problem, place, action, columns):
    """Raise unless the action (M, N, A) has one row for each place of the problem's tasks."""
    check_filled("place", place, "M N C")
    if len(place) != len(problem):
        raise ValueError(
            f"place must be for the {len(problem)} tasks of the problem, whose shape is "
            f"{np.shape(problem)}; its shape is {np.shape(place)}."
        )
    check_one_hot("action", action, "M N A", columns)
    if np.shape(action)[:2] != np.shape(place)[:2]:
        raise ValueError(
            f"action must have shape {(*np.shape(place)[:2], columns)}, a row for each place; "
            f"its shape is {np.shape(action)}."
        )


def check_uniform(noise, shape, name="noise"):
    """Raise unless the noise of one step has this shape and is from 0 to 1."""
    checks.floats(name, noise)
    if np.shape(noise) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}; its shape is {np.shape(noise)}.")
    if checks.readable(noise) and not (noise.min() >= 0.0 and noise.max() <= 1.0):
        raise ValueError(
            f"{name} must be uniform in [0, 1); "
            f"it reaches from {numpy.min(noise):.3g} to {numpy.max(noise):.3g}."
        )


def check_parts(noise, parts):
    """Raise unless the noise of one step is a dict with exactly these arrays."""
    if not isinstance(noise, dict) or set(noise) != set(parts):
        what = f"has {list(noise)}" if isinstance(noise, dict) else f"is {checks.describe(noise)}"
        raise TypeError(f"noise must be a dict with {' and '.join(map(repr, parts))}; it {what}.")
