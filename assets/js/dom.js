// Small helpers for building elements and wording numbers. Text only ever enters as a text node,
// so that nothing a reader typed can become markup.

/** `h("button", {class: "lv-button", onclick: f}, "Share")`: an element with attributes and children. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set text only when it changed: an unchanged node costs no layout and keeps a reader's selection. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Run `fn` at most once a frame, however often it is asked for. */
export function oncePerFrame(fn) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      fn();
    });
  };
}

/** "about N": 1.9, 2, 22, 1,024. One decimal says enough below ten. */
export function formatChoices(n) {
  if (!Number.isFinite(n)) return "?";
  if (n >= 1e6) return "a million or more"; // what has diverged would take a hundred digits
  if (n < 9.95) return String(Math.round(n * 10) / 10);
  return Math.round(n).toLocaleString("en-GB");
}

export const formatLoss = (loss) =>
  Number.isFinite(loss) ? loss.toFixed(loss < 0.1 ? 3 : 2) : "not a number";
export const formatCount = (n) => Math.round(n).toLocaleString("en-GB");
export const formatPercent = (share) => `${Math.round(share * 100)} %`;

/** 0.35M, 12.3k, 87: three digits at most. */
export function formatShort(n) {
  for (const [size, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ]) {
    if (n >= size * 0.1 && (n >= size || size === 1e6))
      return `${Number((n / size).toPrecision(3))}${letter}`;
  }
  return String(Math.round(n));
}

/** 3.2e12 → "3.2 T operations". */
export function formatOperations(n) {
  const sizes = { E: 1e18, P: 1e15, T: 1e12, G: 1e9, M: 1e6, k: 1e3 };
  const [letter, size] = Object.entries(sizes).find(([, least]) => n >= least) ?? ["", 1];
  return `${Number((n / size).toPrecision(2))} ${letter} operations`.replace("  ", " ");
}

export function formatBytes(n) {
  if (n >= 1e9) return `${Number((n / 1e9).toPrecision(3))} GB`;
  if (n >= 1e6) return `${Number((n / 1e6).toPrecision(3))} MB`;
  return n >= 1e3 ? `${Number((n / 1e3).toPrecision(3))} kB` : `${n} bytes`;
}

/** "0.4 s", "12 s", "3 min", "1.5 h", "13 days". */
export function formatSeconds(s) {
  if (s < 1) return `${Math.max(0.1, Math.round(s * 10) / 10)} s`;
  if (s < 100) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 48 * 3600 ? `${Number((s / 3600).toPrecision(2))} h` : `${formatCount(s / 86_400)} days`;
}

/** "about 12 s", of an estimate; "time not known" where a graphics card may compute it. */
export function timeOf({ seconds, provisional }) {
  if (!Number.isFinite(seconds)) return "time not known";
  return `${provisional ? "very roughly" : "about"} ${formatSeconds(seconds)}`;
}

/** Whose weights they are, of a run at a step: "step 1,024". Of a model from elsewhere nobody has the steps. */
export const weightsOf = (summary, step) => (summary?.source ? "the imported model" : `step ${formatCount(step)}`);

/** What this run reads and guesses: "letters", "tokens" or "bytes". */
export const unitOf = (summary) => summary?.data?.unit ?? "tokens";
