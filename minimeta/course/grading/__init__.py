"""Grades a folder of submissions, none of which is trusted.

submissions   finds the files and reads them as text; nothing of a student runs here
desk          a folder with the copy of the package, and the processes in which submissions run
runner        runs in such a process: forks a child for each check, which confines itself
asking        how one question is put to a student's function
confinement   what a child gives up before a student's first line: files, system calls, powers
verdicts      compares what came back with the right numbers; all decisions are made here
results       a JSON file for each submission, a CSV, statistics
grade         the command: puts these together, goes on where it stopped
similarity    pairs of submissions that share code, by copydetect
gradescope    the same in the form that Gradescope expects
"""
