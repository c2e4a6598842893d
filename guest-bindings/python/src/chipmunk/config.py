"""Configuration: what a plugin says that it takes, and what the user gave."""

from wit_world.imports import shared_types as wit


class Failure(Exception):
    """Why a plugin was not made, or could not read. `kind` is config, io, unsupported or other; the text is shown to the user."""

    def __init__(self, text: str, kind: str = "other"):
        super().__init__(text)
        self.kind = kind


class Item:
    """One thing that the user can configure: made by the functions that are called like its kinds."""

    def __init__(self, id: str, title: str, description: str | None, input_type):
        self.wit = wit.ConfigSchemaItem(id, title, description, input_type)

    @classmethod
    def boolean(cls, id: str, title: str, default: bool, description: str | None = None):
        return cls(id, title, description, wit.ConfigSchemaType_Boolean(default))

    @classmethod
    def integer(cls, id: str, title: str, default: int, description: str | None = None):
        return cls(id, title, description, wit.ConfigSchemaType_Integer(default))

    @classmethod
    def float(cls, id: str, title: str, default: float, description: str | None = None):
        return cls(id, title, description, wit.ConfigSchemaType_Float(default))

    @classmethod
    def text(cls, id: str, title: str, default: str, description: str | None = None):
        return cls(id, title, description, wit.ConfigSchemaType_Text(default))

    @classmethod
    def directories(cls, id: str, title: str, description: str | None = None):
        return cls(id, title, description, wit.ConfigSchemaType_Directories())

    @classmethod
    def files(cls, id: str, title: str, extensions: tuple[str, ...] = (), description: str | None = None):
        return cls(id, title, description, wit.ConfigSchemaType_Files(list(extensions)))

    @classmethod
    def dropdown(cls, id: str, title: str, options: list[str], default: str, description: str | None = None):
        return cls(id, title, description, wit.ConfigSchemaType_Dropdown((options, default)))


def _kind(case) -> str:
    """`Text` of both `ConfigValue_Text` and `ConfigSchemaType_Text`."""
    return type(case).__name__.partition("_")[2]


class Config(dict):
    """The user's values by the items' ids: bool, int, float, str or, of files and directories, a list of paths."""

    def __init__(self, items: list[wit.ConfigItem], schema: list[Item]):
        super().__init__((item.id, item.value.value) for item in items)
        kinds = {item.id: _kind(item.value) for item in items}
        for item in (item.wit for item in schema):
            if kinds.get(item.id) != _kind(item.input_type):
                raise Failure(f"the option `{item.id}` is missing, or of another kind than in the schema", "config")

    def file(self, id: str) -> str:
        """The path of the one file chosen."""
        match self[id]:
            case [path]:
                return path
            case []:
                raise Failure(f"the option `{id}` needs a file, and none is given", "config")
            case paths:
                raise Failure(f"the option `{id}` takes one file, not {len(paths)}", "config")


INIT_ERRORS = {
    "config": wit.InitError_Config,
    "io": wit.InitError_Io,
    "unsupported": wit.InitError_Unsupported,
    "other": wit.InitError_Other,
}
