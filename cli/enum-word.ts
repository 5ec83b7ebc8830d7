/** The name of a value of one of the contract's enums, in lower case. */
export function enumWord(values: Readonly<Record<string, number>>, value: number | undefined): string {
  const [name = "unknown"] = Object.entries(values).find(([, number]) => number === value) ?? [];
  return name.toLowerCase();
}
