"""JSON lines as text cells: nested objects become dotted paths, lists stay JSON text, numbers keep the digits that were delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from pipelines.intake.exact import Record


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
            if "\\ud" in text.lower() and any("\ud800" <= c <= "\udfff" for c in json.dumps(value, ensure_ascii=False)):
                yield number, {}, "holds half a character (a lone surrogate)", text
            elif not isinstance(value, dict):
                yield number, {}, "not a JSON object", text
            else:
                yield number, cells_of(value), "", ""
        except json.JSONDecodeError as e:
            yield number, {}, f"not readable as JSON at character {e.pos + 1}: {e.msg}", text
        except RecursionError:
            yield number, {}, "JSON nested too deeply", text


def all_paths(stream: IO[str]) -> list[str]:
    """Every path that occurs, in order of first sight."""
    paths: dict[str, None] = {}
    for _, cells, _, _ in objects(stream):
        paths.update(dict.fromkeys(cells))
    return list(paths)


def records(stream: IO[str], paths: list[str]) -> Iterator[tuple[Record, list[str | None]]]:
    """Every line as a record, with a value for each path."""
    for number, cells, defect, text in objects(stream):
        yield Record(number, [], defect, text), [cells.get(p) for p in paths]
