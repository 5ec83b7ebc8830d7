export type SerialQueue = <T>(task: () => Promise<T>) => Promise<T>;

/** Runs tasks one after another, in the order in which they came. A task that fails doesn't stop the next. */
export function createSerialQueue(): SerialQueue {
  let tail: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = tail.then(task);
    tail = result.catch(() => undefined);
    return result;
  };
}

/** Resolves when the queue stands still, with what lets it go on. */
export function holdTurn(queue: SerialQueue): Promise<() => void> {
  return new Promise((held) => void queue(() => new Promise<void>((goOn) => held(goOn))));
}
