"""The proof sheet: every theorem, what was computed, what is exact, the error, what is allowed."""

import json

from minimeta.theorems import LESSONS, REGISTRY, judge, rule_sweep

WIDTH = max(map(len, LESSONS))
NUMBERS = f"{'computed':>14} {'exact':>14} {'error':>9} {'allowed':>9}"
COLUMNS = f"{'lesson':{WIDTH}}  {NUMBERS}      claim"


def print_sheet(topic=None, path=None):
    """Prove every theorem of a topic (all by default) and print them; return 0 if all hold, else 1.

    For the topic `gradients` the sweep over all gradient rules comes with them. With `path`, write
    the rows there as JSON too. Raises ValueError for an unknown topic.
    """
    rows, theorems = [], select(topic)
    print(COLUMNS)
    for theorem in theorems:
        if not rows or rows[-1]["topic"] != theorem.topic:
            print(f"-- {theorem.topic}")
        rows.append(prove(theorem))
        print(line(rows[-1]), flush=True)
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    failed = sum(not row["holds"] for row in rows)
    wrong_rules = rule_sweep.print_table() if topic == "gradients" else 0
    print(f"{len(rows)} theorems, {failed} fail" if failed else f"{len(rows)} theorems, all hold")
    return 1 if failed or wrong_rules else 0


def select(topic):
    """The theorems of a topic (all for None), topics in the order of their first lessons."""
    topics = sorted({theorem.topic for theorem in REGISTRY})
    if topic is not None and topic not in topics:
        raise ValueError(f"There is no topic {topic!r}; there are {', '.join(topics)}.")
    first = {t: min(place(theorem) for theorem in REGISTRY if theorem.topic == t) for t in topics}
    theorems = [theorem for theorem in REGISTRY if topic in (None, theorem.topic)]
    return sorted(theorems, key=lambda theorem: (first[theorem.topic], theorem.topic))


def place(theorem):
    """The place of a theorem's lesson in the course."""
    return LESSONS.index(theorem.lesson)


def prove(theorem):
    """One row of the sheet. A theorem that raises does not hold, and its error is in the row."""
    about = {
        key: getattr(theorem, key) for key in ("topic", "name", "statement", "lesson", "source")
    }
    try:
        verdict = judge(theorem.prove())
    except Exception as error:  # one broken theorem must not hide the rest of the sheet
        return {**about, "holds": False, "raised": f"{type(error).__name__}: {error}"}
    return {**about, **verdict._asdict(), "holds": verdict.holds}


def line(row):
    """One line of the sheet: lesson, numbers or what was raised, verdict, claim."""
    mark = "ok  " if row["holds"] else "FAIL"
    if "raised" in row:
        return f"{row['lesson']:{WIDTH}}  {row['raised']:50.50} {mark}  {row['statement']}"
    numbers = (
        f"{row['computed']:14.8g} {row['exact']:14.8g} {row['error']:9.1e} {row['allowed']:9.1e}"
    )
    return f"{row['lesson']:{WIDTH}}  {numbers} {mark}  {row['statement']}"
