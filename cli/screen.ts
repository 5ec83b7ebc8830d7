/** Goes to the first place and clears what is below (ECMA-48: CUP, ED). */
export const HOME = "\u001b[H\u001b[J";
