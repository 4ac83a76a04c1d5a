// What makes the board answer: a day of the heat map, or a link to an entry, shows its entries in a dialog.
// The page is whole without it. All that it shows is set as text, never as HTML: names come from the bitácora.
"use strict";

(() => {
  // -- what the page brings (board.py's _data) ---------------------------------------------------------------------
  // A row is [n, "AAAA-MM-DD HH:MM", place of its system, label, place of its word, bytes, digest, note or nothing].
  const data = JSON.parse(document.getElementById("datos").textContent);
  const byNumber = new Map();
  const byDay = new Map();
  const keyOf = (system, day) => system + "|" + day;

  for (const row of data.rows) {
    const [number, moment, system] = row;
    const key = keyOf(system, moment.slice(0, 10));
    byNumber.set(number, row);
    if (!byDay.has(key)) {
      byDay.set(key, []);
    }
    byDay.get(key).push(row);
  }

  // -- as staff read it ---------------------------------------------------------------------------------------------
  const asPeopleWrite = day => day.split("-").reverse().join("/");

  function dayAfterFirst(days) {
    // In UTC, so that no clock that is put forward or back makes a day of 23 hours.
    const day = new Date(data.first + "T00:00:00Z");
    day.setUTCDate(day.getUTCDate() + days);
    return day.toISOString().slice(0, 10);
  }

  function sizeInWords(bytes) {
    if (bytes < 0) {
      return "";
    }
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) {
      bytes /= 1024;
      unit++;
    }
    return (unit ? bytes.toFixed(1).replace(".", ",") : bytes) + " " + units[unit];
  }

  // -- the dialog -----------------------------------------------------------------------------------------------------
  const dialog = document.getElementById("detalle");
  const title = document.getElementById("detalle-titulo");
  const body = document.getElementById("filas");

  function addRow([number, moment, , label, word, bytes, digest, note = ""]) {
    const when = asPeopleWrite(moment.slice(0, 10)) + moment.slice(10);
    const cells = [
      [number, "num"],
      [when, ""],
      [label, ""],
      [data.words[word], ""],
      [sizeInWords(bytes), "num"],
      [digest, "mono"],
      [note, ""],
    ];
    const row = body.insertRow();
    for (const [text, name] of cells) {
      const cell = row.insertCell();
      cell.textContent = text;
      cell.className = name;
    }
  }

  function show(text, rows) {
    title.textContent = text;
    body.textContent = "";
    rows.forEach(addRow);
    if (!rows.length) {
      const cell = body.insertRow().insertCell();
      cell.colSpan = 7;
      cell.textContent = "No hay asientos de ese día.";
    }
    if (!dialog.open) {
      dialog.showModal();
    }
  }

  // -- the heat map ---------------------------------------------------------------------------------------------------
  function placeOf(cell) {
    const table = cell.closest("table");
    return {
      system: cell.parentNode.sectionRowIndex,
      // The first cell of a row is the name of its system.
      day: dayAfterFirst(Number(table.dataset.start) + cell.cellIndex - 1),
    };
  }

  function inWords(cell) {
    const {system, day} = placeOf(cell);
    return data.systems[system] + ", " + asPeopleWrite(day) + ": " + data.cells[cell.textContent.trim()];
  }

  function openDay(cell) {
    const {system, day} = placeOf(cell);
    show(inWords(cell), byDay.get(keyOf(system, day)) || []);
  }

  // Where a key leads from a cell: another cell; null where it must do nothing, not even scroll; undefined where it keeps what it does elsewhere.
  function neighbour(table, cell, key) {
    const row = cell.parentNode;
    const rows = table.tBodies[0].rows;
    const above = rows[row.sectionRowIndex - 1];
    const below = rows[row.sectionRowIndex + 1];
    switch (key) {
      case "ArrowRight": return row.cells[cell.cellIndex + 1] || null;
      case "ArrowLeft": return cell.cellIndex > 1 ? row.cells[cell.cellIndex - 1] : undefined;
      case "ArrowDown": return below ? below.cells[cell.cellIndex] : undefined;
      case "ArrowUp": return above ? above.cells[cell.cellIndex] : undefined;
      case "Home": return row.cells[1];
      case "End": return row.cells[row.cells.length - 1];
      default: return undefined;
    }
  }

  function onKey(table, event) {
    const cell = event.target;
    if (cell.tagName !== "TD") {
      return;
    }
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      openDay(cell);
      return;
    }
    const next = neighbour(table, cell, event.key);
    if (next === undefined) {
      return;
    }
    event.preventDefault();
    if (next) {
      // One cell of a table is in the order of Tab, the last that had the focus: thousands would bury all that follows.
      cell.removeAttribute("tabindex");
      next.tabIndex = 0;
      next.focus();
    }
  }

  for (const table of document.querySelectorAll(".heat")) {
    // The newest days are what one looks for first.
    table.parentNode.scrollLeft = table.parentNode.scrollWidth;
    const first = table.querySelector("td");
    if (first) {
      first.tabIndex = 0;
    }
    table.addEventListener("click", event => {
      const cell = event.target.closest("td");
      if (cell) {
        openDay(cell);
      }
    });
    table.addEventListener("focusin", event => {
      // A letter says little to who hears it: the system, the day and the word are said too.
      if (event.target.tagName === "TD") {
        document.getElementById("dice").textContent = inWords(event.target);
      }
    });
    table.addEventListener("keydown", event => onKey(table, event));
  }

  // -- links to an entry (#n123) ----------------------------------------------------------------------------------------
  function followLink() {
    const found = /^#n(\d+)$/.exec(location.hash);
    const row = found && byNumber.get(Number(found[1]));
    if (row) {
      const system = data.systems[row[2]];
      show("Asiento n.º " + row[0] + (system ? ", " + system : ""), [row]);
    }
  }

  addEventListener("hashchange", followLink);
  document.getElementById("cerrar").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    // Without this the same link would do nothing the second time.
    if (location.hash.startsWith("#n")) {
      history.replaceState(null, "", location.pathname + location.search);
    }
  });

  // -- paper ------------------------------------------------------------------------------------------------------------
  addEventListener("beforeprint", () => {
    // All months are printed; what is only due today is a day's work and stays closed.
    for (const each of document.querySelectorAll("details:not(#hoy)")) {
      each.open = true;
    }
  });

  followLink();
})();
