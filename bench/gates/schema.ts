/**
 * The JSON Schema of gate files, made from the schema that reads them; editors find it by `$schema`. This prints it:
 *
 *     deno run -P bench/gates/schema.ts | deno fmt --ext json - > bench/gates/gate.schema.json
 *
 * @module
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import { GateThresholdsSchema } from "../../src/lab/gate/thresholds.ts";

/** The schema. Checks that JSON Schema cannot express (a variant exists, one of two fields is there) are left out. */
export function gateJsonSchema(): object {
  return {
    ...toJsonSchema(GateThresholdsSchema, { errorMode: "ignore" }),
    title: "Thresholds for deno run -P cli.ts gate",
  };
}

if (import.meta.main) console.log(JSON.stringify(gateJsonSchema()));
