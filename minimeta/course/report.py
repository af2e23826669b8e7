"""Runs the lessons and prints a line for each: number, title, seconds, the claims it checked."""

from minimeta.course.lessons import all_lessons, run


def lessons(quick=False):
    """Run every lesson in order; return 0 if all of them finished, else 1."""
    failed, total = [], 0.0
    for lesson in all_lessons():
        seconds, passed, output = run(lesson, quick)
        total += seconds
        print(line(lesson, seconds, passed), flush=True)
        if not passed:
            failed.append(lesson.path.name)
            print(output)
    print(summary(failed, total, quick))
    return 1 if failed else 0


def line(lesson, seconds, passed):
    """ "05  MAML: ...                5.1 s   12 claims hold"."""
    verdict = f"{lesson.claims:3d} claims hold" if passed else "    FAILED"
    return f"{lesson.number}  {lesson.title:64.64} {seconds:5.1f} s  {verdict}"


def summary(failed, total, quick):
    """The last line: what failed, or that all is well and where the figures are."""
    if failed:
        return f"{len(failed)} failed: {', '.join(failed)}"
    mode = "in quick mode (exact claims only)" if quick else "in full"
    return f"All lessons ran {mode} in {total:.0f} s; their figures are in out/."
