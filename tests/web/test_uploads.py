"""Files that are sent for a mutation: whole or not at all, within their limit, by whom may change something."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from hub.access.authority import Credentials
from hub.errors import NotFound, Unauthenticated
from hub.ingest.uploads import Uploads
from hub.viewer import Action, Mask, Viewer
from hub.web.config import WebConfig
from hub.web.server import serve
from tests.web.tiny import TinyHub

LIMIT = 3_000_000


class NoToken:
    """Refuses whoever brings nothing."""

    async def viewer(self, credentials: Credentials) -> Viewer:
        if credentials.authorization is None:
            raise Unauthenticated("Bring a token.")
        return Viewer(subject="reader")


class Nothing:
    version = "none"

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        return ()


async def send(
    folder: Path,
    content: bytes | AsyncIterator[bytes],
    *,
    hub: TinyHub | None = None,
    method: str = "POST",
    **headers: str,
) -> httpx.Response:
    running = hub or TinyHub(WebConfig(port=0), uploads=Uploads(folder, LIMIT))
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(running.application, running.config, running.stop, address.set_result))
        async with httpx.AsyncClient(base_url=await address) as client:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            response = await client.request(method, "/uploads", content=content, headers=given)
        running.stop.set()
    return response


def sent(folder: Path, content: bytes | AsyncIterator[bytes], **more: object) -> httpx.Response:
    return asyncio.run(send(folder, content, **more))  # type: ignore[arg-type]


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["extensions"]["code"]


async def endless() -> AsyncIterator[bytes]:
    """Says no length."""
    for _ in range(4):
        yield b"x" * 1_000_000


def test_a_file_larger_than_a_request_is_kept_by_its_content(tmp_path: Path) -> None:
    data = os.urandom(2_500_000)
    answer = sent(tmp_path / "uploads", data)
    id_ = hashlib.sha256(data).hexdigest()
    assert (answer.status_code, answer.json()) == (201, {"id": id_, "size": 2_500_000})
    found = asyncio.run(Uploads(tmp_path / "uploads", LIMIT).find(id_))
    assert found.file.read_bytes() == data
    assert (found.file.parent.stat().st_mode & 0o777) == 0o700
    assert sent(tmp_path / "uploads", data).json()["id"] == id_
    assert [file.name for file in (tmp_path / "uploads").iterdir()] == [id_], "nothing half is left"


def test_what_is_too_large_or_nothing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    assert error(sent(folder, b"x" * (LIMIT + 1))) == (413, "BAD_REQUEST")
    assert error(sent(folder, endless())) == (413, "BAD_REQUEST")
    assert error(sent(folder, b"")) == (400, "BAD_REQUEST")
    assert error(sent(folder, b"", method="GET")) == (405, "BAD_REQUEST")
    assert error(sent(folder, b"x", content_type="multipart/form-data; boundary=b")) == (415, "BAD_REQUEST")
    assert not list(folder.iterdir())


def test_another_page_or_host_sends_nothing(tmp_path: Path) -> None:
    assert error(sent(tmp_path / "uploads", b"x", origin="https://elsewhere.example")) == (403, "FORBIDDEN")
    assert error(sent(tmp_path / "uploads", b"x", host="elsewhere.example")) == (421, "FORBIDDEN")
    assert not (tmp_path / "uploads").exists()


def test_who_has_no_token_or_may_change_nothing_sends_nothing(tmp_path: Path) -> None:
    def hub() -> TinyHub:
        uploads = Uploads(tmp_path / "uploads", LIMIT)
        return TinyHub(WebConfig(port=0), authority=NoToken(), rights=Nothing(), uploads=uploads)

    assert error(sent(tmp_path, b"x", hub=hub())) == (401, "UNAUTHENTICATED")
    assert error(sent(tmp_path, b"x", hub=hub(), authorization="Bearer x")) == (403, "FORBIDDEN")
    assert not (tmp_path / "uploads").exists()


def test_uploads_that_nobody_uses_are_dropped_and_too_many_wait_not(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    uploads = Uploads(folder, 100)

    async def one(data: bytes) -> str:
        async def chunks() -> AsyncIterator[bytes]:
            yield data

        return (await uploads.receive(chunks())).id

    async def play() -> None:
        kept, dropped = await one(b"kept"), await one(b"dropped")
        for id_ in (kept, dropped):
            os.utime(folder / id_, (0, time.time() - 3500))
        await uploads.find(kept)
        for id_ in (dropped, "nothing"):
            (folder / id_).touch()
            os.utime(folder / id_, (0, time.time() - 3700))
        assert await uploads.expire() == 2
        assert (await uploads.find(kept)).size == 4
        for id_ in (dropped, "../park.key", "", "nothing"):
            with pytest.raises(NotFound, match="POST /uploads"):
                await uploads.find(id_)

    asyncio.run(play())
    for number in range(10):
        assert sent(folder, b"%d" % number * 100, hub=TinyHub(WebConfig(port=0), uploads=uploads)).status_code == 201
    full = sent(folder, b"x", hub=TinyHub(WebConfig(port=0), uploads=uploads))
    assert error(full) == (429, "RATE_LIMITED")
