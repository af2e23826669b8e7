"""Settings of the book. `make book` copies them beside the pages that it makes; see course/book.py.

No page names an address outside of the book: MathJax is one local file, the footer is ours.
"""

project = html_title = "minimeta"
extensions = ["myst_parser", "sphinx_design"]
myst_enable_extensions = ["dollarmath"]
mathjax_path = "mathjax.js"
templates_path = ["templates"]
html_theme = "furo"
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["static"]
html_css_files = ["book.css"]
html_copy_source = html_show_sourcelink = False
smartquotes = False  # "x'Ax" is no quotation
