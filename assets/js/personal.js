// Finds e-mail addresses and telephone numbers in a text, here in the browser: before it is sent anywhere.

import { findPhones } from "./phones.js";

const LOCAL = /[\p{L}\p{N}][\p{L}\p{N}._%+'-]*$/u; // before the @; at most 64 characters
const DOMAIN = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(\p{L}{2,24})(?![\p{L}\p{N}_(\[])/u;
const MACHINES = /^git$/i; // git@github.com:… is nobody's

/** [{kind: "e-mail" | "phone", at, text}, …] in the order of the text; nothing is found twice. */
export function findPersonal(text) {
  const emails = findEmails(text).map((found) => ({ kind: "e-mail", ...found }));
  const phones = findPhones(text).map((found) => ({ kind: "phone", ...found }));
  let end = 0;
  return [...emails, ...phones]
    .sort((a, b) => a.at - b.at)
    .filter(({ at, text }) => at >= end && (end = at + text.length));
}

/** The text with "[e-mail]" and "[phone]" in place of what was found. */
export function withoutPersonal(text, found = findPersonal(text)) {
  const pieces = [];
  let end = 0;
  for (const { kind, at, text: what } of found) {
    pieces.push(text.slice(end, at), `[${kind}]`);
    end = at + what.length;
  }
  return pieces.join("") + text.slice(end);
}

/** Looked for on both sides of every @: the whole takes no longer than the text is long. */
function findEmails(text) {
  const found = [];
  for (let sign = text.indexOf("@"); sign >= 0; sign = text.indexOf("@", sign + 1)) {
    const local = LOCAL.exec(text.slice(Math.max(0, sign - 64), sign))?.[0];
    const domain = DOMAIN.exec(text.slice(sign + 1, sign + 255));
    if (!local || !domain || MACHINES.test(local) || !isTopLevel(domain[1])) continue;
    found.push({ at: sign - local.length, text: `${local}@${domain[0]}` });
  }
  return found;
}

/** "de" or "DE", but not the "mT" of a matrix product in code. */
const isTopLevel = (name) => name === name.toLowerCase() || name === name.toUpperCase();
