// deno-lint-ignore-file no-control-regex -- the magic numbers of binary formats
/**
 * Files that people take for traces: what each really is, and what can be done with it.
 *
 * @module
 */

/** What a file is, if it is known and not a trace. */
interface Stranger {
  /** @param head its first bytes, a letter a byte */
  readonly recognises: RegExp;
  readonly says: string;
}

const RECORD = "record the program: record -- COMMAND";
const PROFILE = `it holds samples of allocations and no frees, so it cannot be replayed; ${RECORD}`;
const UNPACK = "unpack it first; .zip, .gz and .zst are read as they are";

const STRANGERS: readonly Stranger[] = [
  {
    recognises: /^version https:\/\/git-lfs\.github\.com\//,
    says: "a Git LFS pointer, not the file that it stands for: git lfs pull",
  },
  { recognises: /^\xfd7zXZ\x00/, says: `an .xz file: ${UNPACK} (xz -d)` },
  { recognises: /^BZh[1-9]/, says: `a bzip2 file: ${UNPACK} (bzip2 -d)` },
  { recognises: /^\x04\x22\x4d\x18/, says: `an lz4 file: ${UNPACK} (lz4 -d)` },
  { recognises: /^\x5d\0\0[^]{2}(\xff{8}|[^]{5}\0\0\0)/, says: `an .lzma file: ${UNPACK} (xz -d)` },
  { recognises: /^(\x1f[^]\x08|\x28\xb5\x2f\xfd|PK\x03\x04)/, says: "it is compressed twice: unpack it once" },
  { recognises: /^7z\xbc\xaf\x27\x1c/, says: `a 7z archive: ${UNPACK}` },
  { recognises: /^Rar!\x1a\x07/, says: `a rar archive: ${UNPACK}` },
  {
    recognises: /^(\xff\xfe|\xfe\xff|([\x20-\x7e\r\n]\0){8})/,
    says: "a text in UTF-16, as PowerShell writes it: make it UTF-8 first (iconv -f UTF-16 -t UTF-8)",
  },
  { recognises: /^[^]{257}ustar/, says: "a tar archive: unpack the one trace that is meant" },
  { recognises: /^heap profile: /, says: `a heap profile of gperftools: ${PROFILE}` },
  { recognises: /^heap_v2\//, says: `a heap profile of jemalloc (jeprof): ${PROFILE}` },
  // The fields of pprof's message begin with the types of its samples: two numbers.
  { recognises: /^\x0a[\x02-\x10]\x08[^]\x10/, says: `a profile of pprof: ${PROFILE}` },
  { recognises: /^(desc: |cmd: ).*\n(cmd: .*\n)?time_unit: /, says: `massif's output: ${PROFILE}` },
  { recognises: /^\s*\{\s*"dhatFileVersion"/, says: `dhat's output: ${PROFILE}` },
  { recognises: /^\s*\{\s*"(head|snapshot|nodes)":\s*\{/, says: `a heap profile of V8: ${PROFILE}` },
  {
    recognises: /^\s*(\{\s*"(traceEvents|displayTimeUnit|otherData)":|\[\s*\{\s*"(name|cat|ph|pid|tid|ts|args)":)/,
    says: `Chrome's trace events: of memory it has sums at most; ${RECORD}`,
  },
  { recognises: /^PERFILE2/, says: `a file of perf: ${PROFILE}` },
  {
    recognises: /^\s*\{\s*"schema": *"hakmem\./,
    says: "what a command of hakmem wrote with --json: report shows it. A trace is what it was made from",
  },
  { recognises: /^\x7fELF/, says: "a program or a library: record -- COMMAND makes a trace of a program" },
  { recognises: /^\s*<(!doctype|html|\?xml)/i, says: "a web page, where a download was expected" },
];

/** What a file is that is not a trace of a format that is known; undefined if it is not known either. */
export function strangerIn(head: string): string | undefined {
  if (head === "") return "the file is empty";
  return STRANGERS.find(({ recognises }) => recognises.test(head))?.says;
}
