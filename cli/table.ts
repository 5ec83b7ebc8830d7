import { oneLine } from "./one-line.js";

/** Lines of columns as wide as their widest cell, two spaces apart; cells of `right` columns end flush. */
export function formatTable(
  cells: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string {
  const rows = cells.map((row) => row.map(oneLine));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return right.has(column) ? cell.padStart(width) : cell.padEnd(width);
  };
  return rows.map((row) => `${row.map(pad).join("  ").trimEnd()}\n`).join("");
}
