import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../transfer.mjs", import.meta.url));

it("a new head on a frozen, loaded model learns more from 50 examples than a model that begins anew", () => {
  const text = execFileSync(process.execPath, [SCRIPT], { encoding: "utf8" });
  const [known = 0, transferred = 0, anew = 1] = [...text.matchAll(/accuracy (\d\.\d+)/gu)].map(([, found]) =>
    Number(found),
  );
  expect(known).toBeGreaterThan(0.97);
  expect(transferred).toBeGreaterThan(anew);
});
