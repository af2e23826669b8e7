"""Long runs.

checkpoint     a tree, a step and a generator as one file
progress       how far a loop is, on one line
signals        Ctrl-C and SIGTERM, in order
sending        learners to other processes
"""
