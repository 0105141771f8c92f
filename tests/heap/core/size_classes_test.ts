import { assert, assertEquals } from "@std/assert";
import { SLAB_BYTES } from "../../../src/heap/state/layout.ts";
import { inverseOf, sizeClasses } from "../../../src/heap/core/size_classes.ts";

const SETS = [sizeClasses("fine", false), sizeClasses("seed", true), sizeClasses("seed", false)];

Deno.test("sizeClasses() gives every size the smallest class that holds it", () => {
  for (const { table, bias, usable, largest } of SETS) {
    for (let size = 0; size <= largest; size++) {
      const sizeClass = table[(size + bias) >> 4]!;
      assert(usable[sizeClass]! >= size, `${size}`);
      assert(sizeClass === 1 || usable[sizeClass - 1]! < size, `${size}`);
    }
  }
});

Deno.test("sizeClasses() has strides that are multiples of 16, and slabs that hold their blocks", () => {
  for (const { strides, blocks } of SETS) {
    for (let sizeClass = 1; sizeClass < strides.length; sizeClass++) {
      assertEquals(strides[sizeClass]! % 16, 0);
      assert(blocks[sizeClass]! * strides[sizeClass]! <= SLAB_BYTES);
      assert(blocks[sizeClass]! > 0);
    }
  }
});

Deno.test("inverseOf() tells multiples of every stride from all other distances in a slab", () => {
  for (const { strides } of SETS) {
    for (const stride of strides.slice(1)) {
      const inverse = inverseOf(stride);
      for (let distance = 1; distance <= SLAB_BYTES; distance++) {
        const isMultiple = (Math.imul(-distance, inverse) >>> 0) < inverse;
        if (isMultiple !== (distance % stride === 0)) throw new Error(`${distance} by ${stride}`);
      }
    }
  }
});
