"""Sources: make a class of `Plugin`, and in its module write `ByteSource = export(YourClass)`."""

from functools import reduce
from operator import or_

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import bytesource_types as wit
from wit_world.imports.shared_types import Version

from . import log
from .archive import State, chunk
from .config import INIT_ERRORS, Config, Failure, Item

__all__ = ["Config", "Failure", "Item", "Plugin", "State", "chunk", "export", "log"]

_SOURCE_ERRORS = {"io": wit.SourceError_Io, "unsupported": wit.SourceError_Unsupported}


class Plugin:
    """A source. Made anew by each `init` of the host."""

    version = (0, 1, 0)
    #: What the user can configure.
    items: list[Item] = []
    #: `timestamps` and `live`, where that is so.
    capabilities: tuple[str, ...] = ()

    def __init__(self, config: Config):
        """Fails with `Failure`."""

    def read(self, length: int) -> bytes:
        """At most so many bytes, as an archive made by `chunk`. Fails with `Failure`."""
        raise NotImplementedError


def export(plugin: type[Plugin]):
    """The class that the component's exports are made of."""

    class ByteSource(exports.ByteSource):
        # Of the class, because each call is made on a new object of it.
        _plugin = None

        def get_version(self):
            return Version(*plugin.version)

        def get_config_schemas(self):
            return [item.wit for item in plugin.items]

        def get_capabilities(self):
            return reduce(or_, (wit.Capabilities[name.upper()] for name in plugin.capabilities), wit.Capabilities(0))

        def init(self, general_configs, plugin_configs):
            log.set_level(general_configs.log_level)
            ByteSource._plugin = None
            try:
                ByteSource._plugin = plugin(Config(plugin_configs, plugin.items))
            except Failure as failure:
                raise Err(INIT_ERRORS[failure.kind](str(failure)))

        def read(self, len):
            try:
                if self._plugin is None:
                    raise Failure("`read` was called before `init`")
                # A host may ask for any number of bytes, and a source may always give fewer.
                return self._plugin.read(min(len, 16 << 20))
            except Failure as failure:
                raise Err(_SOURCE_ERRORS.get(failure.kind, wit.SourceError_Other)(str(failure)))

    return ByteSource
