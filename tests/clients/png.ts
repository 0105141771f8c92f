/** libpng's simplified API on blocks of a heap. It has no functions for its own memory, and no error that jumps. */
import { chars, type Heap, type OutParameter, type OutValue, type Ptr, struct } from "../../mod.ts";

export const LIBRARY = "libpng16.so.16";

const SYMBOLS = {
  png_image_write_to_memory: {
    parameters: [
      /* png_image * */ "pointer",
      /* memory */ "pointer",
      /* size_t * */ "pointer",
      "i32",
      /* pixels */ "pointer",
      "i32",
      "pointer",
    ],
    result: "i32",
  },
  png_image_begin_read_from_memory: { parameters: [/* png_image * */ "pointer", "pointer", "usize"], result: "i32" },
  png_image_finish_read: {
    parameters: ["pointer", "pointer", /* pixels */ "pointer", "i32", "pointer"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** `png_image` */
const Image = struct({
  opaque: "pointer",
  version: "u32",
  width: "u32",
  height: "u32",
  format: "u32",
  flags: "u32",
  colormapEntries: "u32",
  warningOrError: "u32",
  message: chars(64),
});
const VERSION = 1, RGBA = 3;

type LibPng = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
type ImageStruct = OutParameter<OutValue<typeof Image>>;

/** What the test's image has at a place: red and green go along, blue is a pattern. */
export function pixel(x: number, y: number): number {
  return (x & 255 | (y & 255) << 8 | ((x ^ y) & 255) << 16 | 255 << 24) >>> 0;
}

function withImage<Result>(heap: Heap, use: (c: LibPng, image: ImageStruct) => Result): Result {
  const library = Deno.dlopen(LIBRARY, SYMBOLS);
  try {
    using image = heap.out(Image);
    image.value.version = VERSION;
    return use(library.symbols, image);
  } finally {
    library.close();
  }
}

function assertDone(done: number, { value }: ImageStruct): void {
  if (done === 0) throw new Error(`libpng: ${value.message}`);
}

/** Encodes pixels of a heap to a block of the heap. */
export function encode(heap: Heap, pixels: Ptr, width: number, height: number): { png: Ptr; length: number } {
  return withImage(heap, (c, image) => {
    Object.assign(image.value, { width, height, format: RGBA });
    const most = width * height * 4 + 65_536, png = heap.alloc(most);
    using size = heap.out("usize");
    size.value = BigInt(most);
    const [to, from] = [heap.pointer(png), heap.pointer(pixels)];
    assertDone(c.png_image_write_to_memory(image.pointer, to, size.pointer, 0, from, 0, null), image);
    const length = Number(size.value);
    return { png: heap.realloc(png, length), length };
  });
}

/** Decodes a PNG of a heap to pixels of the heap. */
export function decode(heap: Heap, png: Ptr, length: number): Ptr {
  return withImage(heap, (c, image) => {
    assertDone(c.png_image_begin_read_from_memory(image.pointer, heap.pointer(png), BigInt(length)), image);
    image.value.format = RGBA;
    const pixels = heap.alloc(image.value.width * image.value.height * 4);
    assertDone(c.png_image_finish_read(image.pointer, null, heap.pointer(pixels), 0, null), image);
    return pixels;
  });
}
