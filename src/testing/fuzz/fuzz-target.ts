/** Something that reads what others have written. */
export interface FuzzTarget {
  readonly name: string;
  /** Right inputs, and wrong ones of which a little change makes other ones. */
  readonly seeds: readonly string[];
  /** Characters that mean something to it. */
  readonly characters: string;
  /** Longer words that do; those in its own code are found by themselves. */
  readonly words?: readonly string[];
  /** More than that is refused before it comes here, or says no more than less does. */
  readonly maxBytes: number;
  /** Its bytes are text in UTF-8, or each is a character. */
  readonly encoding: "utf8" | "latin1";
  /**
   * Throws ProxyError for what is wrong with the text, and anything else for what is wrong with the target.
   */
  readonly parse: (text: string) => unknown;
}
