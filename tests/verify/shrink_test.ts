import { assertEquals } from "@std/assert";
import { shrink } from "../../src/verify/shrink.ts";

const NUMBERS = Array.from({ length: 500 }, (_, index) => index);

Deno.test("shrink() finds the few items that fail together, wherever they are", async () => {
  for (const guilty of [[0], [499], [7, 250, 251], [0, 100, 200, 300, 400, 499], []]) {
    let tries = 0;
    const fails = (items: readonly number[]) => {
      tries++;
      return Promise.resolve(guilty.every((each) => items.includes(each)));
    };
    assertEquals(await shrink(NUMBERS, { fails, deadline: Infinity }), guilty);
    assertEquals(tries < 250, true, `${tries} tries`);
  }
});

Deno.test("shrink() makes items simpler where the list still fails", async () => {
  const fails = (items: readonly number[]) => Promise.resolve(items.some((each) => each >= 20));
  const short = await shrink(NUMBERS, {
    fails,
    deadline: Infinity,
    simpler: (item) => [1, 20, 30].filter((n) => n < item),
  });
  assertEquals(short, [20]);
});

Deno.test("shrink() gives what it has when its time is over", async () => {
  let tries = 0;
  const fails = () => Promise.resolve(++tries > 0);
  assertEquals(await shrink(NUMBERS, { fails, deadline: 0 }), NUMBERS);
  assertEquals(tries, 0);
});
