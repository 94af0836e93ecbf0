"""One security message: a request in, its answer out, whatever the request is like.

Owns: the choice by command, and the frames of an answer. Not here: what commands do (login.py,
administration.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..protocol.constants import ProtoType
from ..protocol.framing import frame
from ..protocol.result import RequestError, ResultCode
from ..protocol.security_codes import SecurityCommand
from ..protocol.security_message import encode_block, parse_security
from .administration import administrate
from .login import authenticate, log_in
from .state import Caller, ClusterSecurity, NodeView

__all__ = ["SecurityAnswer", "answer"]

_FRAME_SIZE = 1024
"""A frame of a long answer takes no more blocks when it has so many bytes: small, so that clients meet both
several blocks in a frame and several frames."""


class SecurityAnswer(NamedTuple):
    """An answer: its frames, and how many seconds later than others it is sent."""

    frames: bytes
    delay: float = 0.0


def answer(security: ClusterSecurity, node: NodeView, caller: Caller, body: bytes) -> SecurityAnswer:
    """Answer a request.

    Args:
        security: the security of the cluster.
        node: the node that is asked.
        caller: who has sent it; is another user afterwards if it is a login.
        body: the request.

    """
    if not security.is_on:
        return _ended(ResultCode.SEC_NOT_CONFIGURED)
    try:
        command, fields = parse_security(body)
        if command == SecurityCommand.LOGIN:
            return _login(security, node, caller, fields)
        if command == SecurityCommand.AUTHENTICATE:
            code = security.faults.take_authentication()
            if not code:
                authenticate(security, node, caller, fields)
            return _ended(code)
        return SecurityAnswer(_frames(administrate(security, node, caller, command, fields)))
    except RequestError as error:
        return _ended(error.code)


def _login(
    security: ClusterSecurity, node: NodeView, caller: Caller, fields: dict[int, bytes]
) -> SecurityAnswer:
    delay, code = security.faults.login_delay, security.faults.take_login()
    told: list[tuple[int, bytes]] = []
    if not code:
        try:
            told = log_in(security, node, caller, fields)
        except RequestError as error:
            code = error.code
    return SecurityAnswer(_frames([encode_block(code, told)]), delay)


def _ended(code: int) -> SecurityAnswer:
    return SecurityAnswer(_frames([encode_block(code)]))


def _frames(blocks: Iterable[bytes]) -> bytes:
    """The blocks in frames."""
    frames, body = [], b""
    for block in blocks:
        if body and len(body) + len(block) > _FRAME_SIZE:
            frames.append(frame(ProtoType.SECURITY, body))
            body = b""
        body += block
    return b"".join((*frames, frame(ProtoType.SECURITY, body)))
