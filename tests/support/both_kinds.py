"""Which integration tests are run by threads and by tasks: all that make a client, but for those named here.

A test makes one if it names `Client` or runs a script, or if a fixture, function or class of its module does
that it uses. For tasks that name then stands for another class; so no test may come by its client in another
way.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from types import CodeType, ModuleType

# What makes a Client and is not run by tasks too, with the reason: modules, and tests.
ONE_KIND = {
    "async_scenarios": "about tasks; in one scenario they share the cluster of threads",
    "test_loops": "runs async_scenarios",
    "test_a_signal_to_tasks": "about many at once in one loop",
    "test_thousands_of_awaits_leave_nothing": "about what only tasks do: being cancelled",
    "test_a_kept_error_of_a_thread_holds_only_the_key": "tasks have one of their own",
    "test_a_client_whose_shared_one_was_closed_can_not_be_entered": "about tasks that use a Client's cluster",
    "test_async_signatures": "compares the methods of the two",
    "test_both_clients_tell_the_same_of_a_timeout": "compares the errors of the two",
    "test_timeout_delay_awaits_a_late_answer_and_uses_the_connection_again": "pipelines await all answers",
    "test_timeout_delay_gives_up_on_an_answer_that_never_comes": "test_async_pipeline has it of pipelines",
    "test_client_policy_max_conns_per_node_is_the_limit": "pipelines_per_node is that of tasks",
    "test_a_write_that_was_refused_is_not_in_doubt_when_the_client_closes": "tasks get no answer then",
    "test_a_full_pool_looks_after_late_answers_before_it_makes_anyone_wait": "pipelines await all answers",
}
MAKERS = {"Client", "run_scenario", "run_script"}
BY_ITSELF = re.compile(r"from pyspike(\.client)? import (.*[ ,])?Client\b")  # a script in a string


def makes_client(module: ModuleType, name: str, seen: set[str] | None = None) -> bool:
    """Whether the function, fixture or class of this name in this module makes a client."""
    seen = set() if seen is None else seen
    thing = vars(module).get(name)
    if name in seen or getattr(thing, "__module__", None) != module.__name__:
        return False
    seen.add(name)
    names = set(_names(thing))
    return bool(names & MAKERS) or any(makes_client(module, each, seen) for each in names)


def _names(thing: object) -> Iterator[str]:
    """All names in its code."""
    if isinstance(thing, CodeType):
        yield from thing.co_names
        for each in thing.co_consts:
            yield from _names(each)
    elif isinstance(thing, type):
        for each in vars(thing).values():
            yield from _names(each)
    elif callable(thing):
        yield from _names(getattr(inspect.unwrap(thing), "__code__", None))


def ways_around(source: str, *, is_test: bool) -> list[int]:
    """The lines of a module that come by a `Client` that is not of the kind its tests are run by.

    Args:
        source: the module's text.
        is_test: whether its own `Client` is replaced; a scenario takes one from support.clients.
    """
    tree = ast.parse(source)
    replaced = tree.body if is_test else []
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node not in replaced and _imports_client(node))
        or (isinstance(node, ast.Attribute) and node.attr == "Client")
        or (isinstance(node, ast.Constant) and BY_ITSELF.search(str(node.value)))
        or (isinstance(node, ast.FunctionDef) and _is_kept(node) and _names_client(node))
    ]


def _imports_client(node: ast.ImportFrom) -> bool:
    return node.module in ("pyspike", "pyspike.client") and "Client" in {each.name for each in node.names}


def _is_kept(node: ast.FunctionDef) -> bool:
    """Whether it is a fixture of several tests, which may be of either kind."""
    calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
    return any(keyword.arg == "scope" for call in calls for keyword in call.keywords)


def _names_client(node: ast.FunctionDef) -> bool:
    inside = [each for statement in node.body for each in ast.walk(statement)]
    return any(isinstance(each, ast.Name) and each.id == "Client" for each in inside)
