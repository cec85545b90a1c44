import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ImageError, SourceError, writeFileAtomic } from "@millrace/formats";

/** Name of the reject log in a dataset's folder. */
export const REJECTS_NAME = "rejects.jsonl";

/** One raw sample that was left out. */
export interface Reject {
  readonly key: string;
  readonly split: string;
  /** Code for machines: `truncated`, `unreadable`, `unsupported`, … */
  readonly reason: string;
  readonly message: string;
}

/** The zod schema of a line of the reject log. */
export const rejectSchema: z.ZodType<Reject> = z.strictObject({
  key: z.string(),
  split: z.string(),
  reason: z.string(),
  message: z.string(),
});

/** What to do about raw samples that cannot be used. */
export interface RejectPolicy {
  /** `skip`: leave it out and log it; `fail`: stop at the first one. */
  readonly onReject: "skip" | "fail";
  /** More than this many is an error. */
  readonly maxRejects?: number | undefined;
  /** More than this share of all raw samples is an error. */
  readonly maxRejectFraction?: number | undefined;
}

/** The line of the log for a sample that {@link ImageError} tells of. */
export function rejectOf(error: ImageError, key: string, split: string): Reject {
  const { problem, expected, found } = error.detail;
  let message = problem;
  if (expected !== undefined) message += `; expected ${expected}`;
  if (found !== undefined) message += `${expected === undefined ? ";" : ","} found ${found}`;
  return { key, split, reason: error.detail.reason ?? "unreadable", message };
}

/**
 * Checks how many have been rejected so far against the policy.
 * @param firstReject - finds the one to name; called only for an error
 * @param total - raw samples of the whole conversion
 * @throws ImageError naming the first reject under `fail`; SourceError if there are too many.
 */
export function checkRejects(count: number, firstReject: () => Reject, total: number, policy: RejectPolicy): void {
  if (count === 0) return;
  if (policy.onReject === "fail") {
    const first = firstReject();
    throw new ImageError({
      key: first.key,
      reason: first.reason,
      problem: first.message,
      fix: "replace or remove the image, or let onReject be skip",
    });
  }
  const refuse = (option: string, expected: string): never => {
    const first = firstReject();
    throw new SourceError({
      problem: "too many images were rejected",
      expected: `${expected} (${option})`,
      found: `${count}; the first is ${first.key}: ${first.message} (${first.reason})`,
      fix: `look at the images, or raise ${option}; what is finished is kept, the same command goes on`,
    });
  };
  const { maxRejects, maxRejectFraction } = policy;
  if (maxRejects !== undefined && count > maxRejects) refuse("maxRejects", `at most ${maxRejects}`);
  if (maxRejectFraction !== undefined && count / total > maxRejectFraction)
    refuse("maxRejectFraction", `at most ${maxRejectFraction} of ${total}`);
}

/** Writes the reject log, one JSON document a line, in the order given; without rejects there is none. */
export async function writeRejects(root: string, rejects: readonly Reject[]): Promise<void> {
  const path = join(root, REJECTS_NAME);
  if (rejects.length === 0) await rm(path, { force: true });
  else await writeFileAtomic(path, rejects.map((reject) => `${JSON.stringify(reject)}\n`).join(""));
}
