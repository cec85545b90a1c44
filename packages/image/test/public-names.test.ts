import { publicNames } from "@millrace/testkit";
import { expect, it } from "vitest";
import * as image from "@millrace/image";

it("the public names of @millrace/image are those in public-names.txt", async () => {
  const names = publicNames(new URL("../dist/index.d.ts", import.meta.url));
  await expect(`${names.join("\n")}\n`).toMatchFileSnapshot("public-names.txt");
  expect(names.map((name) => name.split(" ")[1])).toEqual(expect.arrayContaining(Object.keys(image)));
});
