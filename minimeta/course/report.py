"""Runs the lessons and prints a line for each: number, title, seconds, the claims it checked."""

import os
from concurrent.futures import ThreadPoolExecutor

from minimeta.course.claims import summarise
from minimeta.course.lessons import all_lessons, folder, run


def lessons(quick=False, seeds=(None,)):
    """Run every lesson, as many at once as there are cores; return 0 if all are well, else 1.

    With seeds, every lesson is run once with each, as MINIMETA_SEED.
    """
    failed, total, out = [], 0.0, folder(quick)
    jobs = [(lesson, seed) for lesson in all_lessons() for seed in seeds]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a process of its own
        runs = [pool.submit(run, lesson, quick, out, False, seed) for lesson, seed in jobs]
        for (lesson, seed), future in zip(jobs, runs):
            outcome = future.result()
            total += outcome.seconds
            print(line(lesson, outcome, seed), flush=True)
            if not outcome.passed:
                failed.append(lesson.path.name)
                print(outcome.output)
    print(conclude(failed, total, quick, out))
    return 1 if failed else 0


def line(lesson, outcome, seed=None):
    """ "05  MAML: ...      5.1 s   9 of 9 written claims ran, 12 claims hold": one is in a loop."""
    verdict = "it ended before its last cell"
    if outcome.claims:
        ran = f"{outcome.claims['ran']} of {lesson.claims} written claims ran"
        verdict = f"{ran}, {summarise(outcome.claims)}"
    verdict = verdict if outcome.passed else f"FAILED: {verdict}"
    title = lesson.title if seed is None else f"seed {seed}: {lesson.title}"
    return f"{lesson.number}  {title:64.64} {outcome.seconds:5.1f} s  {verdict}"


def conclude(failed, total, quick, out):
    """The last line: what failed, or that all is well and where the figures are."""
    if failed:
        return f"{len(failed)} failed: {', '.join(failed)}"
    mode = "in quick mode (claims on trained results need a full run)" if quick else "in full"
    return f"All lessons ran {mode}, {total:.0f} s of computing; their figures are in {out}."
