import { OptionError } from "./errors.js";
import { SCHEMA_KEY } from "./schema-text.js";

/**
 * Checks the attributes that a shard is to keep: none takes the name of the schema's, and all are texts that UTF-8 holds.
 * @throws OptionError naming the attribute.
 */
export function checkAttributes(attributes: ReadonlyMap<string, string>): void {
  for (const [name, text] of attributes) {
    const problem =
      name === SCHEMA_KEY
        ? "names the attribute of the schema"
        : /\p{Surrogate}/u.test(name + text)
          ? "has half a surrogate pair, which UTF-8 cannot hold"
          : undefined;
    if (problem !== undefined)
      throw new OptionError({ option: "attributes", problem, found: name, fix: "choose another name or text" });
  }
}
