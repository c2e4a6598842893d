"""The plugin's log: lines go to the host's, under the plugin's name."""

from wit_world.imports import logging

_wanted = logging.Level.INFO.value


def set_level(level: logging.Level) -> None:
    global _wanted
    _wanted = level.value


def _write(level: logging.Level, line: str) -> None:
    if level.value <= _wanted:
        logging.log(level, line)


def error(line: str) -> None:
    _write(logging.Level.ERROR, line)


def warn(line: str) -> None:
    _write(logging.Level.WARN, line)


def info(line: str) -> None:
    _write(logging.Level.INFO, line)


def debug(line: str) -> None:
    _write(logging.Level.DEBUG, line)


def trace(line: str) -> None:
    _write(logging.Level.TRACE, line)
