/**
 * A typedoc plugin: a `{@link Name}` that the file it stands in cannot resolve goes to the one public name of any package
 * that is called so. A doc comment can then name an error class without an import that only the comment needs.
 *
 * @param {import("typedoc").Application} app
 */
export function load(app) {
  app.converter.addUnknownSymbolResolver((reference, reflection) => {
    const path = reference.symbolReference?.path ?? [];
    if (path.length !== 1) return undefined;
    const modules = reflection.project.children ?? [];
    const found = modules
      .flatMap((module) => module.children ?? [])
      .filter((child) => child.name === path[0]?.path && !child.isReference());
    const [target, ...others] = found;
    return target !== undefined && others.length === 0 ? { target, caption: target.name } : undefined;
  });
}
