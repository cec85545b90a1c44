import type { ShardLocation, Statistics } from "@millrace/formats";
import type { Decoder } from "@millrace/image";
import type { FieldPlan } from "./fields.js";
import type { Loader } from "./loader.js";
import type { ResolvedOptions } from "./options.js";
import type { DescribedOrder } from "./order/describe-order.js";
import type { BoundOrder, Order } from "./order/order.js";
import type { RingPlan } from "./ring-plan.js";
import type { prepareReadAhead } from "./storage/read-ahead-plan.js";
import type { StorageRoute } from "./storage-routes.js";
import type { StoredFiles } from "./stored-files.js";
import type { LoaderVariant } from "./variant.js";
import type { PipelineSetup } from "./worker/protocol.js";

/** What an open loader is made of; planned by {@link openLoader}. */
export interface LoaderParts {
  readonly options: ResolvedOptions;
  /** As states keep it. */
  readonly order: Order;
  readonly bound: BoundOrder;
  /** The data sets that are mixed by weight, if any. */
  readonly parts: DescribedOrder["parts"];
  readonly fields: readonly FieldPlan[];
  /** How workers get at the values of each field, by its name. */
  readonly routes: ReadonlyMap<string, StorageRoute>;
  /** Fields that batches do not have. */
  readonly leftOut: readonly string[];
  readonly plan: RingPlan;
  /** Who decodes; `undefined` where no image is encoded. */
  readonly decoder: Decoder | undefined;
  readonly setup: PipelineSetup;
  readonly shards: readonly ShardLocation[];
  /** Number of samples of all shards. */
  readonly samples: number;
  /** Whether shards are read ahead, why, and by whom. */
  readonly ahead: ReturnType<typeof prepareReadAhead>;
  readonly fingerprint: string;
  readonly root: string;
  readonly statistics: Statistics | undefined;
  /** What there is to say of the files; found out when it is first asked for. */
  readonly files: () => StoredFiles;
  /** Makes a loader of the same parts that does one thing another way. */
  readonly vary: (change: LoaderVariant) => Loader;
}
