"""The exceptions of the official client, and which of them stands for an error of pyspike.

The classes, their tree and their codes are the official ones. Other than there, what an exception knows
belongs to itself and not to its class, so two threads do not change each other's, and it can be pickled. What
pyspike knows besides is there too: `node`, `attempts`, `timeout` and `advice`; `__cause__` is its own error.

The classes are made of `TREE`, whose lines are: the parent, and its children with their codes.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pyspike import errors

__all__ = [
    "ADDED",
    "CLASSES",
    "AerospikeError",
    "from_ending",
    "from_pyspike",
    "param_error",
    "raised",
]

# "-" is a class without a code of its own.
TREE = {
    "AerospikeError": "ClientError=-1 ServerError=1 TimeoutError=9",
    "ClientError": """
        ParamError=-2 InvalidHostError=-4 ClientAbortError=-5 AsyncConnectionError=-6
        NoMoreConnectionsError=-7 InvalidNodeError=-8 TLSError=-9 ConnectionError=-10
        MaxRetriesExceeded=-12 MaxErrorRateExceeded=-14
        NoResponse=-15 BatchFailed=-16 TransactionFailed=-17 TransactionAlreadyCommitted=-18
        TransactionAlreadyAborted=-19
    """,
    "ServerError": """
        InvalidRequest=4 ServerFull=8 AlwaysForbidden=10 ClusterError=11 ScanAbortedError=15
        UnsupportedFeature=16 DeviceOverload=18 NamespaceNotFound=20 ForbiddenError=22
        ElementNotFoundError=23 ElementExistsError=24 OpNotApplicable=26 FilteredOut=27 LostConflict=28
        UDFError=100 BatchDisabledError=150 BatchMaxRequestError=151 BatchQueueFullError=152
        InvalidGeoJSON=160 IndexError=204 QueryAbortedError=210 QueryError=213 RecordError=- AdminError=-
    """,
    "ClusterError": "ClusterChangeError=7",
    "RecordError": """
        RecordNotFound=2 RecordGenerationError=3 RecordExistsError=5 BinExistsError=6 BinIncompatibleType=12
        RecordTooBig=13 RecordBusy=14 BinNotFound=17 RecordKeyMismatch=19 BinNameError=21
    """,
    "IndexError": """
        IndexFoundError=200 IndexNotFound=201 IndexOOM=202 IndexNotReadable=203 IndexNameMaxLen=205
        IndexNameMaxCount=206
    """,
    "QueryError": "QueryQueueFull=211 QueryTimeout=212",
    "UDFError": "UDFNotFound=1301 LuaFileNotFound=1302",
    "AdminError": """
        SecurityNotSupported=51 SecurityNotEnabled=52 SecuritySchemeNotSupported=53 InvalidCommand=54
        InvalidField=55 IllegalState=56 InvalidUser=60 UserExistsError=61 InvalidPassword=62
        ExpiredPassword=63 ForbiddenPassword=64 InvalidCredential=65 InvalidRole=70 RoleExistsError=71
        InvalidPrivilege=72 InvalidWhitelist=73 QuotasNotEnabled=74 InvalidQuota=75 NotAuthenticated=80
        RoleViolation=81 NotWhitelisted=82 QuotaExceeded=83
    """,
}

# What the instances of a class have besides, and what it is until they are given it.
ADDED = {"RecordError": ("key", "bin"), "IndexError": ("name",), "UDFError": ("module", "func")}


class AerospikeError(Exception):
    """The root of all exceptions of this package.

    Args:
        code: the server's result code, or a negative number of the client's.
        msg: what went wrong.
        file: where it was found; None here.
        line: the line there; None here.
        in_doubt: whether a write was or may still be applied although it failed.

    Attributes:
        subcode: which of the reasons that the code has, if the server was asked for it.
        node: the name of the node that was asked last.
        attempts: every try, the oldest first.
        timeout: the deadline in milliseconds.
        advice: what to do about it, in one line.
    """

    code: ClassVar[Any] = None
    msg: Any = None
    file: Any = None
    line: Any = None
    in_doubt: Any = None
    subcode: Any = None
    node: Any = None
    attempts: Any = ()
    timeout: Any = None
    advice: Any = ""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        for name, value in zip(("code", "msg", "file", "line", "in_doubt"), args, strict=False):
            vars(self)[name] = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, dict(vars(self))


def _made() -> dict[str, type[AerospikeError]]:
    classes: dict[str, type[AerospikeError]] = {"AerospikeError": AerospikeError}
    for parent, children in TREE.items():
        for child in children.split():
            name, code = child.split("=")
            body: dict[str, Any] = dict.fromkeys(ADDED.get(name, ()))
            body |= {"code": None if code == "-" else int(code), "__module__": __name__}
            body["__doc__"] = f"Code {code}." if code != "-" else "A family of server errors."
            classes[name] = type(name, (classes[parent],), body)
    return classes


CLASSES = _made()
globals().update(CLASSES)  # where pickles find them

BY_CODE: dict[int, type[AerospikeError]] = {kind.code: kind for kind in CLASSES.values() if kind.code}

# Errors that pyspike finds itself, so that they have no code of a server: the first that fits counts.
OWN: tuple[tuple[type[errors.AerospikeError], str], ...] = (
    (errors.NoMoreConnections, "NoMoreConnectionsError"),
    (errors.TimeoutError, "TimeoutError"),
    (errors.MaxErrorRate, "MaxErrorRateExceeded"),
    (errors.TLSError, "TLSError"),
    (errors.ConnectionError, "ConnectionError"),
    (errors.InvalidNode, "InvalidNodeError"),
    (errors.ClientClosed, "ClusterError"),
    (errors.BatchError, "BatchFailed"),
    (errors.InvalidArgument, "ParamError"),
    (errors.TransactionFailed, "ParamError"),  # of a command in a transaction that has ended
)
# Those of a transaction's end, whatever code a server may have given as the reason: the first that fits.
ENDS: tuple[tuple[type[errors.AerospikeError], str], ...] = (
    (errors.TransactionAlreadyCommitted, "TransactionAlreadyCommitted"),
    (errors.TransactionAlreadyAborted, "TransactionAlreadyAborted"),
    (errors.TransactionFailed, "TransactionFailed"),
)


def raised(
    name: str, message: str, *, code: int | None = None, in_doubt: bool = False, **attributes: Any
) -> AerospikeError:
    """An exception of the class of this name; `attributes` are those that it has besides."""
    kind = CLASSES[name]
    error = kind(kind.code if code is None else code, message, None, None, in_doubt)
    error.subcode = 0
    vars(error).update(attributes)
    return error


def param_error(message: str) -> AerospikeError:
    """The exception for an argument that can't be used."""
    return raised("ParamError", message)


def from_pyspike(error: errors.AerospikeError, **attributes: Any) -> AerospikeError:
    """The exception that stands for an error of pyspike.

    Args:
        error: the error.
        attributes: what the call knows: the `key` and `bin` it was about, the `name` of an index, the
            `module` and `func` of a function. Those that the class does not have are left out.
    """
    code = error.result_code
    if code is None:
        name = next((name for kind, name in OWN if isinstance(error, kind)), "ClientError")
        made = raised(name, error.message, in_doubt=error.in_doubt)
    else:
        kind = BY_CODE.get(int(code), AerospikeError)
        made = raised(kind.__name__, error.message, code=int(code), in_doubt=error.in_doubt)
    if isinstance(error, errors.ServerError):
        made.subcode = error.subcode
    for name, value in attributes.items():
        if hasattr(type(made), name):
            setattr(made, name, value)
    return _with_details(made, error)


def from_ending(error: errors.TransactionFailed) -> AerospikeError:
    """The exception that stands for the error of a commit or an abort."""
    name = next(name for kind, name in ENDS if isinstance(error, kind))
    return _with_details(raised(name, error.message, in_doubt=error.in_doubt), error)


def _with_details(made: AerospikeError, error: errors.AerospikeError) -> AerospikeError:
    made.node, made.attempts, made.timeout = error.node, error.attempts, error.timeout
    made.advice = error.advice
    made.__cause__ = error
    return made
