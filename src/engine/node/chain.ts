/** The place of a member, for its removal. */
export interface Link<Member> {
  readonly member: Member;
  before: Link<Member> | undefined;
  after: Link<Member> | undefined;
}

/**
 * Members in the order in which they came, for many that come and go. Not a `Set`: V8 gives one a new table after so many changes,
 * and each old table, once it is in the old generation, keeps alive the next one and what that one held, until a full collection.
 * So nearly every connection outlived its end, to be copied twice by the collector. Links that are taken out point nowhere.
 */
export class Chain<Member> {
  #first: Link<Member> | undefined;
  #last: Link<Member> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(member: Member): Link<Member> {
    const link: Link<Member> = { member, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = link;
    else this.#first = link;
    this.#last = link;
    this.#size += 1;
    return link;
  }

  /** Only once for each link. */
  remove(link: Link<Member>): void {
    const { before, after } = link;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    link.before = link.after = undefined;
    this.#size -= 1;
  }

  /** Nothing must be taken out meanwhile: walk a copy where that may be. */
  *[Symbol.iterator](): Generator<Member, undefined> {
    for (let link = this.#first; link; link = link.after) yield link.member;
  }
}
