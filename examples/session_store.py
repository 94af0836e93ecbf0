"""Sessions of a FastAPI application.

    python examples/session_store.py                    asks it some questions in this process
    uvicorn session_store:app                           serves it, in this folder

A session is a record that lives for half an hour from its last use on. The client is entered when the
application starts; its calls are awaited in the server's own loop.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Cookie, Depends, FastAPI, HTTPException, Response
from place import hosts

from pyspike import AsyncClient, Key, RecordExistsAction, RecordNotFound, WritePolicy
from pyspike import operations as op

LIFE = timedelta(minutes=30)
THERE = WritePolicy(record_exists_action=RecordExistsAction.UPDATE_ONLY, expiration=LIFE)


class Sessions:
    """Sessions, by the token that a browser keeps."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def begin(self, user: str) -> str:
        token = secrets.token_urlsafe(32)
        await self._client.put(self._key(token), {"user": user, "cart": []}, ttl=LIFE)
        return token

    async def read(self, token: str) -> dict[str, Any] | None:
        """The session, which lives on by being read; None if there is none any more."""
        try:
            record = await self._client.operate(self._key(token), [op.touch(), op.get()], policy=THERE)
        except RecordNotFound:
            return None
        return dict(record.bins)

    async def buy(self, token: str, what: str) -> int:
        """Put something into the cart; returns how much is in it."""
        buying = [op.lists.append("cart", what)]
        return int((await self._client.operate(self._key(token), buying, policy=THERE)).results[0])

    async def end(self, token: str) -> None:
        await self._client.delete(self._key(token))

    def _key(self, token: str) -> Key:
        return Key("test", "sessions", token)


@asynccontextmanager
async def life(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        where = stack.enter_context(hosts())
        client = await stack.enter_async_context(AsyncClient(where))
        app.state.sessions = Sessions(client)
        yield


app = FastAPI(lifespan=life)


def sessions() -> Sessions:
    found: Sessions = app.state.sessions
    return found


Store = Annotated[Sessions, Depends(sessions)]
Token = Annotated[str, Cookie()]


@app.post("/login/{user}")
async def login(user: str, response: Response, store: Store) -> None:
    response.set_cookie("token", await store.begin(user), httponly=True)


@app.post("/cart/{what}")
async def buy(what: str, store: Store, token: Token = "") -> int:
    try:
        return await store.buy(token, what)
    except RecordNotFound as error:
        raise HTTPException(401, "log in first") from error


@app.get("/me")
async def me(store: Store, token: Token = "") -> dict[str, Any]:
    session = await store.read(token)
    if session is None:
        raise HTTPException(401, "log in first")
    return session


@app.post("/logout")
async def logout(store: Store, token: Token = "") -> None:
    await store.end(token)


def main() -> None:
    from fastapi.testclient import TestClient

    with TestClient(app) as browser:
        print(browser.get("/me").status_code)
        browser.post("/login/ann")
        print(browser.post("/cart/tea").json(), browser.post("/cart/cup").json())
        print(browser.get("/me").json())
        browser.post("/logout")
        print(browser.get("/me").status_code)


if __name__ == "__main__":
    main()
