# Checks the arguments that may be given with each call, and converts them to what is sent: timeouts, times to live, generations
# and filter expressions. Policies check their values by the same functions.

cdef enum:
    MAX_MS = 2147483647                     # 24 days; fits in the header's timeout


def timeout_ms(value: object, name: str = "timeout", *, least: float = 0) -> float:
    """Return a span of time in milliseconds.

    Args:
        value: milliseconds as an int or float, which may not be between 0 and 1, as such a number is meant as seconds; or
            a timedelta of any length.
        name: what the value is, for the error's message.
        least: the smallest value allowed.

    Raises:
        InvalidType: it is neither a number nor a timedelta.
        InvalidArgument: it is below `least`, above 2**31 - 1 ms (24 days), a number between 0 and 1, or NaN.
    """
    if not PyLong_CheckExact(value) and isinstance(value, datetime.timedelta):
        ms = value / datetime.timedelta(milliseconds=1)
    else:
        ms = plain_number(value)
        if ms is None:
            raise errors.InvalidType(f"{name} must be milliseconds or a timedelta, not {shown(value)}")
        if PyFloat_CheckExact(ms) and 0 < ms < 1:
            raise errors.InvalidArgument(
                f"{name} is {shown(value)} milliseconds, less than any command takes",
                advice=f"times are milliseconds; if seconds are meant, write timedelta(seconds={shown(ms)})",
            )
    if not least <= ms <= MAX_MS:
        raise errors.InvalidArgument(f"{name} must be from {least} to {MAX_MS} milliseconds, not {shown(value)}")
    return ms


def ttl_header(value: object, name: str = "ttl") -> int:
    """Return the number that stands for a time to live in a write's header.

    Args:
        value: whole seconds from 1 to 315360000 (ten years); a timedelta, which is rounded up to whole seconds; or an
            `Expiration`.
        name: what the value is, for the error's message.

    Raises:
        InvalidType: it is none of them.
        InvalidArgument: it is out of range.
    """
    if PyLong_CheckExact(value):
        seconds = value
    elif isinstance(value, Expiration):
        return value.value
    elif isinstance(value, datetime.timedelta):
        seconds = -(-value // datetime.timedelta(seconds=1))
    else:
        seconds = plain_int(value)
    if seconds is None:
        raise errors.InvalidType(f"{name} must be seconds, a timedelta or an Expiration, not {shown(value)}")
    if not 1 <= seconds <= MAX_TTL:
        raise errors.InvalidArgument(
            f"{name} must be from 1 to {MAX_TTL} seconds, not {shown(value)}",
            advice="for other meanings use Expiration.NAMESPACE_DEFAULT, NEVER or DONT_UPDATE",
        )
    return seconds


def filter_bytes(expression: object, name: str = "filter_expression") -> bytes | None:
    """Return the bytes of a filter expression; None for None.

    Args:
        expression: an `Expression`, whose `as_filter()` raises an error if it can't be a filter; another object with a
            `to_bytes()`; or the bytes themselves.
        name: what the expression is, for the error's message.

    Raises:
        InvalidType: it is neither of these.
        InvalidArgument: it is empty, or larger than the server takes.
    """
    if expression is None:
        return None
    if isinstance(expression, bytes):
        data = plain_bytes(expression)
    elif hasattr(expression, "as_filter"):
        data = expression.as_filter()
    else:                                   # an int has a to_bytes() too, but is no expression
        data = None if isinstance(expression, int) or not hasattr(expression, "to_bytes") else expression.to_bytes()
    if not isinstance(data, bytes):
        raise errors.InvalidType(f"{name} must be an expression or its bytes, not {shown(expression)}")
    if not data:
        raise errors.InvalidArgument(f"{name} must not be empty", advice="None leaves it out")
    return data


cdef uint32_t generation_of(object value) except? 0xFFFFFFFF:
    number = plain_int(value)
    if number is None:
        raise errors.InvalidType(f"generation must be an int, not {type(value).__name__}")
    if not 0 <= number <= 0xFFFFFFFF:
        raise errors.InvalidArgument(f"generation must be 0 to 4294967295, not {shown(number)}")
    return <uint32_t>number
