// Tables on narrow screens: one of words is stacked, a row below the other, with the names of its columns; another one says
// that there is more of it than is seen.

function fit() {
  for (const box of document.querySelectorAll(".table-wrapper")) {
    const table = box.querySelector("table.docutils");
    if (!table || box.parentElement.closest("table")) continue;
    box.classList.remove("stacked", "scrolls");
    if (box.scrollWidth <= box.clientWidth + 1) continue;
    const rows = [...table.querySelectorAll("tbody tr")];
    const numbers = rows.some((row) => row.querySelector(".text-right"));
    box.classList.add(numbers ? "scrolls" : "stacked");
  }
}

function name_cells() {
  for (const table of document.querySelectorAll(".table-wrapper table.docutils")) {
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.children].forEach((cell, at) => names[at] && cell.setAttribute("data-column", names[at]));
    }
  }
}

name_cells();
fit();
window.addEventListener("resize", fit);
