// Configuration: what a plugin says that it takes, and what the user gave.

/** Why a plugin was not made, or could not read. Throw it; the text is shown to the user. Kinds: config, io, unsupported, other. */
export class Failure {
  constructor(kind, text) {
    this.kind = kind;
    this.text = text;
  }
}

const item = (tag) => (id, title, val, description) => ({ id, title, description, inputType: { tag, val } });

/** One thing that the user can configure: id, title, default, description. */
export const Item = {
  boolean: item("boolean"),
  integer: item("integer"),
  float: item("float"),
  text: item("text"),
  directories: (id, title, description) => ({ id, title, description, inputType: { tag: "directories" } }),
  /** Instead of a default: the extensions that the plugin can read. */
  files: item("files"),
  /** Instead of a default: all options, and the one that is the default. */
  dropdown: item("dropdown"),
};

/** The user's values by the items' ids. */
export class Config {
  constructor(items) {
    for (const { id, value } of items) this[id] = value.val;
  }
  /** The path of the one file chosen. */
  file(id) {
    const paths = this[id] ?? [];
    if (paths.length === 1) return paths[0];
    throw new Failure("config", paths.length
      ? `the option \`${id}\` takes one file, not ${paths.length}`
      : `the option \`${id}\` needs a file, and none is given`);
  }
}
