/** The part of `malloc` (by codemix) that this project uses: the package has no types of its own. */
declare class Allocator {
  /** Manages the whole buffer. */
  constructor(buffer: ArrayBuffer);
  /** Offset of a block; 0 if there is no room. */
  alloc(bytes: number): number;
  /** How many bytes became free. */
  free(offset: number): number;
}

export default Allocator;
