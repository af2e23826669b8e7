"""Grades submissions: every case is asked in a process of its own, and judged here."""

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy

import minimeta
from minimeta.course import assignments, handout
from minimeta.course.grading import results, submissions
from minimeta.course.grading.desk import desk, request
from minimeta.course.grading.verdicts import UNSOLVED, Verdict, judge


def grade(word, place, to, seed=None, unconfined=False, tell=print):
    """Grade the submissions at a place and write the results to a folder; return them.

    The folder keeps the seed of the secret inputs. A second run goes on where the first stopped,
    and grades what is new or has changed; the same seed gives the same points.
    """
    assignment = assignments.find(word)
    work = submissions.find(place, assignment)
    to = Path(to)
    to.mkdir(parents=True, exist_ok=True)
    seed = keep_seed(to / "run.json", assignment, seed)
    asked = questions(assignment, seed)
    with desk(assignment, unconfined) as table:
        facts = facts_of(assignment, seed, table.walls)
        done = {one.name: earlier(to, one, facts) for one in work}
        new = [one for one in work if not done[one.name]]
        with ThreadPoolExecutor(table.workers) as pool:
            jobs = {
                pool.submit(grade_one, assignment, asked, one, table, facts): one for one in new
            }
            for job in as_completed(jobs):
                one, result = jobs[job], job.result()
                results.write_json(to / f"{one.file_name}.json", result)
                done[one.name] = result
                tell(f"{result['score']:3} points  {one.name}  ({result['execution_time']} s)")
    every = [done[one.name] for one in work]
    results.write_table(to, every)
    numbers = results.write_statistics(to, assignment, every)
    tell(f"{len(every)} submissions, mean {numbers['mean']}, median {numbers['median']}: {to}")
    return every


def keep_seed(path, assignment, seed):
    """The seed of the results' folder: the one that it has, or the given one, or a secret one."""
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["assignment"] != assignment.name:
            raise ValueError(f"{path.parent} holds results of {known['assignment']}.")
        if seed not in (None, known["seed"]):
            raise ValueError(f"{path.parent} was begun with the seed {known['seed']}, not {seed}.")
        return known["seed"]
    seed = secrets.randbits(64) if seed is None else seed
    results.write_json(path, {"assignment": assignment.name, "seed": seed})
    return seed


def facts_of(assignment, seed, walls):
    """What a result says of how it came about."""
    return {
        "assignment": assignment.name,
        "seed": seed,
        "confinement": walls,
        "version": minimeta.__version__,
    }


def earlier(folder, submission, facts):
    """The result of an earlier run for the same text, seed and confinement, or None."""
    path = folder / f"{submission.file_name}.json"
    if not path.is_file():
        return None
    result = json.loads(path.read_text(encoding="utf-8"))
    same = {**facts, "submission": submission.name, "sha256": submission.digest}
    return result if result["extra_data"] == same else None


def questions(assignment, seed):
    """The same questions for every submission: {task name: [Question, ...]}."""
    return {
        task: [
            assignments.draw(case, numpy.random.default_rng([seed, *task.encode(), number]))
            for number, case in enumerate(cases)
        ]
        for task, cases in assignments.cases(assignment).items()
    }


def grade_one(assignment, asked, submission, table, facts):
    """The result of one submission."""
    start, verdicts = time.perf_counter(), {}
    stop = Verdict(False, submission.problem, final=True) if submission.problem else None
    for task, each in asked.items():
        verdict = None
        for question in each:
            if stop or (verdict and verdict.sentence == UNSOLVED):
                verdict = stop or verdict
            else:
                verdict = answer_question(assignment, submission, table, question)
                stop = verdict if verdict.final else None
            verdicts[task, question.case.name] = verdict
    return results.result(assignment, submission, verdicts, time.perf_counter() - start, facts)


def answer_question(assignment, submission, table, question):
    """The Verdict on a question; if wrong, once more with the real bodies of what the task uses.

    So an error in one task costs the points of this task, and not those of the tasks built on it.
    """
    case = question.case
    task = next(task for task in assignment.tasks if task.name == case.task)
    asked = (submission.cells, case.task, case.probe, question.inputs)
    verdict = judge(question, table.ask(request(*asked, lenient=submission.lenient)))
    if verdict.right or verdict.final or not task.uses:
        return verdict
    real = handout.reference(assignment, task.name)
    given = {name: text for name, text in real.items() if name != task.name}
    again = judge(question, table.ask(request(*asked, given, submission.lenient)))
    if again.right:
        return Verdict(True, f"Right, with the right {' and '.join(task.uses)} in place of yours.")
    return again
