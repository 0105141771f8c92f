/** The part of `cli-progress` that this project uses: the package has no types of its own. */

export interface Options {
  /** With `{bar}`, `{percentage}`, `{eta_formatted}` and the names of the payload. */
  format: string;
  barsize: number;
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
