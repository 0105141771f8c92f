/**
 * What `flags` says, `hakmem.flags/1`: a variant with every flag, or two and their differences.
 *
 * @module
 */

/** One flag of a variant. */
export interface FlagValue {
  readonly flag: string;
  readonly value: string | number;
  /** The variant whose row has it, `override`, or `debug build`. */
  readonly from: string;
  readonly meaning: string;
}

/** How long a function is in V8's bytecode. */
export interface BytecodeLength {
  readonly function: string;
  readonly bytes: number;
}

/** A variant, with every flag in the order of their table. */
export interface VariantFlags {
  /** With its overrides. */
  readonly name: string;
  readonly flags: readonly FlagValue[];
  /** The functions of its hot path, malloc and free first; empty where V8 does not say. */
  readonly bytecode: readonly BytecodeLength[];
}

/** What `flags` says: one variant, or two and their differences. */
export interface FlagsFile {
  readonly schema: "hakmem.flags/1";
  readonly build: string;
  readonly variants: readonly VariantFlags[];
  readonly differences: readonly {
    readonly flag: string;
    readonly a: string | number;
    readonly b: string | number;
    readonly meaning: string;
  }[];
}
