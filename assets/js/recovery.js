// The recovery code: an owner's token written for people. 128 bits and a check of 12, as 28 letters and
// digits in groups of four; without I, L, O and U, so that nothing is taken for 1, 0 or a word.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // five bits each
const LENGTH = 28;
const GROUP = 4;
const CHECK_BITS = 12n;
const POLYNOMIAL = 0x180fn; // CRC-12: notices every wrong letter, and every two neighbours in the wrong order
const MARK = 0x5c3n; // so that a row of zeros is no code

/** "7ZK3-9QWD-…" for a token of 32 hexadecimal digits. */
export function codeOf(token) {
  const bits = BigInt(`0x${token}`);
  let rest = (bits << CHECK_BITS) | checkOf(bits);
  let letters = "";
  for (let at = 0; at < LENGTH; at += 1, rest >>= 5n) letters = ALPHABET[Number(rest & 31n)] + letters;
  return letters.match(new RegExp(`.{${GROUP}}`, "g")).join("-");
}

/**
 * The token of a code as somebody wrote it: upper or lower case, with or without dashes and spaces.
 * Returns {token}, or {problem}: a sentence that says what is wrong.
 */
export function tokenOf(written) {
  const letters = written
    .toUpperCase()
    .replace(/[\s.\-\u2010-\u2015]/g, "")
    .replaceAll("O", "0")
    .replace(/[IL]/g, "1");
  if (!letters) return { problem: "Please write the code into the field first." };
  const stranger = [...letters].find((letter) => !ALPHABET.includes(letter));
  if (stranger) return { problem: `A code has no “${stranger}” in it: please compare it with the one you saved.` };
  if (letters.length !== LENGTH) {
    return { problem: `A code has ${LENGTH} letters and digits, in groups of ${GROUP}; this has ${letters.length}.` };
  }
  let all = 0n;
  for (const letter of letters) all = (all << 5n) | BigInt(ALPHABET.indexOf(letter));
  const bits = all >> CHECK_BITS;
  if (checkOf(bits) !== (all & ((1n << CHECK_BITS) - 1n))) {
    return { problem: "There is a typing mistake in this code: please compare it with the one you saved." };
  }
  return { token: bits.toString(16).padStart(32, "0") };
}

/** The remainder of a division of polynomials: what is appended makes the whole divisible. */
function checkOf(bits) {
  let rest = bits << CHECK_BITS;
  for (let at = 127n; at >= 0n; at -= 1n) {
    if ((rest >> (at + CHECK_BITS)) & 1n) rest ^= POLYNOMIAL << at;
  }
  return rest ^ MARK;
}
