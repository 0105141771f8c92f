/** The part of `cli-progress` that this project uses: the package has no types of its own. */

export interface Options {
  /** Makes the line. `progress` is from 0 to 1, `eta` in seconds or a word, and the payload that of the last update. */
  format: (
    options: unknown,
    params: { progress: number; eta: number | string },
    payload: { phase: string; label: string },
  ) => string;
  fps: number;
  /** Over how many updates the speed is averaged. */
  etaBuffer: number;
  hideCursor: boolean;
  clearOnComplete: boolean;
  /** Whether it handles SIGINT itself. */
  gracefulExit: boolean;
}

export class SingleBar {
  constructor(options: Partial<Options>);
  start(total: number, startValue: number, payload?: object): void;
  update(current: number, payload?: object): void;
  stop(): void;
}
