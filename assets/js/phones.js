// Finds what looks like a telephone number in a text. There is no sure way: this looks for the shapes in which
// people write them, and passes over dates, decimals, tables and the numbers of code, which are far more common.

const STRETCH = /\+?\(?\d[\d()\u00a0 ./\u2010-\u2013-]*\d/g; // digits, and what stands between them in a number
const STRONG_BREAK = /\s{2,}|\.\s|\s[/\u2010-\u2013-]\s/; // one number does not go on beyond it
const LABEL =
  /(?:^|[^\p{L}])(?:tel|telephone|phone|mobile|mob|cell|call|fax|whatsapp|telefon|telefax|téléphone|teléfono|handy|hotline)\.?(?:\s+(?:number|no|nr|nummer)\.?)?(?:\s+(?:is|me|us|at|on|ist))*(?:\s*[:=]\s*|\s+)$/iu;
const NAMES_A_THING = /(?:isbn|issn|doi|id|nr|no|key|ref|order|version|seed|index|number|nummer|#)[^\p{L}\p{N}]{0,3}$/iu;
const FEWEST_DIGITS = 6;
const MOST_DIGITS = 18; // with 00 and a (0) in it
const MOST_GROUPS = 7;
const LABEL_REACH = 30; // characters before a number in which a label is looked for

/** [{at, text}, …] in the order of the text. */
export function findPhones(text) {
  const found = [];
  for (const stretch of text.matchAll(STRETCH)) {
    if (stretch[0].length < 7) continue;
    const before = text.slice(Math.max(0, stretch.index - LABEL_REACH), stretch.index);
    const after = text.slice(stretch.index + stretch[0].length, stretch.index + stretch[0].length + 3);
    for (const [from, to] of phonesIn(groupsOf(stretch[0]), before, after)) {
      found.push({ at: stretch.index + from, text: stretch[0].slice(from, to) });
    }
  }
  return found;
}

/** The runs of digits of a stretch: {digits, at, gap: what stands before it, and what that means}. */
function groupsOf(stretch) {
  const groups = [];
  let end = 0;
  for (const { 0: digits, index } of stretch.matchAll(/\d+/g)) {
    const gap = stretch.slice(end, index);
    const plain = gap === " " || gap === "";
    groups.push({ digits, at: index, gap, isTight: !plain && isTight(gap), isBreak: !plain && STRONG_BREAK.test(gap) });
    end = index + digits.length;
  }
  return groups;
}

/** [from, to] of each number in a stretch, the longest at every place. */
function phonesIn(groups, before, after) {
  const found = [];
  const first = gluedBefore(before) ? 1 : 0;
  const last = gluedAfter(after) ? groups.length - 1 : groups.length;
  const endsAt = (j) => j === groups.length || groups[j].isBreak;
  for (let i = first; i < last; i += 1) {
    if (i && (groups[i].isTight || !mayBegin(groups[i]))) continue;
    const alone = !i || groups[i].isBreak;
    let [j, digits] = reach(groups, i, last);
    for (; digits >= FEWEST_DIGITS; j -= 1, digits -= groups[j].digits.length) {
      if (j < groups.length && groups[j].isTight) continue;
      const some = groups.slice(i, j);
      if (!isPhone(some, i ? "" : before, alone && endsAt(j))) continue;
      const opening = /\+?\(?$/.exec(some[0].gap)[0];
      found.push([some[0].at - opening.length, some.at(-1).at + some.at(-1).digits.length]);
      i = j - 1;
      break;
    }
  }
  return found;
}

/** Where a number that begins with group i ends at the latest, and how many digits it has then. */
function reach(groups, i, last) {
  let digits = groups[i].digits.length;
  let j = i + 1;
  while (j < last && j < i + MOST_GROUPS && !groups[j].isBreak && digits + groups[j].digits.length <= MOST_DIGITS) {
    digits += groups[j].digits.length;
    j += 1;
  }
  return [j, digits];
}

const isTight = (gap) => !/[\s()]/.test(gap); // "-", "." or "/" alone: the same thing goes on
const mayBegin = ({ digits, gap }) => digits[0] === "0" || digits === "1" || /^[2-9]\d\d$/.test(digits) || gap.includes("+");
const gluedBefore = (before) => /[\p{L}\p{N}_]$|\d[.,:]$|[./#$€£@\u2010-\u2013-]$/u.test(before);
const gluedAfter = (after) => /^[\p{L}_]|^[:]\d/u.test(after) && !/^x\d/i.test(after); // "x12" is an extension

// ---------------------------------------------------------------- the shapes

function isPhone(groups, before, alone) {
  const parts = groups.map(({ digits }) => digits);
  if (isDate(groups)) return false;
  if (parts.slice(1).some((part) => /^0+$/.test(part) && part.length === 3)) return false; // 1 000 000
  if (LABEL.test(before)) return isLabelled(parts);
  return isInternational(groups, parts) || isNational(groups, parts, before, alone) || isAmerican(groups, parts);
}

const count = (parts) => parts.join("").length;
const gapsOf = (groups) => groups.slice(1).map(({ gap }) => gap);
const allEqual = (values) => new Set(values).size <= 1;

/** 05.10.2023, 2023-10-05, 1990-1995, with or without a time after it. */
function isDate(groups) {
  const year = ({ digits }) => /^(1[5-9]|20)\d\d$/.test(digits);
  const day = ({ digits }) => Number(digits) <= 31 && digits.length <= 2;
  const [a, b, c] = groups;
  return groups.length > 1 && ((year(a) && (year(b) || day(b))) || Boolean(c && day(a) && day(b) && year(c)));
}

/** +49 30 1234567, 0044 20 7946 0958, +44 (0)20 7946 0958 */
function isInternational(groups, parts) {
  const plus = groups[0].gap.endsWith("+") || groups[0].gap.endsWith("+(");
  if (!plus && !/^00[1-9]/.test(parts[0])) return false;
  const digits = count(parts) - (plus ? 0 : 2);
  if (!/^(00)?[2-9]|^(00)?1[2-9]|^(00)?1$/.test(parts[0])) return false; // no country is +10
  if (parts.length === 1) return digits >= 10 && digits <= 15;
  const short = parts.slice(2).some((part) => part.length < 2) && !groups.some(({ gap }) => gap.includes("("));
  const country = plus ? parts[0].length <= 4 : parts[0].length <= 5;
  return country && !short && digits >= (plus ? 8 : 9) && digits <= 15;
}

/** 030 1234567, 0171/234 56 78, (020) 7946 0018, 06 12 34 56 78, 07700900123 */
function isNational(groups, parts, before, alone) {
  const digits = count(parts);
  if (digits < 9 || digits > 12 || !/^0[1-9]/.test(parts[0])) return false;
  if (parts.length === 1) {
    return digits >= 10 && !/^[01]+$/.test(parts[0]) && !parts[0].startsWith("0123456789") && !NAMES_A_THING.test(before);
  }
  if (parts.some((part) => part.length < 2) || !allEqual(gapsOf(groups).slice(1))) return false;
  if (!allEqual(parts.map((part) => part.length))) return true;
  const steps = parts.slice(1).map((part, at) => part - parts[at]);
  return alone && parts.length === 5 && parts[0].length === 2 && allEqual(gapsOf(groups)) && !allEqual(steps);
}

/** 555-123-4567, (555) 123 4567, 555.123.4567, 1-800-555-0199; in spaces alone it could be any table */
function isAmerican(groups, parts) {
  const [a, b, c] = parts[0] === "1" ? parts.slice(1) : parts;
  if (parts.length !== (parts[0] === "1" ? 4 : 3)) return false;
  if (!/^[2-9]\d\d$/.test(a) || !/^[2-9]\d\d$/.test(b) || !/^\d{4}$/.test(c)) return false;
  const gaps = gapsOf(groups).slice(-2);
  return /^\)\s?[.-]?$/.test(gaps[0]) || gaps[1] === "-" || (gaps[1] === "." && gaps[0] === ".");
}

/** Whatever is called a telephone number: 555 1234. A round number is more likely an amount. */
function isLabelled(parts) {
  const digits = count(parts);
  return digits >= 6 && digits <= 15 && !/000$/.test(parts.at(-1));
}
