from __future__ import annotations

import builtins
import copy
import multiprocessing
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspike import Key, errors
from pyspike.errors import AerospikeError, Attempt, RecordNotFound, ServerError, from_code
from pyspike.result_code import ResultCode
from support.all_of import all_of

CLASSES = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AerospikeError)
]
KEY = Key("test", "users", "ann")
ATTEMPTS = (
    Attempt(node="A1", error="connection refused", elapsed_ms=0.4, sent=False),
    Attempt(node="B2", error="no answer", elapsed_ms=499.61, sent=True),
)
CONTEXT = {
    "key": ("test", "users", "ann"),
    "node": "B2",
    "in_doubt": True,
    "attempts": ATTEMPTS,
    "timeout": 500,
    "advice": "try tomorrow",
}
ATTRIBUTES = ["message", "result_code", "key", "node", "in_doubt", "attempts", "timeout", "advice"]
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "key": st.tuples(st.text(), st.text(), st.integers()),
        "node": st.text(min_size=1),
        "in_doubt": st.booleans(),
        "attempts": st.lists(
            st.builds(
                Attempt,
                node=st.none() | st.text(),
                error=st.text(),
                elapsed_ms=st.floats(0, 1e6),
                sent=st.booleans(),
            )
        ),
        "timeout": st.floats(0, 1e6),
        "advice": st.text(min_size=1),
    },
)


def attributes_of(error):
    return {name: getattr(error, name) for name in ATTRIBUTES}


def assert_twins(twin, error):
    assert type(twin) is type(error)
    assert attributes_of(twin) == attributes_of(error)
    assert (str(twin), twin.args) == (str(error), error.args)


class Strict(RecordNotFound):
    """A user's own error, made in a way of its own."""

    def __init__(self, user, /):
        super().__init__(f"no user {user}", key=user)
        self.user = user


# The tree ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.TimeoutError, builtins.TimeoutError),
        (errors.NoMoreConnections, builtins.TimeoutError),
        (errors.ServerTimeout, builtins.TimeoutError),
        (errors.ConnectionError, builtins.ConnectionError),
        (errors.ConnectFailed, builtins.ConnectionError),
        (errors.InvalidArgument, ValueError),
        (errors.InvalidType, TypeError),
        (errors.InvalidType, ValueError),
        (errors.RecordNotFound, KeyError),
        (errors.BinNotFound, KeyError),
        (errors.ElementNotFound, KeyError),
        (errors.RequestInvalid, ValueError),
        (errors.RecordTooBig, ValueError),
        (errors.BinNameTooLong, ValueError),
        (errors.InvalidGeoJSON, ValueError),
        (errors.BinTypeError, TypeError),
    ],
)
def test_an_error_can_be_caught_as_the_builtin_it_means(kind, builtin):
    with pytest.raises(builtin) as caught:
        raise kind("gone", node="A1")
    assert caught.value.node == "A1"


@all_of("kind", CLASSES)
def test_every_error_is_an_aerospike_error_with_a_docstring(kind):
    assert issubclass(kind, AerospikeError)
    assert vars(kind)["__doc__"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (2, errors.RecordNotFound),
        (3, errors.GenerationError),
        (4, errors.RequestInvalid),
        (5, errors.RecordExists),
        (6, errors.BinExists),
        (9, errors.ServerTimeout),
        (11, errors.PartitionUnavailable),
        (12, errors.BinTypeError),
        (13, errors.RecordTooBig),
        (14, errors.KeyBusy),
        (15, errors.QueryAborted),
        (17, errors.BinNotFound),
        (18, errors.DeviceOverload),
        (19, errors.KeyMismatch),
        (20, errors.InvalidNamespace),
        (21, errors.BinNameTooLong),
        (22, errors.FailForbidden),
        (23, errors.ElementNotFound),
        (24, errors.ElementExists),
        (25, errors.EnterpriseOnly),
        (26, errors.OpNotApplicable),
        (27, errors.FilteredOut),
        (28, errors.LostConflict),
        (51, errors.SecurityNotSupported),
        (52, errors.SecurityNotEnabled),
        (55, errors.SecurityError),
        (60, errors.InvalidUser),
        (61, errors.UserAlreadyExists),
        (62, errors.InvalidPassword),
        (63, errors.ExpiredPassword),
        (64, errors.ForbiddenPassword),
        (65, errors.InvalidCredential),
        (66, errors.ExpiredSession),
        (70, errors.InvalidRole),
        (71, errors.RoleAlreadyExists),
        (72, errors.InvalidPrivilege),
        (73, errors.InvalidAllowlist),
        (74, errors.QuotasNotEnabled),
        (75, errors.InvalidQuota),
        (80, errors.NotAuthenticated),
        (81, errors.RoleViolation),
        (82, errors.NotAllowlisted),
        (83, errors.QuotaExceeded),
        (93, errors.SecurityError),
        (100, errors.UdfError),
        (120, errors.TransactionBlocked),
        (121, errors.TransactionVersionMismatch),
        (122, errors.TransactionExpired),
        (123, errors.TransactionTooManyWrites),
        (124, errors.TransactionCommitted),
        (125, errors.TransactionAborted),
        (126, errors.TransactionAlreadyLocked),
        (127, errors.TransactionMonitorExists),
        (151, errors.BatchMaxRequestsExceeded),
        (160, errors.InvalidGeoJSON),
        (200, errors.IndexFound),
        (201, errors.IndexNotFound),
        (204, errors.SecondaryIndexError),
        (210, errors.QueryAborted),
        (212, errors.QueryTimeout),
        (213, errors.QueryError),
        (1, ServerError),
        (250, ServerError),
    ],
)
def test_a_code_makes_the_error_of_its_class(code, kind):
    error = from_code(code, node="A1", key=KEY)
    assert type(error) is kind
    assert error.result_code == code
    assert (error.node, error.key) == ("A1", KEY)


@all_of("code", ResultCode)
def test_an_error_about_a_record_has_its_key(code):
    """Else it is a plain ServerError, as of an info command about a job that the server does not know."""
    assert not isinstance(from_code(code), errors.RecordError)
    about_a_record = from_code(code, key=KEY)
    assert about_a_record.key == KEY
    if isinstance(about_a_record, errors.RecordError):
        assert type(from_code(code)) is ServerError
        assert from_code(code).result_code is code


def test_a_member_of_a_family_is_caught_as_the_family():
    assert isinstance(from_code(80), errors.SecurityError)
    assert isinstance(from_code(201), errors.SecondaryIndexError)
    assert isinstance(from_code(210), errors.QueryError)


@given(st.integers(-(2**63), 2**63))
def test_every_number_makes_a_server_error_that_says_it(code):
    error = from_code(code)
    assert isinstance(error, ServerError)
    assert error.result_code == code
    assert f"code {code}" in str(error)
    assert error.message


@all_of("code", ResultCode)
def test_message_and_advice_come_from_the_result_code(code):
    error = from_code(code)
    assert (error.message, error.advice) == (code.meaning, code.advice)
    assert error.result_code is code


def test_the_servers_own_words_win_over_the_meaning():
    error = from_code(100, "attempt to index nil", advice="mind the nil")
    assert (error.message, error.advice) == ("attempt to index nil", "mind the nil")


def test_a_server_error_made_by_hand_knows_its_code():
    error = RecordNotFound()
    assert error.result_code is ResultCode.KEY_NOT_FOUND_ERROR
    assert error.message == "record not found"


@all_of("kind", [kind for kind in CLASSES if issubclass(kind, ServerError)])
def test_every_server_error_has_a_result_code(kind):
    assert isinstance(kind().result_code, ResultCode)


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (errors.TimeoutError(), True),
        (errors.NoMoreConnections(), True),
        (errors.ConnectionError(), True),
        (errors.ConnectFailed(), True),
        (errors.ProtocolError(), True),
        (errors.InvalidNode(), False),
        (errors.InvalidArgument(), False),
        (errors.InvalidType(), False),
        (errors.ClientClosed(), False),
        (AerospikeError(), False),
        (errors.ServerTimeout(), True),
        (errors.KeyBusy(), True),
        (errors.XDRKeyBusy(), True),
        (errors.DeviceOverload(), True),
        (errors.PartitionUnavailable(), True),
        (errors.QuotaExceeded(), True),
        (errors.BatchQueuesFull(), True),
        (errors.IndexNotReadable(), True),
        (errors.RecordNotFound(), False),
        (errors.GenerationError(), False),
        (errors.FilteredOut(), False),
        (errors.ServerMemError(), False),
        (errors.BinTypeError(), False),
        (from_code(250), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_retryable_tells_whether_the_same_call_may_succeed_if_made_again(error, may_pass):
    assert error.retryable is may_pass
    assert pickle.loads(pickle.dumps(error)).retryable is may_pass


@all_of("code", ResultCode)
def test_an_error_is_retryable_as_its_code_is(code):
    assert from_code(code, key=KEY).retryable is code.retryable


def test_all_names_every_public_error():
    assert set(errors.__all__) == {
        "Attempt",
        *(kind.__name__ for kind in CLASSES if not kind.__name__.startswith("_")),
    }  # fmt: skip
    assert errors.__all__ == sorted(errors.__all__)


def test_a_code_can_not_be_taken_from_another_class():
    with pytest.raises(TypeError, match="code 2 already belongs to RecordNotFound"):

        class ThiefError(ServerError, code=ResultCode.KEY_NOT_FOUND_ERROR):
            pass

    assert type(from_code(2, key=KEY)) is RecordNotFound


# What an error knows ----------------------------------------------------------------------------------------


@all_of("kind", CLASSES)
def test_attributes_belong_to_the_instance(kind):
    first, second = kind("first", **CONTEXT), kind("second")
    assert first.message == "first"
    assert first.key == ("test", "users", "ann")
    assert (second.key, second.node, second.in_doubt, second.attempts) == (None, None, False, ())
    assert not set(ATTRIBUTES) & {name for base in kind.__mro__ for name in vars(base)}


@all_of("kind", CLASSES)
@all_of("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_survives_pickling_with_all_it_knows(kind, protocol):
    error = kind("went wrong", **CONTEXT)
    assert_twins(pickle.loads(pickle.dumps(error, protocol)), error)


@all_of("kind", CLASSES)
@all_of("duplicate", [copy.copy, copy.deepcopy])
def test_every_error_survives_copying_with_all_it_knows(kind, duplicate):
    error = kind("went wrong", **CONTEXT)
    twin = duplicate(error)
    assert_twins(twin, error)
    twin.node = "C3"
    assert error.node == "B2"


@given(st.integers(0, 255), st.text(), CONTEXTS)
def test_errors_of_all_codes_survive_pickling(code, message, context):
    error = from_code(code, message, **context)
    assert_twins(pickle.loads(pickle.dumps(error)), error)


@all_of("code", [*ResultCode, ResultCode.of(250)])
def test_errors_survive_cloudpickle(code):
    cloudpickle = pytest.importorskip("cloudpickle")
    error = from_code(code, "went wrong", **CONTEXT)
    assert_twins(cloudpickle.loads(cloudpickle.dumps(error)), error)


def test_a_users_subclass_with_other_arguments_survives_pickling():
    error = Strict("ann")
    twin = pickle.loads(pickle.dumps(error))
    assert_twins(twin, error)
    assert twin.user == "ann"


def fail_in_the_worker(code):
    raise from_code(code, **CONTEXT)


@pytest.mark.parametrize("code", [2, 9, 250])
def test_an_error_arrives_whole_from_another_process(code):
    with multiprocessing.get_context("spawn").Pool(1) as pool, pytest.raises(ServerError) as caught:
        pool.apply(fail_in_the_worker, (code,))
    assert_twins(caught.value, from_code(code, **CONTEXT))


def fail_for_a_reason():
    try:
        raise OSError(111, "Connection refused")
    except OSError as reason:
        raise errors.ConnectionError("could not connect to A1") from reason


def test_the_cause_is_chained():
    with pytest.raises(errors.ConnectionError) as caught:
        fail_for_a_reason()
    assert caught.value.__cause__.errno == 111


# What an error says -----------------------------------------------------------------------------------------


@all_of("kind", CLASSES)
def test_no_builtin_relative_changes_what_an_error_says(kind):
    assert str(kind("it's gone")).splitlines()[0].startswith("it's gone")
    assert str(AerospikeError("it's gone")) == "it's gone"


def test_an_error_says_key_code_and_node_in_one_line():
    error = from_code(2, key=("test", "users", "ann"), node="A1")
    assert str(error) == "record not found: ('test', 'users', 'ann') [code 2 KEY_NOT_FOUND_ERROR, node A1]"


def test_an_error_without_words_says_its_name():
    assert str(errors.ClientClosed()) == "ClientClosed"


def test_an_error_tells_doubt_attempts_and_advice():
    assert str(errors.TimeoutError("no answer in time", **CONTEXT)).splitlines() == [
        "no answer in time: ('test', 'users', 'ann') [node B2, deadline 500 ms]",
        "  in doubt: the write was or may still be applied",
        "  attempt 1: A1, 0.4 ms, not sent: connection refused",
        "  attempt 2: B2, 499.6 ms: no answer",
        "  advice: try tomorrow",
    ]


def test_a_single_attempt_is_not_told_twice():
    assert str(errors.ConnectionError("refused", attempts=ATTEMPTS[:1])) == "refused"


def test_an_attempt_without_a_node_says_so():
    assert str(Attempt(None, "no owner", 0, sent=False)) == "no node, 0.0 ms, not sent: no owner"


def test_a_traceback_shows_the_message_not_a_repr():
    lines = traceback.format_exception_only(RecordNotFound, RecordNotFound("it's gone", advice="look again"))
    assert "".join(lines).startswith(
        "pyspike.errors.RecordNotFound: it's gone [code 2 KEY_NOT_FOUND_ERROR]\n"
    )


def test_errors_print_nothing(capfd):
    for kind in CLASSES:
        str(kind("x", **CONTEXT))
    assert capfd.readouterr() == ("", "")
