// From logits to the probabilities a token is drawn with: temperature, then top-k, then top-p.
//
// The order and the edge cases are those of transformers' logits warpers (and of llmviz/generation), because
// the bars must show exactly what the sampler does:
// - top-k keeps every token that ties with the k-th largest logit;
// - top-p keeps the smallest set of likeliest tokens whose probabilities sum to at least p, at least one;
//   it looks at the probabilities left after top-k;
// - temperature 0 takes the likeliest token, always.

/** Why a token cannot be drawn. */
export const KEPT = 0;
export const CUT_BY_TOP_K = 1;
export const CUT_BY_TOP_P = 2;
export const CUT_BY_GREED = 3;

/** Token ids from the likeliest to the least likely. Temperature does not change it: sort once a prompt. */
export function descending(logits) {
  return Uint32Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
}

/** Probabilities (V) of logits (V) at a temperature above 0; less the largest, so that exp cannot overflow. */
export function softmax(logits, temperature = 1) {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/**
 * @param {Float32Array} logits (V)
 * @param {{temperature: number, top_k: number, top_p: number}} settings top_k 0 and top_p 1 are off
 * @param {Uint32Array} order (V) ids by falling logit, from `descending`
 * @returns {{before: Float64Array, after: Float64Array, reason: Uint8Array, kept: number}}
 *   probabilities with temperature alone, probabilities to draw with, why a token was cut, how many are left
 */
export function filterLogits(logits, { temperature, top_k: topK, top_p: topP }, order = descending(logits)) {
  const size = logits.length;
  const reason = new Uint8Array(size);
  if (temperature <= 0) return greedy(logits, order);

  const before = softmax(logits, temperature);
  const after = Float64Array.from(before);
  if (topK > 0 && topK < size) {
    const smallestKept = logits[order[topK - 1]];
    for (let id = 0; id < size; id += 1) if (logits[id] < smallestKept) cut(id, CUT_BY_TOP_K);
    normalise(after);
  }
  if (topP < 1) {
    let above = 0; // probability of the tokens likelier than this one
    for (const id of order) {
      if (reason[id] !== KEPT) break;
      const share = after[id];
      // transformers drops a token when it and the less likely ones sum to at most 1 - p, that is when
      // the likelier ones already sum to p or more. The likeliest is never dropped.
      if (id !== order[0] && above >= topP) reason[id] = CUT_BY_TOP_P;
      above += share;
    }
    for (let id = 0; id < size; id += 1) if (reason[id] === CUT_BY_TOP_P) after[id] = 0;
    normalise(after);
  }
  return { before, after, reason, kept: reason.reduce((count, why) => count + (why === KEPT), 0) };

  function cut(id, why) {
    reason[id] = why;
    after[id] = 0;
  }
}

/** Temperature 0: the whole probability on the likeliest token. */
function greedy(logits, order) {
  const after = new Float64Array(logits.length);
  after[order[0]] = 1;
  const reason = new Uint8Array(logits.length).fill(CUT_BY_GREED);
  reason[order[0]] = KEPT;
  return { before: softmax(logits), after, reason, kept: 1 };
}

function normalise(probabilities) {
  const total = probabilities.reduce((a, b) => a + b, 0);
  for (let id = 0; id < probabilities.length; id += 1) probabilities[id] /= total;
}
