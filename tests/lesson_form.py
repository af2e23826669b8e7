"""What a lesson's file must look like, and what is wrong with one that does not.

    faults(text) -> ["line 12: a lambda has a name", ...]

A lesson is a text of percent cells. A Markdown cell is read without its "# ", a code cell as it is.
"""

import ast
import re

from minimeta.course.cells import cells

LINES = 25  # of a code cell
ARGUMENTS = 5  # of a function
TEXT = 0.8  # words of text for each word of code
CHECKS = 3  # exercises
PREDICT = "**Predict, then run.**"
QUESTION = re.compile(
    r"# Exercise (\d+)\. Put your answer in place of the dots and take the first # away\.\n"
    r'# (check\(\.\.\., "[0-9a-f]{8}"(?:, digits=\d+)?\))'
)


def questions(text):
    """The check cells as {number of the exercise: the check as a student would call it}."""
    exact = [QUESTION.fullmatch(cell.text) for cell in cells(text) if not cell.markdown]
    return {int(match[1]): match[2] for match in exact if match}


def faults(text):
    """Every breach of a lesson's form, one sentence each."""
    by_cell = [f for cell in cells(text) for f in (prose if cell.markdown else code)(cell)]
    by_node = [f for node in ast.walk(ast.parse(text)) for f in syntax(node)]
    return [*by_cell, *by_node, *whole(text)]


def prose(cell):
    """Faults of a Markdown cell: headings, displayed equations and questions stand alone."""
    for paragraph in re.split(r"\n\s*\n", cell.text):
        first = paragraph.strip().splitlines()[:1]
        if re.search(r"^#+ ", paragraph, re.MULTILINE) and "\n" in paragraph.strip():
            yield f"line {cell.line}: no blank line around the heading in {first}"
        ends = paragraph.strip().startswith("$$") and paragraph.strip().endswith("$$")
        if paragraph.count("$$") not in ((0, 2) if ends else (0,)):
            yield f"line {cell.line}: $$ inside of a paragraph, {first}"
        if PREDICT in paragraph and not paragraph.strip().startswith(PREDICT):
            yield f"line {cell.line}: a prediction begins no paragraph, {first}"


def code(cell):
    """Faults of a code cell: its length, a figure in two cells, a check in another form."""
    lines = cell.text.count("\n") + 1
    if lines > LINES:
        yield f"line {cell.line}: a cell of {lines} lines, more than {LINES}"
    if cell.text.count("plots.figure(") != cell.text.count("plots.save("):
        yield f"line {cell.line}: a figure is made in one cell and saved in another"
    if "check(..." in cell.text and not QUESTION.fullmatch(cell.text):
        yield f"line {cell.line}: a check cell in another form"


def syntax(node):
    """Faults of a node of the syntax tree."""
    if isinstance(node, ast.Assert):
        yield f"line {node.lineno}: an assert; a lesson states claims"
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        if any(isinstance(value, ast.Lambda) for value in values):
            yield f"line {node.lineno}: a lambda has a name; write a def"
    if isinstance(node, ast.FunctionDef):
        if len(node.args.args) + len(node.args.kwonlyargs) > ARGUMENTS:
            yield f"line {node.lineno}: a function with more than {ARGUMENTS} arguments"


def whole(text):
    """Faults of the lesson as a whole: its end, its claims, its exercises, how much it explains."""
    tree, numbers = ast.parse(text), list(questions(text))
    if cells(text)[-1].text != "finish()":
        yield "the last cell is not finish()"
    if any(called(statement, "use") for statement in tree.body):
        yield "use(...) outside of a function: it lasts for all cells; write with using(...)"
    said = [say for node in calls(tree, "claim", "claim_equal") for say in sentences(node)]
    for sentence in sorted({sentence for sentence in said if said.count(sentence) > 1}):
        yield f"two claims with one sentence: {sentence}"
    if len(numbers) < CHECKS or numbers != list(range(1, len(numbers) + 1)):
        yield f"exercises 1, 2, 3, ..., at least {CHECKS}, each with its check; there are {numbers}"
    if "check" not in {name for node in tree.body for name in imported(node)}:
        yield "check is not imported: an exercise's cell could not be run"
    text_words, code_words = words(text)
    if text_words <= TEXT * code_words:
        yield f"{text_words} words of text for {code_words} of code; {TEXT} for each are needed"


def words(text):
    """How many words there are in the Markdown cells and in the code cells."""
    made = cells(text)
    return tuple(
        sum(len(c.text.split()) for c in made if c.markdown == kind) for kind in (True, False)
    )


def imported(statement):
    """The names that a statement imports from a module."""
    return [a.name for a in statement.names] if isinstance(statement, ast.ImportFrom) else []


def calls(tree, *names):
    """The calls of functions with these names."""
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in made if isinstance(node.func, ast.Name) and node.func.id in names]


def called(statement, name):
    """Whether a statement calls the function when it runs, and not in a function it defines."""
    return not isinstance(statement, ast.FunctionDef) and bool(calls(statement, name))


def sentences(call):
    """The texts written out in a claim: its sentence, and not the needed value of `claim`."""
    place = 1 if call.func.id == "claim" else 3
    return [part.value for part in call.args[place : place + 1] if isinstance(part, ast.Constant)]
