"""Every script of experiments/ runs, at a tiny size, and prints its table."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "experiments"
QUICK = {  # script: its arguments; the first word is looked for in what it prints
    "in_context": "chain layer late --seeds 0 --steps 2 --tasks 50",
    "bandits": "contextual dependent forms two_step informative --seeds 0 --steps 2 --tasks 4",
    "few_shot": "sphere --data glyphs --seeds 0 --steps 2 --episodes 2",
    "maml_rl": "plain dice --seeds 0 --updates 2 --goals 4",
    "objectives": "lpg --seeds 0 --steps 2 --tasks 4",
    "rules": "vsml --seeds 0 --steps 2 --tasks 4",
    "task_diversity": "endless 1 --seeds 0 1 --steps 2 --sequences 10",
    "few_shot_starts": "reptile --seeds 0 --steps 2 --episodes 2",
    "fast_weights": "capacity --seeds 0 --steps 2",
    "metagenrl": "transition --seeds 0 --updates 2 --systems 4 --life 1",
    "memory": "binding --seeds 0 --steps 2 --sequences 2",
    "sweeps": "--settings 8",
}

SHORTER = {"objectives": {"UPDATES": 10}}  # constants of a script that no argument changes


@pytest.mark.parametrize("name", QUICK)
def test_an_experiment_prints_a_row_for_what_it_is_asked(name, capsys, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)  # one script uses the letters of another
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, script)  # workers and pickle look for it there
    spec.loader.exec_module(script)
    for constant, value in SHORTER.get(name, {}).items():
        monkeypatch.setattr(script, constant, value)
    arguments = QUICK[name].split()
    script.main(arguments)
    assert arguments[0].strip("-") in capsys.readouterr().out


def test_every_experiment_has_a_quick_run():
    assert set(QUICK) == {path.stem for path in FOLDER.glob("*.py")}
