import { SourceError } from "@millrace/formats";
import { compareBytewise } from "../bytewise.js";
import type { FolderContent } from "./walk-folder.js";
import type { IgnoredCollector } from "./ignored.js";
import type { Listing, SourceItem } from "./source.js";

/** Top-level folders of these names, and no others, are splits. */
const SPLITS: readonly string[] = ["train", "val", "test"];

/** Names that other tools give to splits; a folder of classes is unlikely to have several of them. */
const LIKE_SPLITS: ReadonlySet<string> = new Set([
  ...SPLITS,
  "training",
  "valid",
  "validation",
  "dev",
  "eval",
  "testing",
]);

/** The splits, classes and items of an image folder, without what was ignored. */
export type FolderLayout = Pick<Listing, "splits" | "classes" | "items">;

/**
 * What a folder of images means. `<class>/…/<image>` where the top-level folders are classes;
 * `<split>/<class>/…/<image>` where they are `train`, `val`, `test` and nothing else.
 * @param images - paths of image files relative to `root`, as {@link FolderContent} gives them
 * @throws SourceError if there are no images or no classes, or the top level mixes splits with other folders.
 */
export function layoutOf(
  root: string,
  images: readonly string[],
  folders: FolderContent["folders"],
  ignored: IgnoredCollector,
): FolderLayout {
  if (images.length === 0) throw nothingIn(root, ignored);
  const tops = [...new Set(images.filter((path) => path.includes("/")).map((path) => partsOf(path)[0] as string))];
  if (tops.length === 0) {
    throw new SourceError({
      file: root,
      problem: `there are no classes: all ${images.length} images lie directly in the folder`,
      expected: "one folder a class",
      found: images.toSorted(compareBytewise)[0],
      fix: "move the images into folders named for their classes",
    });
  }
  const hasSplits = tops.every((top) => SPLITS.includes(top));
  if (!hasSplits) refuseMixture(root, tops, images);
  const depth = hasSplits ? 1 : 0;
  const inClass = images.filter((path) => {
    const fits = partsOf(path).length >= depth + 2;
    if (!fits) ignored.add("outside-a-class", path);
    return fits;
  });
  const splits = hasSplits ? SPLITS.filter((split) => tops.includes(split)) : [];
  for (const split of splits) requireClasses(root, split, inClass);
  reportEmptyClasses(folders, inClass, depth, ignored);
  return { splits, ...labelled(inClass, depth) };
}

function partsOf(path: string): string[] {
  return path.split("/");
}

function labelled(paths: readonly string[], depth: number): Pick<Listing, "classes" | "items"> {
  const classes = [...new Set(paths.map((path) => partsOf(path)[depth] as string))].toSorted(compareBytewise);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const items = paths.toSorted(compareBytewise).map((path): SourceItem => {
    const parts = partsOf(path);
    const label = labels.get(parts[depth] as string) as number;
    return depth === 0 ? { path, label, key: path } : { path, label, split: parts[0], key: path };
  });
  return { classes, items };
}

function nothingIn(root: string, ignored: IgnoredCollector): SourceError {
  const left = ignored.toData();
  const seen = left.map(({ reason, count, examples }) => `${count} x ${reason} (${examples[0]})`).join(", ");
  return new SourceError({
    file: root,
    problem: left.length === 0 ? "the folder is empty" : "there is no image in the folder",
    expected: "one folder a class, with images in it",
    found: left.length === 0 ? undefined : seen,
    fix: left.some(({ reason }) => reason === "link-leads-out" || reason === "link-to-folder")
      ? "copy the files that the links lead to, or name the folder that holds them"
      : "check the path",
  });
}

function requireClasses(root: string, split: string, paths: readonly string[]): void {
  if (paths.some((path) => path.startsWith(`${split}/`))) return;
  throw new SourceError({
    file: root,
    problem: `the split ${split} has no classes: its images lie directly in the folder`,
    expected: `${split}/<class>/<image>`,
    fix: `move the images of ${split} into folders named for their classes`,
  });
}

function someNames(names: readonly string[]): string {
  return names.toSorted(compareBytewise).slice(0, 10).join(", ");
}

function refuseMixture(root: string, tops: readonly string[], images: readonly string[]): void {
  const like = tops.filter(
    (top) => LIKE_SPLITS.has(top) && images.some((path) => path.startsWith(`${top}/`) && partsOf(path).length > 2),
  );
  if (!like.some((top) => top.startsWith("train")) || (like.length < 2 && tops.length > 1)) return;
  throw new SourceError({
    file: root,
    problem: `the folders ${someNames(like)} look like splits`,
    expected: `${SPLITS.join(", ")} and no other folder beside them`,
    found: someNames(tops),
    fix: "rename them (valid to val, for one) and move other folders away; if they are classes, give them other names",
  });
}

function reportEmptyClasses(
  folders: readonly string[],
  paths: readonly string[],
  depth: number,
  ignored: IgnoredCollector,
): void {
  const filled = new Set(
    paths.map((path) =>
      partsOf(path)
        .slice(0, depth + 1)
        .join("/"),
    ),
  );
  for (const folder of folders) {
    if (partsOf(folder).length === depth + 1 && !filled.has(folder)) ignored.add("class-without-images", folder);
  }
}
