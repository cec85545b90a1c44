import { isMillraceError, type MillraceError } from "@millrace/formats";
import { expect } from "vitest";

/** What `promise` is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return expect.fail("was not rejected");
}

/** The error of millrace that `promise` is rejected with. */
export async function millraceError(promise: Promise<unknown>): Promise<MillraceError> {
  const error = await rejection(promise);
  return isMillraceError(error) ? error : expect.fail(`was rejected with ${String(error)}`);
}
