/**
 * The heap from inside, for those who measure it stage by stage or try to break it: where its state lies, that state as
 * words, and its parts by themselves. Programs have no use for it, and may rely on nothing here.
 *
 * @module
 */

export * from "../state/books_layout.ts";
export * from "../state/layout.ts";
export * from "../state/samples_layout.ts";
export { HEADER_BYTES } from "../core/large.ts";
export { attachWith, openWith } from "../heap.ts";
export { inverseOf, sizeClasses } from "../core/size_classes.ts";
export { Journal } from "../state/journal.ts";
export { Threads } from "../state/thread_table.ts";
export { openParts, type Parts } from "./parts.ts";
export { booksAt, samplesAt, viewState } from "./state_view.ts";
