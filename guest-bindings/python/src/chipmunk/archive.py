"""The archives that `parse` and `read` return, as wit/PAYLOAD.md lays them out.

A call of Python's costs more than what it does here: text is kept as a list of pieces that are joined at the end, and numbers as
arrays that are bytes already. WebAssembly is little endian, as archives are.
"""

from array import array
from dataclasses import dataclass
from enum import IntEnum
from struct import pack

_ITEM, _ATTACHMENT, _NUMBER, _ROOT, _LARGEST = 20, 44, 8, 72, 0x7FFFFFFF


class Reason(IntEnum):
    """Why bytes were skipped."""

    UNSPECIFIED, GARBAGE, TRUNCATED, MALFORMED, UNSUPPORTED = range(5)


@dataclass(frozen=True)
class Tail:
    """Why there are no more items in a batch: one of the constants, `Tail.incomplete(bytes)` or `Tail.error(text)`."""

    state: int
    needed: int = 0
    text: str = ""

    @staticmethod
    def incomplete(needed: int = 0) -> "Tail":
        """So many bytes more are wanted at least; 0 if that is not known."""
        return Tail(1, needed)

    @staticmethod
    def error(text: str) -> "Tail":
        """The parser cannot go on, and this is what to tell the user."""
        return Tail(4, 0, text)


Tail.COMPLETE, Tail.INCOMPLETE, Tail.FULL, Tail.END = Tail(0), Tail(1), Tail(2), Tail(3)


@dataclass(frozen=True)
class Attachment:
    """A file that a trace carries. `messages` are the numbers of those that carried it, counted from 0 since init."""

    name: str
    data: bytes
    size: int
    created: str | None = None
    modified: str | None = None
    messages: tuple[int, ...] = ()


class Batch:
    """What a parser found in one call. Used again for every call."""

    def __init__(self, max_archive_bytes: int = _LARGEST):
        self._max = min(max_archive_bytes, _LARGEST)
        self._largest = self._max // 16
        self._clear()

    def _clear(self) -> None:
        self._text, self._text_len, self._cell_start = [], 0, 0
        self._cells, self._items = array("I"), array("I")
        self._open_pieces = self._open_text = self._open_cells = 0
        self._attachments, self._attachment_text, self._data, self._numbers = [], bytearray(), bytearray(), array("Q")

    def text(self, text: str) -> None:
        """Text of the open cell."""
        self._push(text.encode())

    def text_lossy(self, text: bytes) -> None:
        """Text of the open cell; what is not UTF-8 becomes U+FFFD."""
        self._push(text if text.isascii() else text.decode("utf-8", "replace").encode())

    def _push(self, text: bytes) -> None:
        self._text.append(text)
        self._text_len += len(text)

    def end_cell(self) -> None:
        """What was written since the last cell is a cell, also if it is nothing."""
        self._cell_start = self._text_len
        self._cells.append(self._text_len)

    def message(self, consumed: int, start: int, length: int, damaged: bool = False) -> None:
        """The next item is a message, whose own bytes begin at `start`; the cells since the last item are its own."""
        self._close_cell()
        self._item(consumed, start, length, 0x100 if damaged else 0)

    def filtered(self, consumed: int) -> None:
        """The next bytes are a message that the configuration leaves out."""
        self._discard()
        self._item(consumed, 0, 0, 3)

    def skipped(self, consumed: int, reason: Reason) -> None:
        """The next bytes are no message. Skipping nothing adds nothing."""
        self._discard()
        if consumed:
            self._item(consumed, 0, 0, 4 | reason << 16)

    def attached(self, consumed: int, attachment: Attachment, own: tuple[int, int] | None = None) -> None:
        """The next bytes complete an attachment; with `own`, start and length, they also are a message."""
        a = attachment
        self._data += a.data
        self._numbers.extend(a.messages)
        words = [len(self._data), len(self._numbers), a.size & 0xFFFFFFFF, a.size >> 32]
        words.append((a.created is not None) | (a.modified is not None) << 1)
        for text in (a.name, a.created or "", a.modified or ""):
            encoded = text.encode()
            words += (len(self._attachment_text), len(encoded))
            self._attachment_text += encoded
        self._attachments.append(words)
        if own is None:
            self._discard()
        else:
            self._close_cell()
        # Names and dates are short; half a kilobyte stands for them.
        size = _ATTACHMENT + len(a.data) + _NUMBER * len(a.messages) + 512
        self._item(consumed, *(own or (0, 0)), 1 if own is None else 2, size)

    def is_full(self) -> bool:
        """Whether it is time to return `Tail.FULL`: another item may not fit."""
        return bool(self._items) and self._archived(0) + self._largest > self._max

    def finish(self, tail: Tail) -> bytes:
        """The archive; the batch is empty then."""
        self._discard()
        error = tail.text.encode()
        out = bytearray().join(self._text)
        attachment_text = len(out)
        out += self._attachment_text
        error_start = len(out) if tail.state == 4 else 0
        out += error
        arrays = [(0, len(out))]
        _pad(out)
        arrays.append((len(out), len(self._cells)))
        out += self._cells.tobytes()
        arrays.append((len(out), len(self._items) // 5))
        out += self._items.tobytes()
        arrays.append((len(out), len(self._data)))
        out += self._data
        _pad(out)
        arrays.append((len(out), len(self._attachments)))
        for words in self._attachments:
            words[5] += attachment_text
            words[7] = words[7] + attachment_text if words[4] & 1 else 0
            words[9] = words[9] + attachment_text if words[4] & 2 else 0
            out += pack("<11I", *words)
        arrays.append((len(out), len(self._numbers)))
        out += self._numbers.tobytes()
        _entries(out, arrays)
        out += pack("<4I4sI", tail.state, tail.needed, error_start, len(error), b"CMPA", 1)
        self._clear()
        return bytes(out)

    def _archived(self, error: int) -> int:
        attached = 0
        if self._attachments:
            attached = _padded(len(self._data)) + _ATTACHMENT * len(self._attachments) + _NUMBER * len(self._numbers)
        text = _padded(self._text_len + len(self._attachment_text) + error)
        return text + 4 * (len(self._cells) + len(self._items)) + attached + _ROOT

    def _close_cell(self) -> None:
        if self._text_len > self._cell_start:
            self.end_cell()

    def _discard(self) -> None:
        del self._text[self._open_pieces :], self._cells[self._open_cells :]
        self._text_len = self._cell_start = self._open_text

    def _item(self, consumed: int, start: int, length: int, codes: int, attached: int = 0) -> None:
        cells = len(self._cells)
        size = _ITEM + 4 * (cells - self._open_cells) + self._text_len - self._open_text + attached
        if size > self._largest:
            self._largest = size
        self._items.extend((consumed, start, length, cells, codes))
        self._open_pieces, self._open_cells = len(self._text), cells
        self._open_text = self._cell_start = self._text_len


class State(IntEnum):
    """How a chunk ends."""

    MORE, END, RETRY_LATER = range(3)


def chunk(data: bytes, state: State, segments: list[tuple[int, int, int | None]] | None = None, retry_ms: int = 0) -> bytes:
    """The archive of what a source read.

    `segments` are the end of each in `data`, the bytes that were skipped before it, and its time in nanoseconds since 1970,
    if it has one; data that is in none becomes one.
    """
    segments = list(segments or ())
    if len(data) > (segments[-1][0] if segments else 0):
        segments.append((len(data), 0, None))
    out = bytearray(data)
    _pad(out)
    arrays = [(0, len(data)), (len(out), len(segments))]
    for end, skipped, time in segments:
        out += pack("<3IQ", end, skipped, time is not None, time or 0)
    _entries(out, arrays)
    out += pack("<2I4sI", state, retry_ms, b"CMSO", 1)
    return bytes(out)


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _pad(out: bytearray) -> None:
    out += bytes(-len(out) & 3)


def _entries(out: bytearray, arrays: list[tuple[int, int]]) -> None:
    """A root that begins here: where each array is, relative to its entry, and how many elements it has."""
    for start, count in arrays:
        out += pack("<iI", start - len(out), count)
