/**
 * What is around every page: its head, with the style and with what the browser is told that the page may do.
 *
 * @module
 */
import { type Markup, markup } from "./markup.ts";
import { STYLE } from "./style.ts";

/** That a page loads nothing and runs nothing. */
export const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** A page. @param policy What it may do, as browsers are told. @param style What is added to the style of all pages. */
export function shell(title: string, policy: string, body: Markup, style?: Markup): Markup {
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${policy}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title}</title>
        <link rel="icon" href="data:,">
        <style>${STYLE}${style}</style>
      </head>
      <body>
        ${body}
      </body>
    </html>`;
}
