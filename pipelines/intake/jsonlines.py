"""JSON as text cells, from one object a line or from one list of them: nested objects become dotted paths, lists stay JSON text, numbers keep the
digits that were delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Any

from pipelines.intake.exact import Record

_BLANKS = re.compile(r"\s*")
_CHUNK = 1 << 20  # characters read at a time from a list
_MAX_ITEM = 64 << 20  # characters: what is longer is a list that was cut short, or no record


class ListError(Exception):
    """A JSON list cannot be read on: nothing after this place can be told apart. The message says after how many records, and why."""


class _Number(str):
    """A JSON number as it was written."""


def cells_of(value: dict[str, Any]) -> dict[str, str | None]:
    """One object flattened: `{"a": {"b": 1.50}}` -> `{"a.b": "1.50"}`; null is None."""
    flat: dict[str, str | None] = {}
    for key, item in value.items():
        if isinstance(item, dict) and item:
            flat.update({f"{key}.{below}": cell for below, cell in cells_of(item).items()})
        else:
            flat[key] = item if isinstance(item, str) else None if item is None else _json(item)
    return flat


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def objects(stream: IO[str]) -> Iterator[tuple[int, dict[str, str | None], str, str]]:
    """Line number, cells, defect and text of every line that is not blank. Text is given for a line with a defect, which has no cells."""
    decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    for number, line in enumerate(stream, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            value = decoder.decode(text)
            if not isinstance(value, dict):
                yield number, {}, "not a JSON object", text
            else:
                yield number, cells_of(value), "", ""
        except json.JSONDecodeError as e:
            yield number, {}, f"not readable as JSON at character {e.pos + 1}: {e.msg}", text
        except RecursionError:
            yield number, {}, "JSON nested too deeply", text


def is_list(stream: IO[str]) -> bool:
    """Whether the first character that is no blank opens a list; the stream is at its start again afterwards."""
    first = ""
    while not first and (chunk := stream.read(1024)):
        first = chunk.lstrip()
    stream.seek(0)
    return first.startswith("[")


def listed(stream: IO[str]) -> Iterator[tuple[int, dict[str, str | None], str, str]]:
    """As `objects`, of one JSON list, counting its items from 1. Holds a chunk and an item at a time. Raises ListError."""
    decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    buffer, place, n, is_end = "", 0, 0, False
    expected = "["  # then "item or ]", and after each item ", or ]"; after a comma "item", after the bracket ""
    while True:
        place = _BLANKS.match(buffer, place).end()  # type: ignore[union-attr]  # it matches nothing, too
        found = buffer[place : place + 1]
        if found and found == "]" and expected in ("item or ]", ", or ]"):
            expected, place = "", place + 1
        elif found and found in "[," and found == expected[:1]:
            expected, place = "item or ]" if found == "[" else "item", place + 1
        elif found and not expected.startswith("item"):
            raise ListError(f"after {n:,} records: {expected or 'the end of the file'} is expected there")
        elif (item := _item(decoder, buffer, place, n, is_end) if found else None) is not None:
            value, place = item
            n, expected = n + 1, ", or ]"
            yield (n, cells_of(value), "", "") if isinstance(value, dict) else (n, {}, "not a JSON object", _json(value))
        elif is_end and expected:
            raise ListError(f"after {n:,} records: it ends in the middle")
        elif is_end:
            return
        else:
            chunk = stream.read(_CHUNK)
            buffer, place, is_end = buffer[place:] + chunk, 0, not chunk


def _item(decoder: json.JSONDecoder, buffer: str, place: int, n: int, is_end: bool) -> tuple[Any, int] | None:
    """The value that begins at `place` and where it ends; None where more of the file is needed to tell. Raises ListError."""
    try:
        value, after = decoder.raw_decode(buffer, place)
    except json.JSONDecodeError as e:
        if _is_wrong(e, buffer) or len(buffer) - place > _MAX_ITEM:
            raise ListError(f"after {n:,} records: not readable as JSON ({e.msg})") from e
        return None
    except RecursionError as e:
        raise ListError(f"after {n:,} records: JSON nested too deeply") from e
    return (value, after) if after < len(buffer) or is_end else None  # what follows may belong to it


def _is_wrong(error: json.JSONDecodeError, buffer: str) -> bool:
    """Whether more text could not mend it: the error lies well before the end of what is there, and is no string that goes on."""
    return not error.msg.startswith("Unterminated string") and error.pos < len(buffer) - 16


def items_of(stream: IO[str]) -> Iterator[tuple[int, dict[str, str | None], str, str]]:
    """Records of either form; the number is the line, or the place in the list."""
    return listed(stream) if is_list(stream) else objects(stream)


def all_paths(stream: IO[str]) -> list[str]:
    """Every path that occurs, in order of first sight. Raises ListError."""
    paths: dict[str, None] = {}
    for _, cells, _, _ in items_of(stream):
        paths.update(dict.fromkeys(cells))
    return list(paths)


def records(stream: IO[str], paths: list[str]) -> Iterator[tuple[Record, list[str | None]]]:
    """Every item as a record, with a value for each path. Raises ListError."""
    for number, cells, defect, text in items_of(stream):
        yield Record(number, [], defect, text), [cells.get(p) for p in paths]
