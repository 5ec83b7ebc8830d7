/** Text of others, as an error of a backend, that can't leave its line or command the terminal. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
