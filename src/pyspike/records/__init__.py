"""Classes as records: what fields a class has (`classes`), what each takes (`shapes`), and what can be said
of one (`fields`). A plan of it is made once for a class (`making`), and run compiled (`src/wire/records`).
"""
