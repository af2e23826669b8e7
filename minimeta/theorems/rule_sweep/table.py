"""The table of the sweep: a line for every function, and the forms that fail, if any do."""

from minimeta.theorems.rule_sweep.kinks import KINKS
from minimeta.theorems.rule_sweep.refused import REFUSED
from minimeta.theorems.rule_sweep.sweep import FORMS, TOLERANCE, kink_errors, row

COLUMNS = "        function  forms  kinks  refused    first   second  second order"
YES_NO = ("no", "yes")


def print_table():
    """Print the sweep, a line for each function; return the number of forms that fail."""
    print(f"-- gradient rules: worst error against differences, allowed {TOLERANCE:.0e}")
    print(COLUMNS)
    failed = []
    for name, forms in FORMS.items():
        rows = [row(name, form) for form in forms]
        kinks = [(case[0], max(kink_errors(*case))) for case in KINKS.get(name, ())]
        failed += [r.form for r in rows if not r.holds]
        failed += [form for form, error in kinks if not error <= TOLERANCE]
        first, second = (max(r[i] for r in rows) for i in (2, 3))
        counts = f"{len(forms):6} {len(kinks):6} {len(REFUSED.get(name, ())):8}"
        print(f"{name:>16} {counts} {first:8.0e} {second:8.0e}  {YES_NO[second <= TOLERANCE]}")
    for form in failed:
        print(f"FAIL {form}")
    tried = sum(map(len, FORMS.values())) + sum(map(len, KINKS.values()))
    verdict = f"{len(failed)} fail" if failed else "all hold, to second order"
    print(f"{len(FORMS)} functions, {tried} forms, {verdict}")
    return len(failed)
