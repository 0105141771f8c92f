/**
 * A command's own result as the page that `report` makes of it. The charts' library is loaded only where it is asked for.
 *
 * @module
 */
import type { Destination } from "./outputs.ts";

/** The destination `--html`, ready to render. */
export async function htmlDestination<File extends object>(path: string | undefined): Promise<Destination<File>> {
  const option = "--html";
  if (path === undefined) return { option, path, render: () => "" };
  const { parseReportInput, renderPage } = await import("../../report/html/mod.ts");
  return { option, path, render: (file) => renderPage([parseReportInput("result.json", JSON.stringify(file))]).html };
}
