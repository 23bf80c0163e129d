// The part of Markdown that lessons are written in, as elements; words become text nodes only.

import { h } from "./dom.js";

/** The blocks of a text. `folder`: the address under which its pictures lie. */
export function nodesOf(text, folder) {
  const blocks = text.split(/\n{2,}/).filter((block) => block.trim());
  return blocks.map((block) => blockOf(block.trimEnd().split("\n"), folder));
}

function blockOf(lines, folder) {
  const [first] = lines;
  const heading = /^(#+) (.*)/.exec(first);
  if (heading) return h(`h${Math.min(6, heading[1].length + 1)}`, {}, ...wordsOf(heading[2]));
  if (lines.every((line) => line.startsWith("    ")))
    return h("pre", {}, h("code", {}, lines.map((line) => line.slice(4)).join("\n")));
  if (first.startsWith("|")) return tableOf(lines.map(cellsOf));
  if (first.startsWith("- ")) return h("ul", {}, ...itemsOf(lines).map((item) => h("li", {}, ...wordsOf(item))));
  const picture = /^!\[([^\]]*)\]\(([\w-]+\.svg)\)$/.exec(first);
  if (picture) return h("img", { src: folder + picture[2], alt: picture[1] });
  return h("p", {}, ...wordsOf(lines.join(" ")));
}

/** A table whose second line, of dashes, says that the first is its head. */
function tableOf([head, , ...rows]) {
  const row = (cells, tag) => h("tr", {}, ...cells.map((cell) => h(tag, {}, ...wordsOf(cell))));
  const body = h("tbody", {}, ...rows.map((cells) => row(cells, "td")));
  return h("div", { class: "lv-lesson-table" }, h("table", {}, h("thead", {}, row(head, "th")), body));
}

const cellsOf = (line) => line.split("|").slice(1, -1).map((cell) => cell.trim());

/** One string an item; its further lines are indented. */
function itemsOf(lines) {
  const items = [];
  for (const line of lines) {
    if (line.startsWith("- ")) items.push(line.slice(2));
    else items.push(`${items.pop()} ${line.trim()}`);
  }
  return items;
}

const MARKED = /(\*\*.+?\*\*|\*[^*\s][^*]*\*|`[^`]+`)/;

/** Words, some of them **strong**, *stressed* or `code`. */
function wordsOf(text) {
  return text.split(MARKED).map((part, n) => {
    if (n % 2 === 0) return part;
    if (part.startsWith("**")) return h("strong", {}, part.slice(2, -2));
    return h(part.startsWith("*") ? "em" : "code", {}, part.slice(1, -1));
  });
}
