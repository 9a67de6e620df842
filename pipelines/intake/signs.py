"""Signs in decoded text that a file is not what its settings say: too long a line, marks in the middle, letters read in a wrong encoding."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

BOM = "\ufeff"
_LOST = "\ufffd"
_TRAIL = "".join({bytes([b]).decode("cp1252", "ignore") or chr(b) for b in range(0x80, 0xC0)})  # what cp1252 (or latin-1) makes of UTF-8's second bytes
_MOJIBAKE = re.compile(f"[\u00c2-\u00df][{re.escape(_TRAIL)}]|[\u00e0-\u00ef][{re.escape(_TRAIL)}]{{2}}")


def first_long_line(text: str, run: int, limit: int) -> int:
    """Where in `text` a line exceeds `limit` characters, of which `run` stood before `text`; -1 where none does. Linear, without making lines."""
    start, room = 0, limit - run
    while start + room < len(text):
        end = start + room + 1
        last = max(text.rfind("\n", start, end), text.rfind("\r", start, end))
        if last < 0:
            return start + room
        start, room = last + 1, limit
    return -1


def run_at_end(text: str, run: int) -> int:
    """Characters since the last line end, where `run` stood before `text`."""
    last = max(text.rfind("\n"), text.rfind("\r"))
    return run + len(text) if last < 0 else len(text) - last - 1


@dataclass
class Signs:
    """Gathers signs over the pieces of a file; `encoding` and `setting` are named in the remedy."""

    encoding: str
    setting: str
    _first: dict[str, int] = field(default_factory=dict)  # by sign, the line of the first
    _count: dict[str, int] = field(default_factory=dict)
    _before: str = ""  # the end of the piece before: a sign may straddle two

    @property
    def has_inner_bom(self) -> bool:
        return BOM in self._count

    def look(self, text: str, line: int) -> None:
        """Look at a piece of text whose first character is in `line`."""
        if text.isascii() and not self._before:
            return
        whole = self._before + text
        self._before = "" if text.isascii() else text[-2:]
        if self._before.isascii():
            self._before = ""
        old = len(whole) - len(text)
        for sign, pattern in ((BOM, BOM), (_LOST, _LOST), ("mojibake", _MOJIBAKE)):
            found = [m.start() for m in re.finditer(pattern, whole) if m.end() > old]
            if found:
                self._count[sign] = self._count.get(sign, 0) + len(found)
                before = whole[old : found[0]]
                self._first.setdefault(sign, line + before.count("\n") + before.count("\r") - before.count("\r\n"))

    def warnings(self) -> tuple[str, ...]:
        said = {
            BOM: "byte_order_mark: {n} within the file, the first in line {line}, left out of the values; files were probably joined",
            _LOST: "lost_characters: {n} replacement characters (U+FFFD), the first in line {line}; they were lost before the file was sent",
            "mojibake": "mojibake: {n} letters look like UTF-8 read as another encoding, the first in line {line}; " + self._remedy(),
        }
        return tuple(words.format(n=f"{self._count[s]:,}", line=self._first[s]) for s, words in said.items() if s in self._count)

    def _remedy(self) -> str:
        if self.encoding.startswith("utf"):
            return "the sending system has mangled them; ask for it to be mended there"
        return f"set {self.setting} to 'utf-8' if the file is that (it is read as {self.encoding})"
