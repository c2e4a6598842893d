"""Parsers: make a class of `Plugin`, and in its module write `Parser = export(YourClass)`."""

from functools import reduce
from operator import or_

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import parse_types as wit
from wit_world.imports.parse_types import Output
from wit_world.imports.shared_types import Version

from . import log
from .archive import Attachment, Batch, Reason, Tail
from .config import INIT_ERRORS, Config, Failure, Item

__all__ = ["Attachment", "Batch", "Config", "Failure", "Item", "Output", "Plugin", "Reason", "Tail", "export", "log"]


class Plugin:
    """A parser. Made anew by each `init` of the host."""

    version = (0, 1, 0)
    #: What the user can configure.
    items: list[Item] = []
    #: What it answers, and `resynchronises` or `attachments` where that is so.
    capabilities = ("ranges", "line")
    #: Caption, description and width of each column, with the capability `columns`.
    columns: list[tuple[str, str, int]] = []

    def __init__(self, config: Config, output: Output):
        """Fails with `Failure`."""

    def parse(self, data: bytes, timestamp: int | None, at_end: bool, out: Batch) -> Tail:
        """Describes `data` from its beginning, item by item without gaps, and says why there are no more."""
        raise NotImplementedError


def export(plugin: type[Plugin]):
    """The class that the component's exports are made of."""

    class Parser(exports.Parser):
        # Of the class, because each call is made on a new object of it.
        _plugin, _batch = None, Batch()

        def get_version(self):
            return Version(*plugin.version)

        def get_config_schemas(self):
            return [item.wit for item in plugin.items]

        def get_capabilities(self):
            return reduce(or_, (wit.Capabilities[name.upper()] for name in plugin.capabilities), wit.Capabilities(0))

        def get_render_options(self):
            if "columns" not in plugin.capabilities:
                return wit.RenderOptions(None)
            columns = [wit.ColumnInfo(*column) for column in plugin.columns]
            return wit.RenderOptions(wit.ColumnsRenderOptions(columns, 3, 1000))

        def init(self, general_configs, plugin_configs):
            log.set_level(general_configs.log_level)
            Parser._plugin = None
            output = general_configs.output
            try:
                if output.name.lower() not in plugin.capabilities:
                    raise Failure(f"this parser does not give {output.name.lower()}", "unsupported")
                Parser._plugin = plugin(Config(plugin_configs, plugin.items), output)
            except Failure as failure:
                raise Err(INIT_ERRORS[failure.kind](str(failure)))
            Parser._batch = Batch(general_configs.max_archive_bytes)

        def parse(self, data, timestamp, at_end):
            if self._plugin is None:
                return self._batch.finish(Tail.error("`parse` was called before `init`"))
            return self._batch.finish(self._plugin.parse(data, timestamp, at_end, self._batch))

    return Parser
