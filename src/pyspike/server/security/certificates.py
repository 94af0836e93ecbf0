"""Who a client is by its certificate.

Owns: finding the name in it. Not here: whether the certificate holds, which TLS has found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["common_name"]


def common_name(certificate: Mapping[str, Any] | None) -> str | None:
    """The common name of the subject of a certificate as `ssl` gives it; None if there is none."""
    if not certificate:
        return None
    subject: Iterable[Iterable[tuple[str, str]]] = certificate.get("subject", ())
    return next((value for part in subject for name, value in part if name == "commonName"), None)
