"""Writes what came out: a JSON file for each submission, a CSV, statistics with a histogram."""

import csv
import io
import json
import os
import secrets
import statistics
from collections import Counter
from pathlib import Path

from minimeta import plots

UNCONFINED = "Graded without confinement: the program could read and change what the grader could."


def result(assignment, submission, verdicts, seconds, facts):
    """A submission's result, in the form that Gradescope reads.

    verdicts {(task name, case name): Verdict}. Of each task the first case is visible at once, and
    the others after the grades are published.
    """
    tests = []
    for task in assignment.tasks:
        for position, (name, most) in enumerate(task.points.items()):
            verdict = verdicts[task.name, name]
            tests.append(
                {
                    "number": f"{task.number}.{position + 1}",
                    "name": f"{task.name}: {name}",
                    "score": most if verdict.right else 0,
                    "max_score": most,
                    "status": "passed" if verdict.right else "failed",
                    "output": verdict.sentence,
                    "visibility": "after_published" if position else "visible",
                    "extra_data": {"mistake": verdict.mistake},
                }
            )
    return {
        "score": sum(test["score"] for test in tests),
        "execution_time": round(seconds, 2),
        "output": UNCONFINED if facts["confinement"] == "none" else "",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {**facts, "submission": submission.name, "sha256": submission.digest},
    }


def write(path, text):
    """Write a text file whole or not at all."""
    path = Path(path)
    new = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def write_json(path, words):
    """Write a tree as JSON."""
    write(path, json.dumps(words, indent=1) + "\n")


def write_table(folder, results):
    """grades.csv: a row for each submission, its points in all and by case."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    names = [f"{test['number']} {test['name']}" for test in results[0]["tests"]]
    table.writerow(["submission", "points", *names])
    for one in results:
        points = [test["score"] for test in one["tests"]]
        table.writerow([cell(one["extra_data"]["submission"]), one["score"], *points])
    write(folder / "grades.csv", file.getvalue())


def write_statistics(folder, assignment, results):
    """statistics.json and histogram.png; return the statistics."""
    scores = [one["score"] for one in results]
    told = Counter(
        f"{test['name'].split(':')[0]}: {test['output']}"
        for one in results
        for test in {t["output"]: t for t in one["tests"]}.values()
        if test["extra_data"]["mistake"]
    )
    rows = list(zip(*(one["tests"] for one in results)))
    numbers = {
        "submissions": len(scores),
        "mean": round(statistics.fmean(scores), 2),
        "median": statistics.median(scores),
        "points by case": {
            f"{row[0]['number']} {row[0]['name']}": {
                "mean": round(statistics.fmean(test["score"] for test in row), 2),
                "of": row[0]["max_score"],
            }
            for row in rows
        },
        "commonest mistakes": dict(told.most_common(10)),
    }
    write_json(folder / "statistics.json", numbers)
    fig, (ax,) = plots.figure()
    plots.histogram(ax, scores, range(0, 101, 10))
    plots.labels(ax, "points", "submissions", f"{assignment.name}: {assignment.title}")
    fig.savefig(folder / "histogram.png", dpi=150)
    return numbers


def cell(text):
    """A name as a spreadsheet shows it, and never as a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text
