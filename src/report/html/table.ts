/**
 * Tables that a screen reader can follow: heads with their scope, the first cell of a row its head. Wide ones
 * scroll by themselves, so that the page does not; `stacked` ones become cards on a phone.
 *
 * @module
 */
import { type Markup, markup, NOTHING, type Piece } from "./markup.ts";

/** A column: its head, and whether it holds numbers. */
export interface Column {
  readonly head: string;
  readonly isNumeric?: boolean;
}

/** A table. */
export interface TableOptions {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Piece[])[];
  /** For tables with sentences in their cells. */
  readonly isStacked?: boolean;
}

/** A column of numbers. */
export function numeric(head: string): Column {
  return { head, isNumeric: true };
}

/** The table's markup; nothing if it has no row. */
export function renderTable({ caption, columns, rows, isStacked = false }: TableOptions): Markup {
  if (rows.length === 0) return NOTHING;
  const heads = columns.map(({ head, isNumeric }) =>
    markup`<th role="columnheader" scope="col" ${classOf(isNumeric)}>${head}</th>`
  );
  const lines = rows.map((cells) =>
    markup`<tr role="row">${
      cells.map((cell, index) => {
        const { head = "", isNumeric } = columns[index] ?? {};
        return index === 0
          ? markup`<th role="rowheader" scope="row" ${classOf(isNumeric)}>${cell}</th>`
          : markup`<td role="cell" ${classOf(isNumeric)} data-head="${head}">${cell}</td>`;
      })
    }</tr>`
  );
  // The roles are repeated because a table that is laid out as cards loses them.
  return markup`<figure>
    <div class="scroll" role="region" aria-label="${caption}" tabindex="0">
      <table role="table" ${isStacked ? markup`class="stacked"` : ""}>
        <thead role="rowgroup">
          <tr role="row">${heads}</tr>
        </thead>
        <tbody role="rowgroup">
          ${lines}</tbody>
      </table>
    </div>
    <figcaption>${caption}</figcaption>
  </figure>`;
}

function classOf(isNumeric: boolean | undefined): Piece {
  return isNumeric === true ? markup`class="number"` : "";
}
