/**
 * Where the pixels of an image in the making lie in its source: a box of the source, seen as `columns x rows` pixels,
 * mirrored or not. Crops, resizes, flips and margins only change these numbers; one call of a kernel then makes the
 * pixels. With a margin the box sticks out of the source. Mutable, so that one serves a worker for all its samples.
 */
export interface Geometry {
  /** Left edge of the box in source pixels. */
  x: number;
  /** Upper edge. */
  y: number;
  /** Source columns of the box. */
  width: number;
  /** Source rows of the box. */
  height: number;
  /** Columns of the image so far. */
  columns: number;
  /** Rows of the image so far. */
  rows: number;
  /** Mirrored left to right. */
  flip: boolean;
  /** Mirrored top to bottom. */
  flipVertical: boolean;
}

/** A geometry that shows nothing yet. */
export function createGeometry(): Geometry {
  return { x: 0, y: 0, width: 0, height: 0, columns: 0, rows: 0, flip: false, flipVertical: false };
}

/** Shows the whole source as it is. */
export function showAll(geometry: Geometry, columns: number, rows: number): void {
  geometry.x = 0;
  geometry.y = 0;
  geometry.width = columns;
  geometry.height = rows;
  geometry.columns = columns;
  geometry.rows = rows;
  geometry.flip = false;
  geometry.flipVertical = false;
}

/** Keeps a rectangle of the image so far; `x` and `y` are its upper left corner. */
export function crop(geometry: Geometry, x: number, y: number, columns: number, rows: number): void {
  const scaleX = geometry.width / geometry.columns;
  const scaleY = geometry.height / geometry.rows;
  const left = geometry.flip ? geometry.columns - x - columns : x;
  const top = geometry.flipVertical ? geometry.rows - y - rows : y;
  geometry.x += left * scaleX;
  geometry.y += top * scaleY;
  geometry.width = columns * scaleX;
  geometry.height = rows * scaleY;
  geometry.columns = columns;
  geometry.rows = rows;
}

/** Shows the same box with other numbers of pixels. */
export function scaleTo(geometry: Geometry, columns: number, rows: number): void {
  geometry.columns = columns;
  geometry.rows = rows;
}

/** Adds margins to an image so far that has the size of its box. */
export function enlarge(geometry: Geometry, left: number, top: number, right: number, bottom: number): void {
  geometry.x -= geometry.flip ? right : left;
  geometry.y -= geometry.flipVertical ? bottom : top;
  geometry.width += left + right;
  geometry.height += top + bottom;
  geometry.columns += left + right;
  geometry.rows += top + bottom;
}

/** Edges are kept to this fraction of a pixel, so that sums of them are exact and never leave the source. */
const GRID = 2 ** 16;

function snap(edge: number, end: number): number {
  return Math.min(end, Math.max(0, Math.round(edge * GRID) / GRID));
}

/** Rounds the box's edges to a grid of 2^-16 pixels inside of a source of `columns x rows`. */
export function snapBox(geometry: Geometry, columns: number, rows: number): void {
  const right = snap(geometry.x + geometry.width, columns);
  const bottom = snap(geometry.y + geometry.height, rows);
  geometry.x = snap(geometry.x, columns);
  geometry.y = snap(geometry.y, rows);
  geometry.width = right - geometry.x;
  geometry.height = bottom - geometry.y;
}
