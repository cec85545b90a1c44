// tfjs-layers comes first: importing it is what registers the gradients of the operations.
import "@tensorflow/tfjs-layers";
import { BackendError, ClosedError } from "@millrace/formats";
import * as tf from "@tensorflow/tfjs-core";
import { checkImage, checkLabels } from "../upload/check-host-tensor.js";
import type { HostTensor, PixelAffine } from "../upload/host-tensor.js";
import type { Uploader } from "../upload/uploader.js";
import type { Backend, BackendName, TensorFlow } from "./backend.js";

/** What distinguishes one backend from another. */
export interface TfjsBackendParts {
  readonly name: BackendName;
  readonly device: string;
  readonly isGpu: boolean;
  readonly uploader: Uploader;
  /** Waits for the device; left out where operations run on the calling thread. */
  readonly fence?: () => Promise<void>;
}

type Factory = NonNullable<ReturnType<typeof tf.findBackendFactory>>;

const factories = new Map<BackendName, Factory>();
/** The open ones: one, or none. */
const open = new Set<TfjsBackend>();

/**
 * Makes a backend of TensorFlow.js the current one and returns TensorFlow.js's object of it. The one before is closed.
 * Its package has been imported, so that it is registered.
 * @throws {@link BackendError} if it does not start.
 */
export async function activate(name: BackendName): Promise<tf.KernelBackend> {
  for (const before of open) await before.close();
  const factory = factories.get(name) ?? tf.findBackendFactory(name);
  if (factory === null) throw new BackendError({ problem: `TensorFlow.js has no backend ${name}` });
  factories.set(name, factory);
  if (tf.findBackendFactory(name) === null) tf.registerBackend(name, factory);
  if (!(await tf.setBackend(name)))
    throw new BackendError({ problem: `the backend ${name} of TensorFlow.js did not start` });
  await tf.ready();
  return tf.backend();
}

/** A {@link Backend} over the current backend of TensorFlow.js. */
export class TfjsBackend implements Backend {
  readonly name: BackendName;
  readonly device: string;
  readonly isGpu: boolean;
  readonly tf: TensorFlow = tf;
  readonly #parts: TfjsBackendParts;
  #isClosed = false;

  constructor(parts: TfjsBackendParts) {
    this.name = parts.name;
    this.device = parts.device;
    this.isGpu = parts.isGpu;
    this.#parts = parts;
    open.add(this);
  }

  upload(image: HostTensor, affine?: PixelAffine): tf.Tensor4D {
    this.#checkOpen();
    const shape = checkImage(image, affine);
    if (image.dtype === "uint8") return this.#parts.uploader.uploadPixels(image.data as Uint8Array, shape, affine);
    return this.#parts.uploader.uploadFloats(image.data as Float32Array, shape);
  }

  uploadLabels(labels: HostTensor): tf.Tensor1D {
    this.#checkOpen();
    checkLabels(labels);
    return tf.tensor1d(Int32Array.from(labels.data as Int32Array), "int32");
  }

  async fence(): Promise<void> {
    this.#checkOpen();
    await this.#parts.fence?.();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    open.delete(this);
    this.#parts.uploader.dispose();
    tf.removeBackend(this.name);
    await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new ClosedError({ problem: `the backend ${this.name} is closed`, fix: "open one with selectBackend" });
  }
}
