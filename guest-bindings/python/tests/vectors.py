"""Builds archives as a script says, for the test that compares them with the Rust payload crate's: tests/languages has the
script's format. A parser, so that it goes the way that plugins go."""

from struct import unpack_from

from chipmunk.archive import Attachment, Batch, Reason, State, Tail, chunk
from chipmunk.parser import Plugin, export


class Vectors(Plugin):
    version = (0, 2, 0)


class Script:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind="I"):
        (number,) = unpack_from("<" + kind, self.data, self.at)
        self.at += {"B": 1, "I": 4, "Q": 8}[kind]
        return number

    def bytes(self):
        length = self.number()
        self.at += length
        return self.data[self.at - length : self.at]

    def text(self):
        return self.bytes().decode()

    def maybe(self):
        return self.text() if self.number("B") else None


class Parser(export(Vectors)):
    def parse(self, data, timestamp, at_end):
        script, batch = Script(data), Parser._batch
        number = script.number
        while True:
            match chr(number("B")):
                case "B":
                    Parser._batch = batch = Batch(number())
                case "t":
                    batch.text(script.text())
                case "l":
                    batch.text_lossy(script.bytes())
                case "c":
                    batch.end_cell()
                case "m":
                    batch.message(number(), number(), number(), bool(number("B")))
                case "f":
                    batch.filtered(number())
                case "s":
                    batch.skipped(number(), Reason(number("B")))
                case "a":
                    consumed, message, own = number(), number("B"), (number(), number())
                    name, size, created, modified = script.text(), number("Q"), script.maybe(), script.maybe()
                    messages = tuple(number("Q") for _ in range(number()))
                    attachment = Attachment(name, script.bytes(), size, created, modified, messages)
                    batch.attached(consumed, attachment, own if message else None)
                case "F":
                    if batch.is_full():
                        return batch.finish(Tail.FULL)
                case "z":
                    return batch.finish(Tail(number("B"), number(), script.text()))
                case "S":
                    number()
                    made, segments = b"", []
                case "b":
                    made += script.bytes()
                case "k":
                    skipped, has, time = number(), number("B"), number("Q")
                    segments.append((len(made), skipped, time if has else None))
                case "Z":
                    return chunk(made, State(number()), segments, number())
