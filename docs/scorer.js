// Who searches wants to know how something is done: guides come first, then the reference, and at the end what is about how
// pyspike itself is made. Of the guides, one that is called as what is looked for comes first.

const WORDS = (new URLSearchParams(window.location.search).get("q") || "").toLowerCase().match(/\w{3,}/g) || [];
const BEHIND = /^(protocol\/|architecture|changelog|contributing|security|index$)/;

var Scorer = {
  score: ([page, title, anchor, text, score]) => {
    if (BEHIND.test(page)) return score - 100;
    if (page.startsWith("api/")) return score;
    const named = WORDS.some((word) => page.includes(word) || word.replace(/s$/, "") === page.split("/").pop());
    return score + 30 + (named ? 20 : 0);
  },

  // As they are without this file.
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
