"""The Chipmunk plugin `text-parser`: every line is a message, whatever ends it. Its own bytes are all of it, its text is the
line without the ending. See host/text for what a line is: this gives the same, byte for byte."""

import re

from chipmunk.parser import Item, Output, Plugin, Tail, export

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")


class TextParser(Plugin):
    version = (0, 2, 0)
    items = [
        Item.text(
            "column-split",
            "Column separator",
            "",
            "What stands between the columns of a line; lines are not split if it is empty.",
        )
    ]
    capabilities = ("ranges", "line", "columns")
    columns = [("Text", "The line, or its first column.", -1)]

    def __init__(self, config, output):
        self.with_text = output != Output.RANGES
        self.separator = config["column-split"].encode() if output == Output.COLUMNS else b""

    def parse(self, data, timestamp, at_end, out):
        end = len(data)
        for line in _LINE.finditer(data):
            start, stop = line.span()
            if start == end:
                break
            # An ending that comes last may be half of one, or none.
            if stop == end and not at_end and line[2] in (b"", b"\r"):
                return Tail.INCOMPLETE
            if out.is_full():
                return Tail.FULL
            if self.with_text:
                for cell in line[1].split(self.separator) if self.separator else (line[1],):
                    out.text_lossy(cell)
                    out.end_cell()
            out.message(stop - start, 0, stop - start)
        return Tail.COMPLETE


Parser = export(TextParser)
