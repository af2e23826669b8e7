"""The chart of all learners: nobody is left out, and a checkpoint is that of its recipe."""

import pkgutil
from importlib import import_module
from pathlib import Path

import numpy
import pytest

from minimeta.core.runs import checkpoint
from minimeta.core.trees import leaves
from minimeta.course import recipes, spectrum
from minimeta.meta import Learner
from minimeta.plots import plt

ROOMS = ("initializations", "embeddings", "learned_optimizers", "memories", "learning_rules")
ELSEWHERE = {  # learners of other tasks than maps and classes
    "symla": "bandits",
    "plasticity": "patterns of bits",
}
OF_ONE = {  # who fits one of the two families alone: a sum or a choice of classes
    "classes": {"full_context", "matching", "prototypical", "relation", "siamese", "vsml", "blur"},
    "maps": set(),
}


def modules_with_learners():
    for room in ROOMS:
        package = import_module(f"minimeta.{room}")
        for found in pkgutil.iter_modules(package.__path__):
            module = import_module(f"minimeta.{room}.{found.name}")
            if callable(getattr(module, "learner", None)) and found.name != "tokens":
                yield found.name


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Two recipes of each family, two steps of training, checkpoints in a folder of its own."""
    monkeypatch.setenv("MINIMETA_OUT", str(tmp_path))
    wanted = {
        "maps": ("ridge regression", "ANIL"),
        "classes": ("nearest neighbour", "prototypical"),
    }
    for kind, names in wanted.items():
        setting = recipes.SETTINGS[kind]
        few = {
            n: setting.recipes[n]._replace(steps=min(2, setting.recipes[n].steps)) for n in names
        }
        monkeypatch.setitem(recipes.SETTINGS, kind, setting._replace(recipes=few))
    return tmp_path


@pytest.mark.parametrize("name", list(modules_with_learners()))
def test_every_algorithm_that_fits_a_family_is_on_the_chart(name):
    text = Path(recipes.__file__).read_text(encoding="utf-8")
    maps, classes = text.split("WAYS, PER_CLASS")
    if name in ELSEWHERE:
        assert f"{name}." not in text
        return
    for kind, part in (("maps", maps), ("classes", classes)):
        other = "maps" if kind == "classes" else "classes"
        assert f" {name}." in part or name in OF_ONE[other], f"{name} is missing on {kind}"


@pytest.mark.parametrize("kind", recipes.SETTINGS)
def test_every_recipe_is_a_learner_with_a_place_and_a_training(kind):
    for name, recipe in recipes.SETTINGS[kind].recipes.items():
        learner = recipe.make()
        assert isinstance(learner, Learner) and recipe.place in recipes.PLACES, name
        trainable = bool(leaves(learner.init(numpy.random.default_rng(0))))
        assert trainable == (recipe.steps > 0), name
        assert learner.adapt is not None and (recipe.train != "sequence" or learner.along), name


def test_another_recipe_seed_or_family_has_another_checkpoint(small, monkeypatch):
    kind, name = "maps", "ANIL"
    setting = recipes.SETTINGS[kind]
    first = spectrum.path_of(kind, name, 0)
    assert spectrum.path_of(kind, name, 0) == first != spectrum.path_of(kind, name, 1)
    for change in (dict(steps=3), dict(step_size=0.5), dict(make=recipes.MAPS["MAML"].make)):
        other = {**setting.recipes, name: setting.recipes[name]._replace(**change)}
        monkeypatch.setitem(recipes.SETTINGS, kind, setting._replace(recipes=other))
        assert spectrum.path_of(kind, name, 0) != first, change
    moved = {"inside": setting.shifts["more noise"]}
    monkeypatch.setitem(recipes.SETTINGS, kind, setting._replace(shifts=moved))
    assert spectrum.path_of(kind, name, 0) != first


def test_the_command_trains_once_prints_every_learner_and_draws(small, capsys, monkeypatch):
    before = plt.get_fignums()
    assert spectrum.main(workers=1, tasks=20) == 0
    printed = capsys.readouterr().out
    for word in ("ANIL", "prototypical", "Bayes, old prior", "more classes", "other spectrum"):
        assert word in printed
    assert 5_000 < (small / "spectrum.png").stat().st_size < 150_000
    assert plt.get_fignums() == before
    monkeypatch.setattr(spectrum, "fit", lambda kind, name, seed, steps=None: {})
    one = spectrum.meta_of("maps", "ANIL")
    assert leaves(one) and {leaf.dtype.name for leaf in leaves(one)} == {"float32"}
    kept = checkpoint.load(spectrum.path_of("maps", "ANIL", 0)).tree["meta"]
    assert all((a == b).all() for a, b in zip(leaves(one), leaves(kept)))


def test_two_processes_train_the_same_bits_as_one(monkeypatch, tmp_path, capsys):
    jobs = [(kind, "joint, fine-tuned", 0) for kind in recipes.SETTINGS]
    files = []
    for workers in (1, 2):
        monkeypatch.setenv("MINIMETA_OUT", str(tmp_path / str(workers)))
        spectrum.prepare(jobs, workers)
        files.append([spectrum.path_of(*job).read_bytes() for job in jobs])
    assert files[0] == files[1]
    assert capsys.readouterr().out.count("joint, fine-tuned") == 4


def test_who_cannot_answer_more_classes_has_no_row(small):
    names = ("prototypical", "MAML")
    metas = {name: spectrum.fit("classes", name, steps=1) for name in names[:1]}
    recipe = recipes.CLASSES["MAML"]
    few = {**recipes.SETTINGS["classes"].recipes, "MAML": recipe}
    recipes.SETTINGS["classes"] = recipes.SETTINGS["classes"]._replace(recipes=few)
    metas["MAML"] = recipe.make().init(numpy.random.default_rng(0))
    rng = numpy.random.default_rng(0)
    records = spectrum.measure("classes", metas, rng, 20, ["inside", "more classes"])
    rows = {name: {row.name for row in record.rows} for name, record in records.items()}
    assert rows["inside"] == {*names, spectrum.BELIEVED}
    assert rows["more classes"] == {"prototypical", spectrum.BELIEVED}


def test_the_lesson_trains_its_own_learners_and_takes_those_that_are_ready(small, monkeypatch):
    assert set(spectrum.lesson_metas("maps", 0)) == {"ridge regression"}
    assert set(spectrum.lesson_metas("classes", quick=True)) == set(
        recipes.SETTINGS["classes"].recipes
    )
    spectrum.make_ready(("maps", "ANIL", 0))
    assert set(spectrum.lesson_metas("maps", 0)) == {"ridge regression", "ANIL"}


def test_rows_are_in_the_order_of_meta_parameters_for_each_learned_variable(small):
    metas = {name: spectrum.fit("classes", name) for name in recipes.SETTINGS["classes"].recipes}
    rng = numpy.random.default_rng(0)
    record = spectrum.measure("classes", metas, rng, 20, ["inside"])["inside"]
    ratios = [row.meta / row.learned for row in spectrum.by_structure(record).rows]
    assert ratios == sorted(ratios) and ratios[0] == 0.0 and ratios[-1] > 1.0
    wanted = ["prototypical", "nearest neighbour"]
    assert [row.name for row in spectrum.only(record, wanted).rows] == wanted
