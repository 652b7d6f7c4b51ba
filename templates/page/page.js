"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, attributes = {}, text = "") => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  };
  const words = node => node.textContent.replace(/\s+/g, " ").trim();

  // Copying works on pages that were opened as files, too.
  const copy = async (text, button) => {
    const before = button.textContent;
    let done = false;
    try { await navigator.clipboard.writeText(text); done = true; } catch {
      const area = make("textarea", { "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  };
  const button = (label, act, more = {}) => {
    const made = make("button", { type: "button", class: "iw-tool", ...more }, label);
    made.addEventListener("click", () => act(made));
    return made;
  };
  const nameOf = table => table.caption ? words(table.caption) : "the table";

  // A row that continues the one above it stays with it.
  const rowsOf = table => {
    const groups = [];
    for (const row of table.tBodies[0]?.rows ?? []) {
      if (row.classList.contains("iw-below") && groups.length) groups[groups.length - 1].push(row);
      else groups.push([row]);
    }
    return groups;
  };
  const valueOf = (group, column) => {
    const cell = group[0].cells[column];
    if (!cell) return "";
    const time = cell.querySelector("time");
    return cell.dataset.value ?? (time ? time.dateTime : words(cell));
  };
  const NUMBER = /^[-\u2212+]?[\d,]*\.?\d+/;
  const compare = (a, b) => {
    const [x, y] = [a, b].map(text => NUMBER.test(text) ? parseFloat(text.replace(/,/g, "").replace("\u2212", "-")) : NaN);
    if (!isNaN(x) && !isNaN(y) && x !== y) return x - y;
    return a.localeCompare(b, "en", { numeric: true });
  };

  const equip = table => {
    const body = table.tBodies[0], head = table.tHead?.rows[0];
    if (!body || !head || table.rows.length < 7) return;
    const groups = rowsOf(table);
    const columns = [...head.cells];
    const scroll = table.closest(".iw-scroll") ?? table;
    const bar = make("div", { class: "iw-tools", role: "group", "aria-label": `Tools for ${nameOf(table)}` });
    const search = make("input", { type: "search", placeholder: "Filter", "aria-label": `Filter ${nameOf(table)}` });
    const count = make("span", { class: "iw-count", role: "status" });
    const texts = groups.map(group => group.map(words).join(" ").toLowerCase());
    let shown = groups, ordered = groups, grouping = -1;

    const draw = () => {
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = ordered.filter(group => wanted.every(word => texts[groups.indexOf(group)].includes(word)));
      all(".iw-heading", body).forEach(row => row.remove());
      const visible = new Set(shown);
      for (const group of groups) for (const row of group) row.hidden = !visible.has(group);
      const pieces = [];
      if (grouping < 0) shown.forEach(group => pieces.push(...group));
      else {
        const sets = new Map();
        for (const group of shown) {
          const key = columns[grouping].dataset.group === "minute" ? valueOf(group, grouping).slice(0, 16).replace("T", " ") : valueOf(group, grouping);
          sets.set(key, [...(sets.get(key) ?? []), group]);
        }
        for (const [key, held] of sets) {
          const heading = make("tr", { class: "iw-heading" });
          heading.append(make("th", { scope: "rowgroup", colspan: String(columns.length) }, `${key || "unknown"}: ${held.length}`));
          pieces.push(heading, ...held.flat());
        }
      }
      body.append(...pieces);
      count.textContent = shown.length === groups.length ? `${groups.length} rows` : `${shown.length} of ${groups.length} rows`;
    };

    columns.forEach((cell, column) => {
      const label = words(cell);
      if (!label) return;
      const sort = button(label, () => {
        const down = cell.getAttribute("aria-sort") === "ascending";
        columns.forEach(other => other.removeAttribute("aria-sort"));
        cell.setAttribute("aria-sort", down ? "descending" : "ascending");
        ordered = [...groups].sort((a, b) => compare(valueOf(a, column), valueOf(b, column)) * (down ? -1 : 1));
        draw();
      }, { class: "iw-sort" });
      cell.replaceChildren(sort);
    });
    search.addEventListener("input", draw);
    bar.append(search);
    const groupable = columns.filter(cell => cell.dataset.group !== undefined);
    if (groupable.length) {
      const choice = make("select", { "aria-label": `Group ${nameOf(table)}` });
      choice.append(make("option", { value: "-1" }, "Not grouped"));
      for (const cell of groupable) choice.append(make("option", { value: String(columns.indexOf(cell)) }, `By ${words(cell)}`));
      choice.addEventListener("change", () => { grouping = Number(choice.value); draw(); });
      bar.append(choice);
    }
    bar.append(button("Copy", self => {
      const lines = [columns, ...shown.map(group => [...group[0].cells])].map(cells => cells.map(words).join("\t"));
      copy(lines.join("\n"), self);
    }), count);
    scroll.before(bar);
    draw();
  };

  // The reader's own zone stands beside UTC, and can replace it.
  const zones = () => {
    const here = new Date().getTimezoneOffset() !== 0 || new Date(2026, 6, 1).getTimezoneOffset() !== 0;
    if (!here) return;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const local = (at, options) => new Intl.DateTimeFormat(undefined, { hour12: false, hour: "2-digit", minute: "2-digit", ...options }).format(at);
    const times = all("time[datetime]");
    const own = new Map();
    for (const time of times) {
      const at = new Date(time.dateTime);
      if (isNaN(at)) continue;
      const text = local(at, { second: "2-digit" });
      own.set(time, [time.innerHTML, text]);
      time.title = `${time.title || time.dateTime} (${local(at, { weekday: "short", timeZoneName: "short" })})`;
      if (time.classList.contains("iw-both"))
        time.append(make("span", { class: "iw-local" }, ` ${local(at, { timeZoneName: "short" })}`));
    }
    const place = document.querySelector(".over");
    if (!place || !times.length) return;
    place.append(button("Times: UTC", self => {
      const toOwn = self.getAttribute("aria-pressed") !== "true";
      self.setAttribute("aria-pressed", String(toOwn));
      self.textContent = toOwn ? `Times: ${zone}` : "Times: UTC";
      for (const [time, [utc, text]] of own) if (!time.classList.contains("iw-both")) toOwn ? time.textContent = text : time.innerHTML = utc;
    }, { "aria-pressed": "false", title: `Show the times of this page in UTC or in ${zone}` }));
  };

  const span = seconds => {
    const minutes = Math.floor(Math.abs(seconds) / 60), hours = Math.floor(minutes / 60);
    return hours >= 48 ? `${Math.floor(hours / 24)} days` : hours ? `${hours}h ${minutes % 60}m` : `${minutes}m`;
  };
  const clocks = () => {
    for (const each of all("[data-due]")) {
      const left = (new Date(each.dataset.due) - Date.now()) / 1000;
      each.textContent = left < 0 ? `${span(left)} late` : `in ${span(left)}`;
      each.classList.toggle("is-late", left < 0);
    }
    for (const each of all("[data-since]")) each.textContent = span((Date.now() - new Date(each.dataset.since)) / 1000);
  };

  // One axis of time: lanes can be hidden, and a part of the time be drawn over the whole width.
  const axis = figure => {
    const [low, high] = [figure.dataset.start, figure.dataset.end].map(text => new Date(text).getTime());
    const bar = make("div", { class: "iw-tools", role: "group", "aria-label": "Tools for the timeline" });
    const places = all("[data-at]", figure);
    let [start, end] = [low, high];
    const draw = () => {
      const share = at => (at - start) / (end - start) * 100;
      for (const each of places) {
        const from = share(new Date(each.dataset.at).getTime());
        const to = each.dataset.until ? share(new Date(each.dataset.until).getTime()) : from;
        each.hidden = to < 0 || from > 100;
        each.style.left = `${Math.max(0, from)}%`;
        if (each.dataset.until) each.style.width = `${Math.max(0.4, Math.min(100, to) - Math.max(0, from))}%`;
      }
      const ticks = all(".iw-tick", figure);
      ticks.forEach((tick, index) => {
        const at = new Date(start + (end - start) * index / Math.max(1, ticks.length - 1));
        const text = at.toISOString(), wide = end - start;
        tick.textContent = wide < 300000 ? text.slice(11, 19) : wide < 129600000 ? text.slice(11, 16) : text.slice(5, 16).replace("T", " ");
      });
    };
    const zoom = factor => {
      const middle = (start + end) / 2, half = Math.max(15000, (end - start) * factor / 2);
      [start, end] = [Math.max(low, middle - half), Math.min(high, middle + half)];
      draw();
    };
    const move = share => {
      const wide = end - start, step = Math.max(low - start, Math.min(high - end, wide * share));
      [start, end] = [start + step, end + step];
      draw();
    };
    bar.append(
      button("Zoom in", () => zoom(0.5)), button("Zoom out", () => zoom(2)),
      button("Earlier", () => move(-0.5)), button("Later", () => move(0.5)),
      button("All", () => { [start, end] = [low, high]; draw(); }));
    for (const lane of all(".iw-lane", figure)) {
      const label = make("label", { class: "iw-check" });
      const box = make("input", { type: "checkbox" });
      box.checked = true;
      box.addEventListener("change", () => { lane.hidden = !box.checked; });
      label.append(box, ` ${lane.dataset.lane}`);
      bar.append(label);
    }
    figure.querySelector("figcaption").after(bar);
  };

  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView({ block: "start" });
  };
  const closed = new Set();
  addEventListener("beforeprint", () => all("details:not([open])").forEach(each => { closed.add(each); each.open = true; }));
  addEventListener("afterprint", () => { closed.forEach(each => { each.open = false; }); closed.clear(); });
  addEventListener("hashchange", reveal);

  for (const code of all(".iw-command code")) code.parentElement.append(button("Copy", self => copy(code.textContent, self)));
  all("table.iw-table").forEach(equip);
  all(".iw-axis").forEach(axis);
  zones();
  clocks();
  setInterval(clocks, 20000);
  reveal();
})();
