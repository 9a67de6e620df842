"""Reading a resource page by page so that no record is missed, though others may change while it is read.

Belongs here: the order of pages and what each page proves. By cursor (servers from 7.3) where the server has cursors; else by offset from the last
page to the first: where a record leaves, those behind it move up into pages still to be read, and none is passed over. What is read twice is
dropped when it lands. A page with fewer records than the server counts, a count that grows, and pages that go in a circle are drift: read anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipelines.api_settings import Api
from pipelines.intake.edfi_api import ApiError, Client, Page

_END, _TOKEN, _OFFSET = "end:", "token:", "offset:"
_LOOK_EVERY = 100  # pages between two looks at whether more came than there is


class DriftError(ApiError):
    """The resource changed under the reading, or the server's counts do not agree with its pages."""


def count_at_end(place: str) -> int | None:
    """How many records the server counted when everything had been read; none while there is more to read."""
    return int(place.removeprefix(_END)) if place.startswith(_END) else None


class Reader:
    """Reads steps of one API. Remembers whether the server has cursors."""

    def __init__(self, client: Client, api: Api) -> None:
        self._client, self._size, self._paging = client, api.page_size, api.paging
        self._cursors: bool | None = {"auto": None, "cursor": True, "offset": False}[api.paging]

    def read(self, path: str, bounds: Mapping[str, str], place: str, *, records: bool) -> Iterator[tuple[tuple[str, ...], str]]:
        """Pages from `place` on ("" for the beginning), each with the place after it. `records`: not deletes or keyChanges, which have no cursors.

        Raises DriftError, ApiError.
        """
        by_cursor = records and self._cursors is not False and not place.startswith(_OFFSET)
        if by_cursor and not place and self._cursors is None and not self._has_cursors(path, bounds):
            by_cursor = False
        yield from self._by_cursor(path, bounds, place) if by_cursor else self._by_offset(path, bounds, place)

    def _has_cursors(self, path: str, bounds: Mapping[str, str]) -> bool:
        """Whether the server answers with a token for the next page where there is one; an older server ignores what it does not know."""
        page = self._client.page(path, {**bounds, "pageSize": "1"})
        if page.next_token:
            self._cursors = True
        elif len(page.records) < self._client.count(path, bounds):
            self._cursors = False
        return bool(page.next_token)

    def _by_cursor(self, path: str, bounds: Mapping[str, str], place: str) -> Iterator[tuple[tuple[str, ...], str]]:
        token = place.removeprefix(_TOKEN)
        seen, n_records, n_pages = {token}, 0, 0
        while True:
            page = self._client.page(path, {**bounds, "pageSize": str(self._size), **({"pageToken": token} if token else {})})
            if not page.next_token or not page.records:
                yield page.records, f"{_END}{self._client.count(path, bounds)}"
                return
            n_records, n_pages = n_records + len(page.records), n_pages + 1
            if page.next_token in seen or (n_pages % _LOOK_EVERY == 0 and n_records > 2 * self._client.count(path, bounds) + self._size):
                raise DriftError(f"{path}: the server's pages go in a circle; set paging = 'offset' if it stays so")
            token = page.next_token
            seen.add(token)
            yield page.records, _TOKEN + token

    def _by_offset(self, path: str, bounds: Mapping[str, str], place: str) -> Iterator[tuple[tuple[str, ...], str]]:
        if place:
            offset, known = (int(n) for n in place.removeprefix(_OFFSET).split(":"))
            page = self._at(path, bounds, offset, known)
        else:
            offset, page = self._last(path, bounds)
        while offset > 0:
            below = offset - self._size
            yield page.records, f"{_OFFSET}{below}:{page.total}"
            offset, page = below, self._at(path, bounds, below, page.total)
        yield page.records, f"{_END}{page.total}"

    def _last(self, path: str, bounds: Mapping[str, str]) -> tuple[int, Page]:
        """Offset and page with which reading begins: the last that holds anything, whatever the server counts."""
        offset, page = 0, self._at(path, bounds, 0, None)
        top = (max(page.total or 0, 1) - 1) // self._size * self._size
        if top:
            offset, page = top, self._at(path, bounds, top, page.total)
        while len(page.records) == self._size:
            above = self._at(path, bounds, offset + self._size, page.total)
            if not above.records:
                break
            offset, page = offset + self._size, above
        return offset, page

    def _at(self, path: str, bounds: Mapping[str, str], offset: int, known: int | None) -> Page:
        page = self._client.page(path, {**bounds, "offset": str(offset), "limit": str(self._size), "totalCount": "true"})
        if page.total is None:
            raise ApiError(f"{path}: the server gives no Total-Count, so it cannot be seen whether all records came")
        if known is not None and page.total > known:
            raise DriftError(f"{path}: {page.total - known} records came while it was read; set paging = 'cursor', or fetch at a quieter hour")
        there = min(self._size, max(0, page.total - offset))
        if len(page.records) < there:
            raise DriftError(f"{path}: a page has {len(page.records)} records where the server counts {there}; it may allow fewer a page: see page_size")
        return page
