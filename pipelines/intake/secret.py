"""What may never reach raw: passwords, social security numbers and the like, known by the name of a column or by how its values look.

The names are data, `secrets.csv` beside this file: `pattern` (its letters, whatever stands between them), `match` (`word`: as whole words;
`anywhere`: also inside a word) and `why`. A district adds names with `redact` of a source and lets one of the list stay with `keep`.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

LIST = Path(__file__).with_name("secrets.csv")
_SSN = r"(^|[^0-9-])[0-9]{3}-[0-9]{2}-[0-9]{4}($|[^0-9-])"
_IN_TEXT = re.compile(_SSN)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SAMPLES = 8  # row groups looked into, spread over the file
_SAMPLE_ROWS = 2_000  # of each


@cache
def _listed() -> tuple[tuple[re.Pattern[str], str], ...]:
    out = []
    with LIST.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            spelled = r"[\W_]*".join(c for c in row["pattern"] if c.isalnum())
            if row["match"] == "word":
                spelled = rf"(?<![^\W_]){spelled}(?![^\W_])"
            out.append((re.compile(spelled, re.IGNORECASE), row["why"]))
    return tuple(out)


def why_secret(name: str) -> str:
    """What a column of this name (a dotted path in JSON) holds by the built-in list; "" where it is not on it."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    words = _CAMEL.sub("_", plain)
    return next((why for pattern, why in _listed() if pattern.search(words)), "")


def is_telling(text: str) -> bool:
    """Whether the text of a line that could not be divided into its cells may hold something secret: a name of the list, or a number like an SSN."""
    return bool(_IN_TEXT.search(text) or why_secret(text))


def ssn_columns(raw: Path, columns: Sequence[str]) -> tuple[str, ...]:
    """Those of the `columns` of a raw file in which most values that are not blank hold nnn-nn-nnnn, judged by rows from all over the file. Raises OSError."""
    filled: Counter[str] = Counter()
    alike: Counter[str] = Counter()
    with pq.ParquetFile(raw) as f:
        n = f.num_row_groups
        for group in sorted({i * (n - 1) // max(1, _SAMPLES - 1) for i in range(_SAMPLES)} if n else ()):
            batch: pa.RecordBatch
            for batch in f.iter_batches(_SAMPLE_ROWS, row_groups=[group], use_threads=False):
                for name in columns:
                    values = batch.column(name)
                    filled[name] += pc.sum(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(values)), 0)).as_py() or 0
                    alike[name] += pc.sum(pc.match_substring_regex(values, _SSN)).as_py() or 0
                break
    return tuple(name for name in columns if alike[name] * 2 > filled[name])
