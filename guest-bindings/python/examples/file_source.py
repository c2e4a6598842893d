"""The Chipmunk plugin `file-source`: the bytes of a file, or of the standard input, as they are. A chunk is as large as the host
asks for, also where the system gives less at a time."""

import os

from chipmunk.source import Failure, Item, Plugin, State, chunk, export, log


class FileSource(Plugin):
    version = (0, 2, 0)
    items = [Item.files("input", "File", (), "The file to read, or - for the standard input.")]

    def __init__(self, config):
        self.path = path = config.file("input")
        try:
            if os.path.isdir(path):
                raise Failure(f"{path} is a directory; name a file in it", "io")
            self.file = open(0 if path == "-" else path, "rb", buffering=0)
        except OSError as error:
            raise Failure(f"{path} cannot be opened: {error.strerror}", "io")
        log.info(f"reading {path}")

    def read(self, length):
        data = bytearray()
        try:
            while len(data) < length and (piece := self.file.read(length - len(data))):
                data += piece
        except OSError as error:
            raise Failure(f"{self.path} cannot be read: {error.strerror}", "io")
        # Only an empty read says that the end is there: what is short now may be longer the next time.
        return chunk(data, State.MORE if data else State.END)


ByteSource = export(FileSource)
