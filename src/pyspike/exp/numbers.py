"""Computing with numbers. All of an expression must be ints, or all floats.

- `value`, `values`: what is computed with; `base`, `exponent`, `numerator`, `denominator`: what they say.
- `shift`: in bits, modulo 64.
- `search`: the bit to look for, True or False.

An argument of another type raises `InvalidType`.
"""

from __future__ import annotations

from pyspike.cdt.opcodes import ExpOp
from pyspike.exp.expression import Expression, Operand, apply, apply_all

__all__ = [
    "int_and",
    "int_arshift",
    "int_count",
    "int_lscan",
    "int_lshift",
    "int_not",
    "int_or",
    "int_rscan",
    "int_rshift",
    "int_xor",
    "max",
    "min",
    "num_abs",
    "num_add",
    "num_ceil",
    "num_div",
    "num_floor",
    "num_log",
    "num_mod",
    "num_mul",
    "num_pow",
    "num_sub",
    "to_float",
    "to_int",
]


def num_add(*values: Operand) -> Expression:
    """Their sum; also `a + b`. Ints wrap around at 64 bits."""
    return apply(ExpOp.ADD, *values)


def num_sub(*values: Operand) -> Expression:
    """The first less all others; also `a - b`. One alone is negated; also `-a`."""
    return apply(ExpOp.SUB, *values)


def num_mul(*values: Operand) -> Expression:
    """Their product; also `a * b`."""
    return apply(ExpOp.MUL, *values)


def num_div(*values: Operand) -> Expression:
    """The first divided by all others; also `a / b`. One alone is inverted.

    Of ints it gives an int, rounded towards zero: -7 / 2 is -3. Division by 0 is unknown for ints and an
    infinity for floats. With the least int of 64 bits divided by -1 some servers end their process.
    """
    return apply(ExpOp.DIV, *values)


def num_pow(base: Operand, exponent: Operand) -> Expression:
    """A float to the power of a float; also `a ** b`."""
    return apply(ExpOp.POW, base, exponent)


def num_log(value: Operand, base: Operand) -> Expression:
    """The logarithm of a float to the base of a float."""
    return apply(ExpOp.LOG, value, base)


def num_mod(numerator: Operand, denominator: Operand) -> Expression:
    """What an int division leaves, with the sign of the numerator; also `a % b`.

    -7 % 2 is -1, other than in Python. A denominator of 0 gives unknown.
    """
    return apply(ExpOp.MOD, numerator, denominator)


def num_abs(value: Operand) -> Expression:
    """A number without its sign; also `abs(a)`."""
    return apply(ExpOp.ABS, value)


def num_floor(value: Operand) -> Expression:
    """A float rounded down; also `math.floor(a)`."""
    return apply(ExpOp.FLOOR, value)


def num_ceil(value: Operand) -> Expression:
    """A float rounded up; also `math.ceil(a)`."""
    return apply(ExpOp.CEIL, value)


def to_int(value: Operand) -> Expression:
    """A float as an int, rounded towards zero."""
    return apply(ExpOp.TO_INT, value)


def to_float(value: Operand) -> Expression:
    """An int as a float."""
    return apply(ExpOp.TO_FLOAT, value)


def min(*values: Operand) -> Expression:  # noqa: A001 - the protocol's name
    """The least of several numbers."""
    return apply(ExpOp.MIN, *values)


def max(*values: Operand) -> Expression:  # noqa: A001 - the protocol's name
    """The greatest of several numbers."""
    return apply(ExpOp.MAX, *values)


# Bits of ints -----------------------------------------------------------------------------------------------


def int_and(*values: Operand) -> Expression:
    """The bits that all have; also `a & b`. One alone stands for itself."""
    return apply_all(ExpOp.INT_AND, *values)


def int_or(*values: Operand) -> Expression:
    """The bits that any has; also `a | b`. One alone stands for itself."""
    return apply_all(ExpOp.INT_OR, *values)


def int_xor(*values: Operand) -> Expression:
    """The bits that an odd number of them have; also `a ^ b`. One alone stands for itself."""
    return apply_all(ExpOp.INT_XOR, *values)


def int_not(value: Operand) -> Expression:
    """The bits that it does not have; also `~a`."""
    return apply(ExpOp.INT_NOT, value)


def int_lshift(value: Operand, shift: Operand) -> Expression:
    """Bits moved to the left, by the shift modulo 64; also `a << b`."""
    return apply(ExpOp.INT_LSHIFT, value, shift)


def int_rshift(value: Operand, shift: Operand) -> Expression:
    """Bits moved to the right, by the shift modulo 64; zeros follow from the left."""
    return apply(ExpOp.INT_RSHIFT, value, shift)


def int_arshift(value: Operand, shift: Operand) -> Expression:
    """Bits moved to the right, by the shift modulo 64; the sign stays; also `a >> b`."""
    return apply(ExpOp.INT_ARSHIFT, value, shift)


def int_count(value: Operand) -> Expression:
    """How many bits are set."""
    return apply(ExpOp.INT_COUNT, value)


def int_lscan(value: Operand, search: Operand) -> Expression:
    """Where the first bit from the left is that equals `search`: 0 is the highest; -1 if none does."""
    return apply(ExpOp.INT_LSCAN, value, search)


def int_rscan(value: Operand, search: Operand) -> Expression:
    """Where the first bit from the right is that equals `search`: 63 is the lowest; -1 if none does."""
    return apply(ExpOp.INT_RSCAN, value, search)
