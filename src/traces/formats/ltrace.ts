/**
 * What `ltrace` writes of a program's calls, with whatever it may put in front of them: a process or thread (`-f`), a time
 * (`-t`, `-r`), the caller.
 *
 *     malloc(472)                                = 0x5581b3f062a0
 *     ls->realloc(0x5581b3f062a0, 2048)          = 0x5581b3f07ac0
 *     [pid 1234] 18:33:53.985784 free(0x5581)    = <void>
 *     1234 malloc(5 <unfinished ...>
 *     1234 <... malloc resumed> )                = 0x5581b3f08000
 *     operator new(unsigned long)(4, 0x7ffc)     = 0x55905a169eb0          `-C`; _Znwm without
 *
 * A call within one that is unfinished, of the same thread, is the library's own, and not counted a second time. A
 * `posix_memalign` does not say which block it made, so its free is one of an unknown block.
 *
 * @module
 */
import { LARGEST_SIZE, MOST_THREADS, type TraceBuilder } from "../builder.ts";
import type { TraceFormat } from "./format.ts";
import { decimal, decodeLines, hexadecimal, pointerOf } from "../text/lines.ts";
import type { Shape, TakeNumbers } from "../text/shapes.ts";

const CALLS = "malloc|calloc|realloc|reallocarray|free|memalign|aligned_alloc|valloc|pvalloc|posix_memalign|" +
  "_Zn[aw]\\w+|_Zd[al]\\w+|operator (?:new|delete)(?:\\[\\])?(?:\\([^()]*\\))?";
const PREFIX = "^(?:\\[pid (?<pid>\\d+)\\] |(?<number>\\d+) )?(?:[\\d:]*\\d(?:\\.\\d+)? )?\\s*";
const BEGIN = new RegExp(`${PREFIX}(?:[^\\s(]*->)?(?<name>${CALLS})(?:@\\S+?)?\\((?<given>.*)$`);
const RESUMED = new RegExp(`${PREFIX}<\\.\\.\\. (?:[^\\s(]*->)?(?<name>${CALLS})(?:@\\S+?)? resumed>`);
const RESULT = /\)\s+= (\S+)\s*(?:<[\d.]+>)?\s*$/;
const UNFINISHED = "<unfinished ...>";

/** Calls within one another: those of a log are a few. */
const MOST_OPEN = 1000;

/** The format. */
export const ltrace: TraceFormat = {
  name: "ltrace",
  description: "ltrace's text",
  recognises: (head) => head.split("\n").some((line) => BEGIN.test(line) && (RESULT.test(line) || isUnfinished(line))),
  decode: (content, sink) => {
    /** By thread: the calls that have begun and not ended, the outermost first. */
    const open = new Map<number, string[]>();
    let unsound = 0;
    const shapes = shapesOf((thread) => open.size > 0 && open.has(thread));
    return decodeLines(ltrace.name, content, sink, { partial: "given", shapes }, (builder, line) => {
      const begin = BEGIN.exec(line)?.groups, resumed = begin === undefined ? RESUMED.exec(line)?.groups : undefined;
      const found = begin ?? resumed;
      if (found === undefined) return; // a call of something else, a signal, an end
      const thread = decimal(found["pid"] ?? found["number"] ?? "0"), calls = open.get(thread) ?? [];
      if (begin !== undefined && isUnfinished(line)) {
        if (calls.push(begin["given"]!) > MOST_OPEN) {
          builder.fail(`more than ${MOST_OPEN} calls of a thread have no end`);
        }
        open.set(thread, calls);
        if (open.size > MOST_THREADS) builder.fail(`more than ${MOST_THREADS} threads`);
        return;
      }
      const given = resumed === undefined ? begin!["given"]! : calls.pop();
      if (calls.length === 0) open.delete(thread);
      const result = RESULT.exec(line)?.[1];
      if (calls.length > 0 || given === undefined || result === undefined) return;
      const isSound = decodeCall(builder, thread, found["name"]!, given, result);
      unsound += Number(!isSound);
    }, (builder) => {
      if (unsound > 0) builder.remark(`${unsound} calls are left out, since ltrace misread their arguments`);
    });
  },
};

/** The calls of which most logs are made, of a thread or not, if they are not within another call. */
function shapesOf(isWithin: (thread: number) => boolean): Shape[] {
  return ["", "%d ", "[pid %d] "].flatMap((prefix): Shape[] => {
    const outermost = (take: TakeNumbers): TakeNumbers => {
      const takeUnlessWithin: TakeNumbers = (builder, thread, first, second, third) => {
        return isWithin(thread) ? false : take(builder, thread, first, second, third);
      };
      return prefix === ""
        ? (builder, first, second) => takeUnlessWithin(builder, 0, first, second, 0)
        : takeUnlessWithin;
    };
    return [
      [`${prefix}%>malloc(%d) %_= 0x%x`, outermost((builder, thread, size, id) => builder.malloc(thread, id, size))],
      [`${prefix}%>free(0x%x) %_= <void>`, outermost((builder, thread, id) => builder.free(thread, id))],
    ];
  });
}

function isUnfinished(line: string): boolean {
  return line.trimEnd().endsWith(UNFINISHED);
}

/** Returns whether its arguments can be: without a function's prototype, ltrace prints what lies in some registers. */
function decodeCall<R>(builder: TraceBuilder<R>, thread: number, name: string, given: string, result: string): boolean {
  const words = given.split(/[,)<]/).map((word) => word.trim());
  if (name === "posix_memalign") return true;
  if (name === "free" || name.startsWith("_Zd") || name.startsWith("operator delete")) {
    builder.free(thread, pointerOf(builder, words[0]));
    return true;
  }
  const gave = pointerOf(builder, result);
  const isArray = name === "reallocarray", old = isArray || name === "realloc" ? words.shift() : undefined;
  const alignment = name === "memalign" || name === "aligned_alloc" ? numberIn(words.shift()) : 0;
  const count = name === "calloc" || isArray ? numberIn(words.shift()) : 1,
    size = numberIn(words[0]),
    all = count * size;
  if (Number.isNaN(all)) builder.fail(`"${given.slice(0, 40)}" are not the arguments of ${name}`);
  if (gave !== null && all > LARGEST_SIZE) return false;
  if (old !== undefined) builder.realloc(thread, pointerOf(builder, old), gave, all);
  else if (alignment > 0) builder.aligned(thread, gave, alignment, all);
  else if (name === "calloc") builder.calloc(thread, gave, count, size);
  else builder.malloc(thread, gave, all);
  return true;
}

/** A number as ltrace prints it, which is hexadecimal for some. */
function numberIn(word: string | undefined): number {
  return word?.startsWith("0x") ? hexadecimal(word.slice(2)) : decimal(word);
}
