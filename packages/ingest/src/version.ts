import { readFileSync } from "node:fs";
import { z } from "zod";

const Package = z.object({ version: z.string() });

/** What made a dataset, as its manifest says: `millrace 0.1.0`. */
export const TOOL: string = `millrace ${
  Package.parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))).version
}`;
