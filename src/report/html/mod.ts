/**
 * Result files as one HTML page. Loads the library that draws, so only the command that needs it imports this.
 *
 * @module
 */
export { parseReportInput, type ReportInput, ReportInputError } from "./input.ts";
export { renderPage, type ReportPage, type ReportPart } from "./page.ts";
export { renderFlame } from "./flame/page.ts";
