import { z } from "zod";
import type { LineFormat } from "./line-log.js";

const line = z.object({ kind: z.string(), step: z.int().nonnegative(), time: z.string() });

/** One JSON object a line: all that a run tells, as it is told, with its `time` as ISO 8601. */
export const NDJSON: LineFormat = {
  header: undefined,
  encode: (progress, timeMs) => JSON.stringify({ ...progress, time: new Date(timeMs).toISOString() }),
  stepOf(text) {
    try {
      return line.parse(JSON.parse(text)).step;
    } catch {
      return undefined;
    }
  },
};
