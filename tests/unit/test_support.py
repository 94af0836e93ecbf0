"""What the tests themselves rely on."""

from __future__ import annotations

import pytest

from support.ids import shown, with_address

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (object(), "<object object>"),
        ([memoryview(b"x"), 1], "[<memory>, 1]"),
        (shown, "<function shown>"),
        (print, "<built-in function print>"),
        ("at 0x", "'at 0x'"),
    ],
)
def test_an_id_is_the_representation_without_addresses(value, expected):
    assert shown(value) == expected
    assert with_address([repr(value), shown(value)]) == [repr(value)] * (repr(value) != expected)


def test_ids_with_addresses_are_refused_by_name(pytester, request):
    conftest = request.config.rootpath / "tests" / "conftest.py"
    pytester.makeconftest(conftest.read_text(encoding="utf-8"))
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("value", [object()], ids=repr)
        def test_of(value):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:pyspike", "-p", "no:asyncio")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: ids with addresses*", "*::test_of[[]<object object at 0x*"])
