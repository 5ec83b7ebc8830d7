import type { Random } from "./random.js";

export interface Material {
  readonly random: Random;
  /** What means something to the target. */
  readonly words: readonly Buffer[];
  /** What its code compares with. */
  readonly codeWords: readonly Buffer[];
  /** Inputs that were interesting, to splice with. */
  readonly corpus: readonly Buffer[];
  readonly maxBytes: number;
}

type Mutation = (input: Buffer, material: Material) => Buffer;

const NUMBERS = [
  "0",
  "1",
  "-1",
  "00",
  "255",
  "256",
  "65535",
  "65536",
  "2147483648",
  "9007199254740993",
  "1e999",
];

/** The input with a few random changes. */
export function mutate(input: Buffer, material: Material): Buffer {
  const { random, maxBytes } = material;
  let changed = input;
  do changed = random.pick(MUTATIONS)(changed, material);
  while (random.below(2) === 0);
  return changed.subarray(0, maxBytes);
}

/** Those of libFuzzer and AFL that do most, words twice as often. */
const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  insertBytes,
  cut,
  repeat,
  repeatMuch,
  insertWord,
  insertWord,
  overwriteWithWord,
  overwriteWithWord,
  changeNumber,
  changeName,
  splice,
  insertFromAnother,
];

function flipBit(input: Buffer, { random }: Material): Buffer {
  if (input.length === 0) return input;
  const changed = Buffer.from(input);
  const at = random.below(changed.length);
  changed.writeUInt8(changed.readUInt8(at) ^ (1 << random.below(8)), at);
  return changed;
}

function setByte(input: Buffer, { random }: Material): Buffer {
  if (input.length === 0) return input;
  const changed = Buffer.from(input);
  changed.writeUInt8(random.below(256), random.below(changed.length));
  return changed;
}

function insertBytes(input: Buffer, { random }: Material): Buffer {
  const bytes = Array.from({ length: 1 + random.below(8) }, () => random.below(256));
  return put(input, random.below(input.length + 1), 0, Buffer.from(bytes));
}

function cut(input: Buffer, { random }: Material): Buffer {
  const [from, length] = range(input, random);
  return put(input, from, length, Buffer.alloc(0));
}

function repeat(input: Buffer, { random }: Material): Buffer {
  const [from, length] = range(input, random);
  return put(input, from, 0, input.subarray(from, from + length));
}

/** Up to as much as there may be: what is slow or deep shows in many of the same. */
function repeatMuch(input: Buffer, { random, maxBytes }: Material): Buffer {
  const from = random.below(input.length + 1);
  const piece = input.subarray(from, from + 1 + random.below(4));
  if (piece.length === 0) return input;
  const most = Math.floor(Math.max(maxBytes - input.length, 0) / piece.length);
  const times = random.below(2) === 0 ? most : random.below(most + 1);
  return put(input, from, 0, Buffer.concat(Array.from({ length: times }, () => piece)));
}

function insertWord(input: Buffer, material: Material): Buffer {
  return put(input, material.random.below(input.length + 1), 0, pickWord(material));
}

function overwriteWithWord(input: Buffer, material: Material): Buffer {
  const word = pickWord(material);
  return put(input, material.random.below(input.length + 1), word.length, word);
}

function pickWord({ random, words, codeWords }: Material): Buffer {
  return random.pick(random.below(3) === 0 && codeWords.length > 0 ? codeWords : words);
}

function changeNumber(input: Buffer, material: Material): Buffer {
  const { random } = material;
  const nearTo = (digits: string): Buffer => Buffer.from(String(Number(digits) + random.below(5) - 2));
  const other = (): Buffer => Buffer.from(random.pick(NUMBERS));
  const instead = [nearTo, other, () => pickWord(material)];
  return replaceOne(input, /\d+/g, random, random.pick(instead));
}

/** From end to end, which a word that is put anywhere hits rarely. */
function changeName(input: Buffer, material: Material): Buffer {
  return replaceOne(input, /\w+/g, material.random, () => pickWord(material));
}

function replaceOne(input: Buffer, what: RegExp, random: Random, instead: (text: string) => Buffer): Buffer {
  const found = [...input.toString("latin1").matchAll(what)];
  if (found.length === 0) return input;
  const { index, 0: text } = random.pick(found);
  return put(input, index, text.length, instead(text));
}

/** The beginning of this one and the end of another. */
function splice(input: Buffer, { random, corpus }: Material): Buffer {
  const other = random.pick(corpus);
  return Buffer.concat([
    input.subarray(0, random.below(input.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ]);
}

function insertFromAnother(input: Buffer, { random, corpus }: Material): Buffer {
  const other = random.pick(corpus);
  const [from, length] = range(other, random);
  return put(input, random.below(input.length + 1), 0, other.subarray(from, from + length));
}

/** A short range more often than a long one. */
function range(input: Buffer, random: Random): [from: number, length: number] {
  const from = random.below(input.length + 1);
  const most = random.below(4) === 0 ? input.length : 16;
  return [from, Math.min(random.below(most + 1), input.length - from)];
}

function put(input: Buffer, at: number, instead: number, piece: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), piece, input.subarray(at + instead)]);
}
