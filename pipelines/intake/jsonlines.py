"""JSON as text cells, from one object a line or from one list of them: nested objects become dotted paths, lists stay JSON text, numbers keep the
digits that were delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from pipelines.district import Intake
from pipelines.intake.exact import BOM, Record

Hides = Callable[[str], bool]  # whether what stands at a dotted path may not be kept
# Its line (or place in the list), cells, defect and text. Text is given for an item with a defect, which has no cells.
Item = tuple[int, dict[str, str | None], str, str]

_BLANKS = re.compile(r"\s*")
_CHUNK = 1 << 20  # characters read at a time from a list
_DEFAULTS = Intake()


class ListError(ValueError):
    """A JSON list cannot be read on: nothing after this place can be told apart. The message says after how many records, and why."""


class _Number(str):
    """A JSON number as it was written."""


def _nothing(path: str) -> bool:
    return False


def cells_of(value: dict[str, Any], hides: Hides = _nothing, above: str = "") -> dict[str, str | None]:
    """One object flattened: `{"a": {"b": 1.50}}` -> `{"a.b": "1.50"}`; null is None.

    A list is one cell. What is hidden within it is left out of its text, and stands as a path of its own without a value.
    """
    flat: dict[str, str | None] = {}
    for key, item in value.items():
        path = above + key
        if isinstance(item, dict) and item:
            flat.update(cells_of(item, hides, path + "."))
        else:
            flat[path] = item if isinstance(item, str) else None if item is None else _json(item, path, hides, flat)
    return flat


def _json(value: Any, path: str, hides: Hides, flat: dict[str, str | None]) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        shown = []
        for key, item in value.items():
            if hides(f"{path}.{key}"):
                flat[f"{path}.{key}"] = None
            else:
                shown.append(f"{json.dumps(key, ensure_ascii=False)}:{_json(item, f'{path}.{key}', hides, flat)}")
        return "{" + ",".join(shown) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(v, path, hides, flat) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def objects(stream: IO[str], hides: Hides = _nothing, limits: Intake = _DEFAULTS) -> Iterator[Item]:
    """Every line that is not blank, with its number."""
    decoder = _decoder()
    for number, line in enumerate(stream, start=1):
        text = line.replace(BOM, "").strip()
        if not text:
            continue
        try:
            value = decoder.decode(text)
        except json.JSONDecodeError as e:
            yield number, {}, f"not readable as JSON at character {e.pos + 1}: {e.msg}", text
        except RecursionError:
            yield number, {}, "JSON nested too deeply", text
        else:
            yield _item(number, value, text, hides, limits)


def is_list(stream: IO[str]) -> bool:
    """Whether the first character that is no blank opens a list; the stream is at its start again afterwards."""
    first = ""
    while not first and (chunk := stream.read(1024)):
        first = chunk.replace(BOM, "").lstrip()
    stream.seek(0)
    return first.startswith("[")


def listed(stream: IO[str], hides: Hides = _nothing, limits: Intake = _DEFAULTS) -> Iterator[Item]:
    """Every item of one JSON list, counted from 1. Holds a chunk and an item at a time. Raises ListError."""
    decoder = _decoder()
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
        elif (read := _read_item(decoder, buffer, place, n, is_end, limits) if found else None) is not None:
            value, after = read
            n, expected = n + 1, ", or ]"
            yield _item(n, value, buffer[place:after], hides, limits)
            place = after
        elif is_end and expected:
            raise ListError(f"after {n:,} records: it ends in the middle")
        elif is_end:
            return
        else:
            chunk = stream.read(_CHUNK)
            buffer, place, is_end = buffer[place:] + chunk, 0, not chunk


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)


def _item(number: int, value: Any, text: str, hides: Hides, limits: Intake) -> Item:
    if not isinstance(value, dict):
        return number, {}, "not a JSON object", text
    try:
        cells = cells_of(value, hides)
    except RecursionError:
        return number, {}, "JSON nested too deeply", text
    defect = _unfit(cells, text, limits.max_cell_chars)
    return number, {} if defect else cells, defect, text if defect else ""


def _read_item(decoder: json.JSONDecoder, buffer: str, place: int, n: int, is_end: bool, limits: Intake) -> tuple[Any, int] | None:
    """The value that begins at `place` and where it ends; None where more of the file is needed to tell. Raises ListError."""
    try:
        value, after = decoder.raw_decode(buffer, place)
    except json.JSONDecodeError as e:
        if _is_wrong(e, buffer):
            raise ListError(f"after {n:,} records: not readable as JSON ({e.msg})") from e
        if len(buffer) - place > limits.max_line_chars:
            raise ListError(f"after {n:,} records: a record is longer than intake.max_line_chars = {limits.max_line_chars:,}, or the list was cut") from e
        return None
    except RecursionError as e:
        raise ListError(f"after {n:,} records: JSON nested too deeply") from e
    return (value, after) if after < len(buffer) or is_end else None  # what follows may belong to it


def _is_wrong(error: json.JSONDecodeError, buffer: str) -> bool:
    """Whether more text could not mend it: the error lies well before the end of what is there, and is no string that goes on."""
    return not error.msg.startswith("Unterminated string") and error.pos < len(buffer) - 16


def _unfit(cells: dict[str, str | None], text: str, cell_limit: int) -> str:
    """Why cells cannot be kept: JSON can spell what no text file holds."""
    if "\\u" in text:
        spelled = "".join(cells) + "".join(c for c in cells.values() if c)
        if "\0" in spelled:
            return "holds a NUL character (\\u0000)"
        try:
            spelled.encode()
        except UnicodeEncodeError:
            return "holds half a character (an unpaired surrogate, \\ud800 to \\udfff)"
    if len(text) > cell_limit and any(len(c) > cell_limit for c in cells.values() if c):
        return f"a value is longer than {cell_limit:,} characters (intake.max_cell_chars)"
    return ""


def items_of(stream: IO[str], hides: Hides = _nothing, limits: Intake = _DEFAULTS) -> Iterator[Item]:
    """Records of either form; the number is the line, or the place in the list. Raises ListError."""
    return listed(stream, hides, limits) if is_list(stream) else objects(stream, hides, limits)


def all_paths(stream: IO[str], hides: Hides = _nothing, limits: Intake = _DEFAULTS) -> list[str]:
    """Every path that occurs, in order of first sight; no further than where there are more than may be. Raises ListError."""
    paths: dict[str, None] = {}
    for _, cells, _, _ in items_of(stream, hides, limits):
        paths.update(dict.fromkeys(cells))
        if len(paths) > limits.max_columns:
            break
    return list(paths)


def records(stream: IO[str], paths: list[str], hides: Hides = _nothing, limits: Intake = _DEFAULTS) -> Iterator[tuple[Record, list[str | None]]]:
    """Every item as a record, with a value for each path. Raises ListError."""
    for number, cells, defect, text in items_of(stream, hides, limits):
        yield Record(number, [], defect, text), [cells.get(p) for p in paths]
