"""JSON lines as text cells: nested objects become dotted paths, lists stay JSON text, numbers keep the digits that were delivered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import IO, Any

from pipelines.intake.exact import BOM, Record

Hides = Callable[[str], bool]  # whether what stands at a dotted path may not be kept


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


def objects(stream: IO[str], hides: Hides = _nothing, cell_limit: int | None = None) -> Iterator[tuple[int, dict[str, str | None], str, str]]:
    """Line number, cells, defect and text of every line that is not blank. Text is given for a line with a defect, which has no cells."""
    decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    for number, line in enumerate(stream, start=1):
        text = line.replace(BOM, "").strip()
        if not text:
            continue
        try:
            value = decoder.decode(text)
            if not isinstance(value, dict):
                yield number, {}, "not a JSON object", text
                continue
            cells = cells_of(value, hides)
            defect = _unfit(cells, text, cell_limit)
            yield number, {} if defect else cells, defect, text if defect else ""
        except json.JSONDecodeError as e:
            yield number, {}, f"not readable as JSON at character {e.pos + 1}: {e.msg}", text
        except RecursionError:
            yield number, {}, "JSON nested too deeply", text


def _unfit(cells: dict[str, str | None], text: str, cell_limit: int | None) -> str:
    """Why cells cannot be kept: JSON can spell what no text file holds."""
    if "\\u" in text:
        spelled = "".join(cells) + "".join(c for c in cells.values() if c)
        if "\0" in spelled:
            return "holds a NUL character (\\u0000)"
        try:
            spelled.encode()
        except UnicodeEncodeError:
            return "holds half a character (an unpaired surrogate, \\ud800 to \\udfff)"
    if cell_limit is not None and len(text) > cell_limit and any(len(c) > cell_limit for c in cells.values() if c):
        return f"a value is longer than {cell_limit:,} characters (intake.max_cell_chars)"
    return ""


def all_paths(stream: IO[str], hides: Hides = _nothing, most: int | None = None, cell_limit: int | None = None) -> list[str]:
    """Every path that occurs, in order of first sight; no further than where there are more than `most`."""
    paths: dict[str, None] = {}
    for _, cells, _, _ in objects(stream, hides, cell_limit):
        paths.update(dict.fromkeys(cells))
        if most is not None and len(paths) > most:
            break
    return list(paths)


def records(stream: IO[str], paths: list[str], hides: Hides = _nothing, cell_limit: int | None = None) -> Iterator[tuple[Record, list[str | None]]]:
    """Every line as a record, with a value for each path."""
    for number, cells, defect, text in objects(stream, hides, cell_limit):
        yield Record(number, [], defect, text), [cells.get(p) for p in paths]
