import ts from "typescript";

/** Where instrumented code counts: one number per block. */
export interface BlockCounters {
  /** Of each block, modulo 256, since they were last set to zero. */
  readonly counts: Uint8Array;
  /** Blocks that there are. */
  blocks: number;
  readonly words: Word[];
}

/** What the code compares with, and the blocks that know it, from the first to the last. */
export type Word = readonly [word: string, first: number, last: number];

/** The name under which instrumented code finds it. */
export const GLOBAL_NAME = "__seamlessBlockCounters";
const MAX_BLOCKS = 1 << 16;

export function installBlockCounters(): BlockCounters {
  const counters: BlockCounters = { counts: new Uint8Array(MAX_BLOCKS), blocks: 0, words: [] };
  Object.assign(globalThis, { [GLOBAL_NAME]: counters });
  return counters;
}

export interface Instrumenting {
  /** Number of the first block. */
  readonly first: number;
  /** Whether what the code compares with is worth trying. */
  readonly tellsWords: boolean;
}

export interface Instrumented {
  readonly text: string;
  readonly blocks: number;
}

/**
 * Puts a counter at the beginning of each block of a JavaScript module: of functions, statements, cases, and what is
 * computed only under a condition. Node's own coverage (`Profiler.takePreciseCoverage`) says the same, but takes
 * 2 ms for each input of the configuration file, where this takes microseconds.
 */
export function instrument(source: string, { first, tellsWords }: Instrumenting): Instrumented {
  const file = ts.createSourceFile("module.js", source, ts.ScriptTarget.ES2023, false, ts.ScriptKind.JS);
  const words: (readonly [word: string, block: number | undefined])[] = [];
  let next = first;

  const rewrite = (node: ts.Node, block: number | undefined): string => {
    let text = "";
    let at = node.pos;
    ts.forEachChild(node, (child) => {
      const place = placeOf(node, child);
      const own = place === undefined ? block : next++;
      if (tellsWords && !ts.isImportDeclaration(node))
        for (const word of wordsOf(child)) words.push([word, block]);
      const before = child.getStart(file) - child.pos;
      text += source.slice(at, child.pos) + counted(place, `__c[${own ?? 0}]++`, rewrite(child, own), before);
      at = child.end;
    });
    return text + source.slice(at, node.end);
  };
  const body = rewrite(file, undefined);
  const blocks = next - first;
  if (next > MAX_BLOCKS) throw new Error("too many blocks: make MAX_BLOCKS larger");
  const known = words.map(([word, block]): Word => [word, block ?? first, block ?? next - 1]);
  // On the first line, so that line numbers stay; the directive, because one that does not come first is none.
  const head = [
    `"use strict"`,
    `const __g=globalThis.${GLOBAL_NAME},__c=__g.counts`,
    `__g.blocks=Math.max(__g.blocks,${next})`,
    `__g.words.push(...${JSON.stringify(known)})`,
  ];
  return { text: `${head.join(";")};${body}`, blocks };
}

/** What kind of block a node is within its parent; undefined: none of its own. */
type Place = "block" | "statement" | "expression" | "branch" | undefined;

function placeOf(parent: ts.Node, child: ts.Node): Place {
  if (ts.isBlock(child)) return "block";
  if (ts.isCaseOrDefaultClause(parent) && child === parent.statements[0]) return "statement";
  if (isConditional(parent, child)) return "expression";
  return isBranch(parent, child) ? "branch" : undefined;
}

/** @param before length of the comments and spaces at its beginning */
function counted(place: Place, count: string, text: string, before: number): string {
  switch (place) {
    case "block":
      return `${text.slice(0, before)}{${count};${text.slice(before + 1)}`;
    case "statement":
      return `${count};${text}`;
    case "expression":
      return `(${count},${text})`;
    case "branch":
      return `{${count};${text}}`;
    case undefined:
      return text;
  }
}

const MAX_WORD = 32;

function wordsOf(node: ts.Node): readonly string[] {
  if (ts.isStringLiteral(node))
    return node.text.length > 0 && node.text.length <= MAX_WORD ? [node.text] : [];
  if (ts.isRegularExpressionLiteral(node)) return node.text.match(/[a-z][a-z _-]{2,}/gi) ?? [];
  if (!ts.isNumericLiteral(node)) return [];
  const value = Number(node.text);
  return value < 256 ? [node.text, String.fromCharCode(value)] : [node.text];
}

function isConditional(parent: ts.Node, child: ts.Node): boolean {
  if (ts.isConditionalExpression(parent)) return child === parent.whenTrue || child === parent.whenFalse;
  if (ts.isArrowFunction(parent)) return child === parent.body;
  return ts.isBinaryExpression(parent) && child === parent.right && SHORT.has(parent.operatorToken.kind);
}

const SHORT: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
]);

/** A statement without braces. */
function isBranch(parent: ts.Node, child: ts.Node): boolean {
  if (ts.isIfStatement(parent)) return child === parent.thenStatement || child === parent.elseStatement;
  return ts.isIterationStatement(parent, false) && child === parent.statement;
}
