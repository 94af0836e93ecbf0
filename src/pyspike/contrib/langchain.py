"""LangChain keeps bytes by key in Aerospike, and answers of language models; by threads, and truly by tasks.

A record of the store has the bins `key` and `value`; one of the cache has `answers`, a list of JSON.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.messages import message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk
from langchain_core.stores import BaseStore

from pyspike import exp
from pyspike import operations as op
from pyspike._types import Ttl
from pyspike._wire import BatchDelete, BatchRead, BatchWrite, Key, Record
from pyspike.aio import AsyncClient
from pyspike.client import Client
from pyspike.contrib.clients import Clients
from pyspike.contrib.rows import batch
from pyspike.contrib.steps import Call, Steps, once
from pyspike.errors import InvalidType
from pyspike.policy import WritePolicy
from pyspike.query import Statement
from pyspike.showing import shown

__all__ = ["AerospikeByteStore", "AerospikeCache"]

SPECIAL = frozenset("\\.[](){}*+?^$|")  # of regular expressions as nodes have them
KINDS = {each.__name__: each for each in (Generation, GenerationChunk, ChatGeneration, ChatGenerationChunk)}
_log = logging.getLogger(__name__)


class AerospikeByteStore(BaseStore[str, bytes]):  # type: ignore[misc]
    """A `ByteStore` of LangChain in one set of an Aerospike cluster.

        store = AerospikeByteStore("aerospike://127.0.0.1:3000/test?set=embeddings")
        embeddings = CacheBackedEmbeddings.from_bytes_store(model, store, namespace=model.model)

    All methods have asynchronous twins that run inside the caller's loop.

    Args:
        client: a `Client`, for both kinds of methods, or an `AsyncClient`, for the asynchronous ones; it is
            not closed. Or a URL: all that name the same cluster share a client in this process.
        namespace: the cluster's namespace; None for that of the URL.
        set_name: the set, which has nothing else in it; None for that of the URL, or "langchain".
        ttl: how long values live after they are set: seconds, a timedelta or an `Expiration`; None for what
            the namespace says.

    Raises:
        InvalidType, InvalidArgument: an argument is no such thing, or no namespace is known.
    """

    def __init__(
        self,
        client: Client | AsyncClient | str,
        *,
        namespace: str | None = None,
        set_name: str | None = None,
        ttl: Ttl | None = None,
    ) -> None:
        self._clients = Clients(client, namespace=namespace, set_name=set_name, default_set="langchain")
        self._ttl = None if ttl is None else WritePolicy(expiration=ttl).expiration

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of keys; None where there is none."""
        return self._clients.run(self._get(keys))

    async def amget(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of keys; None where there is none."""
        return await self._clients.run_async(self._get(keys))

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Set values of keys. Of several for one key, the last counts.

        Raises:
            InvalidType: a key is no str or a value no bytes; nothing was set.
            BatchError, AerospikeError: some were not set; the error tells which.
        """
        self._clients.run(self._set(key_value_pairs))

    async def amset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Set values of keys: see `mset`."""
        await self._clients.run_async(self._set(key_value_pairs))

    def mdelete(self, keys: Sequence[str]) -> None:
        """Delete the values of keys, if there are any."""
        self._clients.run(batch([BatchDelete(self._key(key)) for key in keys]))

    async def amdelete(self, keys: Sequence[str]) -> None:
        """Delete the values of keys, if there are any."""
        await self._clients.run_async(batch([BatchDelete(self._key(key)) for key in keys]))

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """All keys that begin with a prefix, in no order, as the nodes come to them in reading the set."""
        with self._clients.client().query(self._keys(), filter_expression=_beginning(prefix)) as found:
            for record in found:
                if record["key"].startswith(prefix or ""):
                    yield record["key"]

    async def ayield_keys(self, *, prefix: str | None = None) -> AsyncIterator[str]:
        """All keys that begin with a prefix: see `yield_keys`."""
        client = await self._clients.async_client()
        async with client.query(self._keys(), filter_expression=_beginning(prefix)) as found:
            async for record in found:
                if record["key"].startswith(prefix or ""):
                    yield record["key"]

    def _keys(self) -> Statement:
        return Statement(self._clients.namespace, self._clients.set_name, bins=["key"])

    def _get(self, keys: Sequence[str]) -> Steps[list[bytes | None]]:
        found = yield from batch([BatchRead(self._key(key), ["value"]) for key in keys])
        return [None if record is None else record["value"] for record in found]

    def _set(self, pairs: Sequence[tuple[str, bytes]]) -> Steps[list[Record | None]]:
        rows = {}
        for key, value in pairs:
            if not isinstance(value, bytes):
                raise InvalidType(f"a store of bytes keeps bytes, not {shown(value)}")
            bins = [op.put("key", key), op.put("value", value)]
            rows[key] = BatchWrite(self._key(key), bins, ttl=self._ttl)
        return batch(list(rows.values()))

    def _key(self, key: str) -> Key:
        if not isinstance(key, str):  # a number would be one of Aerospike, and no key that LangChain can list
            raise InvalidType(f"a key of the store is a str, not {shown(key)}")
        return self._clients.key(key)


class AerospikeCache(BaseCache):  # type: ignore[misc]
    """A cache of LangChain for the answers of language models, in one set of an Aerospike cluster.

        set_llm_cache(AerospikeCache("aerospike://127.0.0.1:3000/test?set=answers", ttl=3600))

    All methods have asynchronous twins that run inside the caller's loop. Answers are stored as JSON; nothing
    but generations and messages is made of it. Answers that JSON can't hold are not kept, which is logged.

    Args:
        client, namespace, ttl: as for `AerospikeByteStore`.
        set_name: the set, which has nothing else in it; None for that of the URL, or "llm_cache".

    Raises:
        InvalidType, InvalidArgument: an argument is no such thing, or no namespace is known.
    """

    def __init__(
        self,
        client: Client | AsyncClient | str,
        *,
        namespace: str | None = None,
        set_name: str | None = None,
        ttl: Ttl | None = None,
    ) -> None:
        self._clients = Clients(client, namespace=namespace, set_name=set_name, default_set="llm_cache")
        self._clearing = Call("truncate", self._clients.namespace, self._clients.set_name)
        self._ttl = None if ttl is None else WritePolicy(expiration=ttl).expiration

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """What a model has answered; None if that is not known, or can't be read, which is logged."""
        return self._clients.run(self._lookup(self._key(prompt, llm_string)))

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """What a model has answered: see `lookup`."""
        return await self._clients.run_async(self._lookup(self._key(prompt, llm_string)))

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep what a model has answered.

        Args:
            prompt: what it was asked.
            llm_string: the model and its parameters.
            return_val: its answers.

        Raises:
            InvalidType: they are no generations.
        """
        self._clients.run(self._update(self._key(prompt, llm_string), return_val))

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep what a model has answered: see `update`."""
        await self._clients.run_async(self._update(self._key(prompt, llm_string), return_val))

    def clear(self, **kwargs: Any) -> None:
        """Forget all answers: truncates the set."""
        self._clients.run(once(self._clearing))

    async def aclear(self, **kwargs: Any) -> None:
        """Forget all answers: truncates the set."""
        await self._clients.run_async(once(self._clearing))

    def _lookup(self, key: Key) -> Steps[RETURN_VAL_TYPE | None]:
        record = yield Call("get", key, default=None)
        if record is None:
            return None
        try:
            return [_answer(json.loads(text)) for text in record["answers"]]
        except (KeyError, TypeError, ValueError):
            _log.warning("answers in the cache can't be read: %r", key, exc_info=True)
            return None

    def _update(self, key: Key, answers: RETURN_VAL_TYPE) -> Steps[None]:
        for each in answers:
            if type(each).__name__ not in KINDS:
                raise InvalidType(f"an answer of a model is a Generation, not {shown(each)}")
        try:
            texts = [json.dumps(_told(each)) for each in answers]
        except TypeError:
            _log.warning("answers can't be kept as JSON", exc_info=True)
            return
        yield Call("put", key, {"answers": texts}, ttl=self._ttl)

    def _key(self, prompt: str, llm_string: str) -> Key:
        return self._clients.key(json.dumps([prompt, llm_string]))


def _told(answer: Generation) -> dict[str, Any]:
    """An answer as JSON has it."""
    told = {
        "kind": type(answer).__name__,
        "text": answer.text,
        "generation_info": answer.generation_info,
    }
    if isinstance(answer, ChatGeneration):
        told["message"] = message_to_dict(answer.message)
    return told


def _answer(told: dict[str, Any]) -> Generation:
    """What `_told` told."""
    kind = KINDS[told.pop("kind")]
    if "message" in told:
        told["message"] = messages_from_dict([told["message"]])[0]
    return kind(**told)


def _beginning(prefix: str | None) -> exp.Expression | None:
    """What holds for keys that begin with a prefix, and for others if it has a NUL: nodes read no farther."""
    if not prefix:
        return None
    pattern = "".join(f"\\{each}" if each in SPECIAL else each for each in prefix.partition("\0")[0])
    return exp.regex_compare(f"^{pattern}", exp.string_bin("key"), flags=exp.RegexFlags.EXTENDED)
