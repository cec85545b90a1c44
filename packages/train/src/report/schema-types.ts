import { z } from "zod";

/** Of a number of things. */
export const Count: z.ZodInt = z.int().min(0);
/** Of a time in ms. */
export const Ms: z.ZodNumber = z.number().min(0);
/** Of a rate a second, or of an amount that is not negative. */
export const Rate: z.ZodNumber = z.number().min(0);
/** Of a share: 0 to 1, with room for the last bits of a sum. */
export const Fraction: z.ZodNumber = z.number().min(0).max(1.0000001);
/** Of workers or CPUs that were there: a page has a point for each. */
export const Threads: z.ZodNumber = z.number().min(0).max(4096);
/** Of workers or CPUs that a change proposes: up to eight workers a CPU. */
export const MoreThreads: z.ZodNumber = z
  .number()
  .min(0)
  .max(8 * 4096);
