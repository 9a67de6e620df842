"""An Ed-Fi ODS/API over HTTP: entering, asking, waiting when told to, and pages of records.

Belongs here: one request at a time, and what its failure means in words. TLS certificates are always verified. The key, the secret, the token and
what a reply holds are in no message. https://docs.ed-fi.org/reference/ods-api/client-developers-guide/
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from pipelines.api_settings import Api, Credentials
from pipelines.intake.window import Versions

_CHUNK = 1 << 16  # bytes
_MAX_BODY = 1 << 28  # bytes: a page is a few megabytes
_SLOWEST = 10  # times the timeout that a whole reply may take
_LONGEST_WAIT = 120.0  # seconds that a server may ask us to wait
_EARLY = 60.0  # seconds before its end that a token is renewed
_TOKEN_SECONDS = 1800.0  # where the server does not say how long a token holds
_RENEWALS = 2  # tokens that may be refused one after the other, for one request


_LATER = "nothing is lost, the next run goes on from here"
T = TypeVar("T")


class ApiError(Exception):
    """What was asked for could not be had; the message says why and what to do."""


class RefusedError(ApiError):
    """The server does not know the key and secret: nothing can be had from it."""


class UnreachableError(ApiError):
    """No answer, or none but that there are too many requests, after every attempt."""


class ForbiddenError(ApiError):
    """403: the client may not read this."""


class AbsentError(ApiError):
    """404: the server has nothing of this name."""


class BadRequestError(ApiError):
    """400: the server cannot make sense of the request."""


class _Again(Exception):
    """To be tried again: after `wait` seconds where the server says so, else after a growing while."""

    def __init__(self, why: str, wait: float | None = None, *, unreachable: bool = False) -> None:
        super().__init__(why)
        self.wait = wait
        self.unreachable = unreachable


class _Bearer(AuthBase):
    """The token of a request. An auth object, so that no .netrc takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True)
class Page:
    """Records as the server wrote them, one line each; how many there are in all and the next page's token, where the server says so."""

    records: tuple[str, ...]
    total: int | None
    next_token: str


@dataclass(frozen=True, repr=False)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """One API, entered with one key. Not for several threads."""

    def __init__(self, api: Api, credentials: Credentials, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api, self._credentials, self._sleep = api, credentials, sleep
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        self._token, self._renew_at = "", 0.0

    def __repr__(self) -> str:
        return f"Client({self._api.url})"

    def close(self) -> None:
        self._session.close()

    def versions(self) -> Versions | None:
        """The server's change versions; none where it keeps none or does not show them (403, 404)."""
        path = f"{self._api.changes_path}/availableChangeVersions"
        try:
            value = self._retried(path, {}, _json)
        except (ForbiddenError, AbsentError):
            return None
        numbers = {str(k).lower(): v for k, v in value.items()} if isinstance(value, dict) else {}
        try:  # older servers write OldestChangeVersion
            return Versions(int(numbers["oldestchangeversion"]), int(numbers["newestchangeversion"]))
        except (KeyError, TypeError, ValueError):
            raise ApiError(f"{path}: the reply names no oldest and newest change version; see url and changes_path") from None

    def page(self, path: str, query: Mapping[str, str]) -> Page:
        """One page of the resource `path` (such as `students` or `students/deletes`)."""
        return self._retried(f"{self._api.data_path}/ed-fi/{path}", query, _page)

    def count(self, path: str, query: Mapping[str, str]) -> int:
        """How many records there are. Raises ApiError where the server does not say."""
        total = self.page(path, {**query, "limit": "0", "totalCount": "true"}).total
        if total is None:
            raise ApiError(f"{path}: the server gives no Total-Count, so it cannot be seen whether all records came")
        return total

    def _retried(self, path: str, query: Mapping[str, str], read: Callable[[_Reply], T]) -> T:
        """Ask, and read the reply, as often as the settings say. Raises ApiError."""
        tries = Retrying(retry=retry_if_exception_type(_Again), stop=stop_after_attempt(self._api.attempts), wait=self._wait, sleep=self._sleep, reraise=True)
        try:
            return tries(lambda: read(self._ask(path, query)))
        except _Again as e:
            kind = UnreachableError if e.unreachable else ApiError
            raise kind(f"{path}: {e}, asked {self._api.attempts} times; {_LATER}") from None

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Again) and error.wait is not None:
            return error.wait
        first = self._api.backoff_seconds
        return wait_exponential_jitter(multiplier=first, max=60, jitter=first / 2)(state)

    def _ask(self, path: str, query: Mapping[str, str]) -> _Reply:
        for _ in range(_RENEWALS + 1):
            if not self._token or time.monotonic() >= self._renew_at:
                self._enter()
            reply = self._send("GET", path, params=dict(query), auth=_Bearer(self._token))
            if reply.status != 401:
                _raise_for(path, reply)
                return reply
            self._token = ""  # it ended before its time, or the server was started anew
        raise ApiError(f"{path}: a new token is refused (401); ask the API's host what this client may read")

    def _enter(self) -> None:
        """A token for the key and secret (OAuth 2 client credentials)."""
        api, path = self._api, self._api.token_path
        basic = HTTPBasicAuth(self._credentials.key.get_secret_value().encode(), self._credentials.secret.get_secret_value().encode())
        reply = self._send("POST", path, data={"grant_type": "client_credentials"}, auth=basic)
        if reply.status in (400, 401, 403):
            raise RefusedError(
                f"{path}: the key and secret are refused ({reply.status}); see {api.key_env} and {api.secret_env} in the environment, and url of the source"
            )
        _raise_for(path, reply)
        value = _json(reply)
        token = value.get("access_token") if isinstance(value, dict) else None
        if not isinstance(token, str) or not token:
            raise ApiError(f"{path}: the reply holds no access_token; see url and token_path of the source")
        seconds = value.get("expires_in")
        lasts = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else _TOKEN_SECONDS
        self._token = token
        self._renew_at = time.monotonic() + lasts - min(_EARLY, lasts / 10)

    def _send(self, method: str, path: str, **how: Any) -> _Reply:
        """One exchange, body included. Raises _Again for what may pass, ApiError for what will not."""
        seconds = self._api.timeout_seconds
        late = time.monotonic() + _SLOWEST * seconds
        try:
            with self._session.request(method, self._api.url + path, timeout=seconds, stream=True, allow_redirects=False, verify=True, **how) as answer:
                body = bytearray()
                for chunk in answer.iter_content(_CHUNK):
                    body += chunk
                    if time.monotonic() > late:
                        raise _Again(f"the reply took longer than {_SLOWEST * seconds:g} seconds", unreachable=True)
                    if len(body) > _MAX_BODY:
                        raise ApiError(f"{path}: a reply of more than {_MAX_BODY >> 20} MiB; set a smaller page_size")
                return _Reply(answer.status_code, answer.headers, bytes(body))
        except requests.exceptions.SSLError:
            raise ApiError(
                f"{self._api.url}: its certificate cannot be verified; have it mended, or name the authority's certificate in REQUESTS_CA_BUNDLE"
            ) from None
        except requests.exceptions.Timeout:
            raise _Again(f"no answer within {seconds:g} seconds", unreachable=True) from None
        except requests.exceptions.ConnectionError:
            raise _Again("the connection failed or broke off", unreachable=True) from None
        except requests.exceptions.ChunkedEncodingError:
            raise _Again("the connection broke off in the middle of a reply") from None
        except requests.exceptions.RequestException as e:
            raise _Again(f"the exchange failed ({type(e).__name__})") from None


def _raise_for(path: str, reply: _Reply) -> None:
    status = reply.status
    if status == 200:
        return
    if status == 429 or status >= 500:
        wait = _retry_after(reply.headers.get("Retry-After", ""))
        if wait is not None and wait > _LONGEST_WAIT:
            raise ApiError(f"{path}: the server ({status}) asks to come back in {wait:.0f} seconds; run again then")
        # 429 and 503 are said of the server as a whole
        raise _Again("too many requests (429)" if status == 429 else f"the server failed ({status})", wait, unreachable=status in (429, 503))
    if status == 403:
        raise ForbiddenError(f"{path}: not available to this client (403); ask the API's host to grant it")
    if status == 404:
        raise AbsentError(f"{path}: not on this server (404); see its spelling and the server's data standard")
    if status == 400:
        raise BadRequestError(f"{path}: the server cannot use the request (400); see page_size (it may allow fewer) and paging of the source")
    if 300 <= status < 400:
        raise ApiError(f"{path}: the server sends elsewhere ({status}); set url of the source to where it is now")
    raise ApiError(f"{path}: the server answers {status}; see url and data_path of the source")


def _retry_after(text: str) -> float | None:
    """Seconds, from a number or an HTTP date; none where it is neither."""
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _json(reply: _Reply) -> Any:
    try:
        return json.loads(reply.body.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise _Again("the reply is not JSON, or is cut short") from None


def _page(reply: _Reply) -> Page:
    try:
        records = split_list(reply.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise _Again("the reply is no list of JSON objects, or is cut short") from None
    total = reply.headers.get("Total-Count", "")
    return Page(records, int(total) if re.fullmatch(r"\d{1,18}", total) else None, reply.headers.get("Next-Page-Token", ""))


_SPACE = re.compile(r"[ \t\r\n]*")
_OUTSIDE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')


def split_list(text: str) -> tuple[str, ...]:
    """The objects of a JSON list, each as it was written (numbers keep their digits) on one line. Raises ValueError where the text is anything else."""
    decoder, records = json.JSONDecoder(), []

    def skip(place: int) -> int:
        found = _SPACE.match(text, place)
        return found.end() if found else place

    at = skip(0)
    if text[at : at + 1] != "[":
        raise ValueError("not a list")
    at = skip(at + 1)
    more = text[at : at + 1] != "]"
    while more:
        value, end = decoder.raw_decode(text, at)
        if not isinstance(value, dict):
            raise ValueError("not an object")
        record = text[at:end]
        records.append(_OUTSIDE.sub(lambda m: m.group(1) or "", record) if "\n" in record or "\r" in record else record)
        at = skip(end)
        more = text[at : at + 1] == ","
        at = skip(at + 1) if more else at
    if text[at : at + 1] != "]" or skip(at + 1) != len(text):
        raise ValueError("the list does not end, or is not all")
    return tuple(records)
