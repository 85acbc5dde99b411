// Tables that are wider than the page show each row as a list of its cells, each after the head of its column.
function stack() {
    for (const table of document.querySelectorAll("table.docutils")) {
        const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
        table.classList.remove("stacked");
        if (table.offsetWidth <= table.parentElement.clientWidth) continue;
        for (const row of table.tBodies[0].rows)
            [...row.cells].forEach((cell, i) => { if (i) cell.dataset.head = heads[i] ?? ""; });
        table.classList.add("stacked");
    }
}
addEventListener("load", stack);
addEventListener("resize", stack);
