"""A small Ed-Fi ODS/API for tests: real HTTP on loopback, records in memory, change versions, both ways of paging, and faults on demand."""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, SECRET = "fictional-key-5d1c", "fictional-secret-9a7e"
MAX_LIMIT, DEFAULT_LIMIT = 500, 25


def plural(name: str) -> str:
    return name[:-1] + "ies" if name.endswith("y") and name[-2] not in "aeiou" else name + "s"


@dataclass
class Item:
    id: str
    order: int
    version: int
    record: dict[str, Any]

    @property
    def text(self) -> str:
        return json.dumps({"id": self.id, **self.record}, separators=(",", ":"), ensure_ascii=False)


@dataclass
class Store:
    """What the server holds. Every change takes the next version."""

    resources: dict[str, dict[str, Item]] = field(default_factory=dict)
    logs: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)  # resource -> keyChanges, deletes
    oldest: int = 0
    newest: int = 0

    def load(self, folder: Path, only: set[str] | None = None) -> Store:
        for path in sorted(folder.glob("*.jsonl")):
            if only is None or plural(path.stem) in only:
                self.resources[plural(path.stem)] = {}
                for line in path.read_text(encoding="utf-8").splitlines():
                    self.put(plural(path.stem), json.loads(line))
        return self

    def put(self, resource: str, record: dict[str, Any], item_id: str = "") -> str:
        self.newest += 1
        items = self.resources.setdefault(resource, {})
        item_id = item_id or hashlib.md5(f"{resource} {self.newest}".encode()).hexdigest()
        order = items[item_id].order if item_id in items else self.newest
        items[item_id] = Item(item_id, order, self.newest, record)
        return item_id

    def remove(self, resource: str, item_id: str) -> None:
        self.newest += 1
        gone = self.resources[resource].pop(item_id)
        self._log(resource, "deletes", {"id": item_id, "changeVersion": self.newest, "keyValues": {"order": gone.order}})

    def rekey(self, resource: str, item_id: str) -> None:
        self.newest += 1
        item = self.resources[resource][item_id]
        item.version, item.record = self.newest, {**item.record, "key": self.newest}
        self._log(resource, "keyChanges", {"id": item_id, "changeVersion": self.newest, "oldKeyValues": {}, "newKeyValues": {"key": self.newest}})

    def purge(self) -> None:
        """Forget what was deleted and what was called otherwise."""
        self.oldest = self.newest
        self.logs = {}

    def _log(self, resource: str, kind: str, entry: dict[str, Any]) -> None:
        self.logs.setdefault(resource, {}).setdefault(kind, []).append(entry)

    def texts(self, resource: str) -> dict[str, str]:
        return {i.id: i.text for i in self.resources.get(resource, {}).values()}

    def rows(self, resource: str, kind: str, low: int, high: int) -> list[tuple[int, str]]:
        """Order and text of what a query with these bounds sees."""
        if kind:
            entries = self.logs.get(resource, {}).get(kind, [])
            return [(e["changeVersion"], json.dumps(e)) for e in entries if low <= e["changeVersion"] <= high]
        return sorted((i.order, i.text) for i in self.resources[resource].values() if low <= i.version <= high)

    def snapshot(self) -> Store:
        return copy.deepcopy(self)


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    before: float = 0.0  # seconds of silence before the reply
    cut: bool = False  # the connection ends in the middle of the body
    drip: float = 0.0  # seconds between pieces of the body

    def records(self) -> list[Any]:
        return json.loads(self.body)

    def hold(self, records: list[Any]) -> None:
        self.body = json.dumps(records, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Fault:
    """What happens to requests whose path and query match, `times` times after the first `skip`."""

    match: str
    do: Callable[[Server, Reply], None]
    times: int = 1
    skip: int = 0

    def strikes(self, target: str) -> bool:
        if not re.search(self.match, target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


def status(code: int, **headers: str) -> Callable[[Server, Reply], None]:
    def do(_: Server, reply: Reply) -> None:
        reply.status, reply.body = code, b'{"detail": "as asked"}'
        reply.headers = {k.replace("_", "-"): v for k, v in headers.items()}

    return do


class Server(ThreadingHTTPServer):
    """Runs in a thread. `faults` may be added to at any time; `log` is every request and its status."""

    daemon_threads = True

    def __init__(self, store: Store) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = store
        self.cursors = True
        self.versions = True
        self.forbidden: set[str] = set()  # resources, or resource/deletes
        self.token_seconds: float = 1800
        self.tokens: dict[str, float] = {}
        self.faults: list[Fault] = []
        self.log: list[tuple[str, int]] = []
        self.lock = threading.RLock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self, pattern: str) -> list[str]:
        return [target for target, code in self.log if code == 200 and re.search(pattern, target)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""

    def answer(self, method: str, target: str, authorization: str) -> Reply:
        with self.lock:
            reply = self._answer(method, target, authorization)
            for fault in self.faults:
                if fault.strikes(target):
                    fault.do(self, reply)
            self.log.append((target, reply.status))
            return reply

    def _answer(self, method: str, target: str, authorization: str) -> Reply:
        parts = urlsplit(target)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        if parts.path == "/oauth/token" and method == "POST":
            if authorization != "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode():
                return Reply(401)
            token = hashlib.md5(f"token {len(self.tokens)} {time.time()}".encode()).hexdigest()
            self.tokens[token] = time.monotonic() + self.token_seconds
            return Reply(body=json.dumps({"access_token": token, "expires_in": int(self.token_seconds), "token_type": "bearer"}).encode())
        if self.tokens.get(authorization.removeprefix("Bearer "), 0) < time.monotonic():
            return Reply(401)
        if parts.path == "/changeQueries/v1/availableChangeVersions" and self.versions:
            return Reply(body=json.dumps({"oldestChangeVersion": self.store.oldest, "newestChangeVersion": self.store.newest}).encode())
        found = re.fullmatch(r"/data/v3/ed-fi/(\w+)(?:/(deletes|keyChanges))?", parts.path)
        if not found or found.group(1) not in self.store.resources or (found.group(2) and not self.versions):
            return Reply(404)
        if parts.path.removeprefix("/data/v3/ed-fi/") in self.forbidden:
            return Reply(403)
        return self._page(found.group(1), found.group(2) or "", query)

    def _page(self, resource: str, kind: str, query: dict[str, str]) -> Reply:
        rows = self.store.rows(resource, kind, int(query.get("minChangeVersion", 0)), int(query.get("maxChangeVersion", 1 << 62)))
        headers: dict[str, str] = {}
        if self.cursors and not kind and query.keys() & {"pageToken", "pageSize"}:
            size = int(query.get("pageSize", DEFAULT_LIMIT))
            if query.keys() & {"offset", "limit", "totalCount"} or size > MAX_LIMIT:
                return Reply(400)
            after = int(base64.urlsafe_b64decode(query["pageToken"])) if "pageToken" in query else -1
            page = [r for r in rows if r[0] > after][:size]
            if page:
                headers["Next-Page-Token"] = base64.urlsafe_b64encode(str(page[-1][0]).encode()).decode()
        else:
            offset, limit = int(query.get("offset", 0)), int(query.get("limit", DEFAULT_LIMIT))
            if limit > MAX_LIMIT:
                return Reply(400)
            page = rows[offset : offset + limit]
            if query.get("totalCount") == "true":
                headers["Total-Count"] = str(len(rows))
        return Reply(headers=headers, body=f"[{','.join(text for _, text in page)}]".encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve("POST")

    def _serve(self, method: str) -> None:
        reply = self.server.answer(method, self.path, self.headers.get("Authorization", ""))
        time.sleep(reply.before)
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.cut:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
        elif reply.drip:
            for at in range(0, len(reply.body), 10_000):
                self.wfile.write(reply.body[at : at + 10_000])
                self.wfile.flush()
                time.sleep(reply.drip)
        else:
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@contextlib.contextmanager
def running(store: Store) -> Iterator[Server]:
    server = Server(store)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
