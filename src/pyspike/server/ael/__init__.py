"""AEL, the text form of expressions in which queries may tell what they look for (server-8.2.md 17.5).

tokens.py splits a text, parsing.py makes a tree of it (tree.py), compiling.py makes an expression of the
tree, as clients send it packed. Which index a query uses is found out of the tree, in ../queries/plans.py.

What is known: literals, bins and places in lists and maps with a type behind `:`, properties of records,
comparisons, `in`, `=~`, `and`, `or`, `not`, `exclusive`, arithmetic, bits of integers, `exists`, `count`,
`asInt` and `asFloat`. All else is refused as a mistake is, with its place in the text.
"""
