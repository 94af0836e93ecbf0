"""pyspike beside its peers and beside the floor: what `bench/compare.py` is made of.

cases.py      what is measured, and the data it is measured with
clients.py    how each client is opened and called
worker.py     one client in a process of its own: runs cases, prints a line of JSON for each
floor.py      the same bytes from a loop in C (floor.c)
importing.py  what `import` costs
server.py     the server all of them use, and its records
runner.py     who runs what when: A B A B
machine.py    what it was measured on
figures.py    samples to medians and ratios
report.py     figures as a table
chart.py      figures as a picture
markdown.py   the main ones to be pasted into a page
bars.py       what the figures have to reach
"""
