"""Forms written as text: one function a line, `name: form | form`, indented where it goes on."""


def read(text):
    """{name: [form, ...]} of the lines of a text."""
    forms = {}
    for line in filter(None, text.split("\n")):
        if line[0] != " ":
            name, line = line.split(":", 1)
            forms[name] = []
        forms[name] += [form.strip() for form in line.split(" |") if form.strip()]
    return forms
