/**
 * What a flame graph's page does in the browser: it draws the tree, zooms to what is clicked, finds what is typed, and
 * changes to another value. It is put into the page as text, so it knows nothing outside of itself.
 *
 * @module
 */
import type { FlameNode, FlameTree } from "./tree.ts";

/** As much of a browser's element as is used here: Deno's types have none. */
interface Element {
  textContent: string | null;
  innerHTML: string;
  className: string;
  title: string;
  value: string;
  hidden: boolean;
  checked: boolean;
  disabled: boolean;
  readonly style: Record<string, string> & { setProperty(name: string, value: string): void };
  append(...nodes: Element[]): void;
  focus(): void;
  addEventListener(type: string, listener: (event: { readonly key: string }) => void): void;
}

interface Browser {
  readonly document: {
    getElementById(id: string): Element | null;
    createElement(tag: string): Element;
    querySelectorAll(selector: string): Iterable<Element>;
    addEventListener(type: string, listener: (event: { readonly key: string }) => void): void;
  };
}

/** Runs in the page. */
export function flameClient(): void {
  const { document } = globalThis as unknown as Browser;
  const element = (id: string) => document.getElementById(id)!;
  const { values, first, texts, root } = JSON.parse(element("tree").textContent!) as FlameTree;
  const LEAST_PERCENT = 0.1, ROW = 22, COLOURS = 8;
  let chosen = first, path: FlameNode[] = [root], words = "";
  /** The boxes that are drawn: of each node one. */
  const boxes = new Map<FlameNode, Element>();

  const amount = (value: number): string => {
    if (values[chosen]!.unit !== "bytes") return value.toLocaleString("en-US");
    const units = ["B", "KB", "MB", "GB", "TB"];
    const unit = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
    return unit === 0 ? `${value} B` : `${(value / 1000 ** unit).toFixed(1)} ${units[unit]}`;
  };
  const share = (value: number): string => {
    const all = root[1][chosen]!;
    return all === 0 ? "" : `${(100 * value / all).toFixed(1)} %`;
  };
  const isFound = ([text]: FlameNode): boolean => words !== "" && texts[text]![0].toLowerCase().includes(words);
  /** What all that is found has, each stack once. */
  const foundIn = (node: FlameNode): number =>
    isFound(node) ? node[1][chosen]! : node[2].reduce((sum, call) => sum + foundIn(call), 0);

  const describe = (node: FlameNode): string => {
    const [name, detail] = texts[node[0]]!;
    return `${name}${detail === "" ? "" : `, ${detail}`}: ${amount(node[1][chosen]!)}, ${share(node[1][chosen]!)}`;
  };

  const draw = (): void => {
    const graph = element("graph");
    graph.innerHTML = "";
    boxes.clear();
    let rows = 0;
    const box = (node: FlameNode, chain: readonly FlameNode[], left: number, width: number, isAbove: boolean): void => {
      const [text] = node, button = document.createElement("button"), depth = chain.length - 1;
      button.textContent = texts[text]![0];
      button.title = describe(node);
      button.className = `box${isAbove ? " above" : ""}${words === "" ? "" : isFound(node) ? " found" : " other"}`;
      button.style.left = `${left}%`;
      button.style.width = `${width}%`;
      button.style.top = `${depth * ROW}px`;
      button.style.setProperty("--tone", `var(--series-${texts[text]![2] % COLOURS + 1})`);
      button.addEventListener("click", () => {
        path = [...chain];
        draw();
        boxes.get(node)?.focus(); // the box that had the focus is gone
      });
      button.addEventListener("mouseenter", () => element("detail").textContent = describe(node));
      button.addEventListener("focus", () => element("detail").textContent = describe(node));
      boxes.set(node, button);
      graph.append(button);
      rows = Math.max(rows, depth + 1);
    };
    const below = (node: FlameNode, chain: readonly FlameNode[], left: number, width: number): void => {
      const all = node[1][chosen]!;
      const calls = [...node[2]].sort((a, b) => b[1][chosen]! - a[1][chosen]!);
      let at = left;
      for (const call of calls) {
        const part = all === 0 ? 0 : width * call[1][chosen]! / all;
        if (part >= LEAST_PERCENT) {
          box(call, [...chain, call], at, part, false);
          below(call, [...chain, call], at, part);
        }
        at += part;
      }
    };
    path.forEach((node, depth) => box(node, path.slice(0, depth + 1), 0, 100, depth < path.length - 1));
    below(path.at(-1)!, path, 0, 100);
    graph.style.height = `${rows * ROW}px`;
    element("detail").textContent = describe(path.at(-1)!);
    element("back").disabled = path.length === 1;
    element("matched").textContent = words === "" ? "" : `${share(foundIn(root))} goes through what is found`;
    element("empty").hidden = root[1][chosen] !== 0;
  };

  const reset = (): void => {
    const node = path.at(-1)!;
    if (node === root) return;
    path = [root];
    draw();
    boxes.get(node)?.focus();
  };
  let index = 0;
  for (const radio of document.querySelectorAll("[name=value]")) {
    const own = index++;
    radio.addEventListener("change", () => {
      chosen = own;
      draw();
    });
  }
  element("search").addEventListener("input", () => {
    words = element("search").value.trim().toLowerCase();
    draw();
  });
  element("back").addEventListener("click", reset);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") reset();
  });
  draw();
}
