import { type BackendName, selectBackend } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { onBackend, tensorflowSkip } from "./on-backend.js";

const ONE_PIXEL = { data: Uint8Array.of(7), dtype: "uint8", shape: [1, 1, 1, 1] } as const;

describe("selectBackend", () => {
  it.each<[choice: BackendName, device: RegExp]>([
    ["cpu", /^CPU, JavaScript$/],
    ["wasm", /^CPU, WebAssembly SIMD, 1 thread$/],
  ])("opens %s by name", async (choice, device) => {
    const { backend, passedOver } = await selectBackend(choice);
    expect([backend.name, backend.isGpu, passedOver]).toEqual([choice, false, []]);
    expect(backend.device).toMatch(device);
    expect(backend.tf.getBackend()).toBe(choice);
    await backend.fence();
    await backend.close();
  });

  it.skipIf(tensorflowSkip)("opens tensorflow by name, with the device that it says it has", async () => {
    await onBackend("tensorflow", async (backend) => {
      expect(backend.device).toMatch(backend.isGpu ? /^GPU, TensorFlow 2\./ : /^CPU, TensorFlow 2\..*, \d+ threads?$/);
      const inside = backend.tf.backend() as unknown as { isUsingGpuDevice: boolean };
      expect(backend.isGpu).toBe(inside.isUsingGpuDevice);
      await backend.fence();
    });
  });

  it.skipIf(tensorflowSkip)("takes tensorflow before wasm, and says what it found instead of a GPU", async () => {
    const { backend, passedOver } = await selectBackend("auto");
    expect(backend.name).toBe("tensorflow");
    const noGpu = { what: "tensorflow on a GPU", reason: expect.stringMatching(/^TensorFlow 2\..* finds no GPU/) };
    expect(passedOver).toEqual(backend.isGpu ? [] : [noGpu]);
    await backend.close();
  });

  it("refuses an unknown backend and impossible options, with the options that there are", async () => {
    await expect(selectBackend("gpu" as BackendName)).rejects.toThrow(
      "option backend: no such backend; expected auto, tensorflow, wasm, cpu, found gpu",
    );
    await expect(selectBackend("cpu", { numThreads: 0 })).rejects.toThrow(/numThreads.*from 1 up, found 0/);
    await expect(selectBackend("cpu", { probeTimeoutMs: Number.NaN })).rejects.toThrow(/probeTimeoutMs.*found NaN/);
  });
});

describe("a backend", () => {
  it("closes the one before, and says so to whoever still uses it", async () => {
    const first = await selectBackend("wasm");
    const second = await selectBackend("cpu");
    expect(() => first.backend.upload(ONE_PIXEL)).toThrow("the backend wasm is closed; open one with selectBackend");
    await expect(first.backend.fence()).rejects.toThrow("the backend wasm is closed");
    expect(second.backend.upload(ONE_PIXEL).dataSync()[0]).toBe(7);
    await second.backend.close();
    await second.backend.close();
  });

  it("can be opened again after it was closed, and tensors can be disposed after that", async () => {
    for (const name of ["wasm", "cpu", "wasm", "cpu"] as const) {
      const tensors = await onBackend(name, (backend) => [backend.upload(ONE_PIXEL)]);
      for (const tensor of tensors) tensor.dispose();
      expect(tensors.map((tensor) => tensor.isDisposed)).toEqual([true]);
    }
  });

  it("opened often leaves the listeners of the process as they were, and no warning", async () => {
    const events = ["uncaughtException", "unhandledRejection"] as const;
    const listeners = (): unknown[] => events.map((event) => process.listeners(event as "uncaughtException"));
    const warnings: string[] = [];
    const own = (reason: unknown): number => warnings.push(String(reason));
    const warn = ({ name }: Error): number => warnings.push(name);
    process.on("unhandledRejection", own).on("warning", warn);
    try {
      const before = listeners();
      for (let n = 0; n < 12; n++) await (await selectBackend("wasm")).backend.close();
      await new Promise(setImmediate);
      expect([listeners(), warnings]).toEqual([before, []]);
    } finally {
      process.off("unhandledRejection", own).off("warning", warn);
    }
  });

  it("closes at the end of an `await using` block", async () => {
    let held;
    {
      await using backend = (await selectBackend("cpu")).backend;
      held = backend;
    }
    expect(() => held.upload(ONE_PIXEL)).toThrow("is closed");
  });
});
