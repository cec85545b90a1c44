/** The parts of a JSON Schema that a table shows. */
interface SchemaNode {
  readonly type?: string;
  readonly const?: string | number;
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

const INTRO = `# The report as JSON

\`millrace profile --json\` prints one document of the kind \`profile\`; \`millrace train --json\` one of the kind \`train\`. The
same is what \`reportToJson\` writes and \`parseReport\` reads. [profile-report.schema.json](profile-report.schema.json) is its
JSON Schema (draft 2020-12), made from \`reportSchema\` of \`@millrace/train\`. Times are in ms, shares from 0 to 1. Fields with
a question mark may be absent. A reader must ignore fields that it does not know; \`reportVersion\` rises when readers break.
`;

function typeOf(node: SchemaNode): string {
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(", ");
  if (node.type === "array") {
    const item = node.items === undefined ? "" : typeOf(node.items);
    return `list of ${item === "object" ? "objects" : `${item}s`}`;
  }
  return node.type ?? "";
}

function rowsOf(node: SchemaNode, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const isRequired = node.required?.includes(name) === true;
    const isList = child.type === "array";
    const full = `${path}${name}`;
    const row = `| \`${full}\`${isRequired ? "" : "?"} | ${typeOf(child)} | ${child.description ?? ""} |`;
    return [row, ...rowsOf(isList ? (child.items ?? {}) : child, `${full}${isList ? "[]" : ""}.`)];
  });
}

function table(rows: readonly string[]): string {
  return ["| field | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** docs/profile-json.md: a table of all fields of both kinds of report. */
export function schemaPage(schema: unknown): string {
  const kinds = (schema as SchemaNode).oneOf ?? (schema as SchemaNode).anyOf ?? [];
  const [profile = [], train = []] = kinds.map((kind) => rowsOf(kind, ""));
  const common = profile.filter((row) => train.includes(row));
  const only = (rows: readonly string[]): string => table(rows.filter((row) => !common.includes(row)));
  return [
    INTRO,
    `## Every report\n\n${table(common)}\n`,
    `## Of \`profile\`\n\n${only(profile)}\n`,
    `## Of \`train\`\n\n${only(train)}\n`,
  ].join("\n");
}
