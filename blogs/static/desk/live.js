// The first page asks every five seconds which of its parts have changed, and puts these in place of the old ones. It changes what
// differs and leaves the rest as it stands: an open list of numbers stays open, what is marked stays marked, and the key focus stays
// where it is. It rests while the page is hidden, in the background, or paused by its button.
"use strict";
{
  const SECONDS = 5;
  const SECONDS_MOST = 60;
  const KEPT = "desk.live";

  const now = document.querySelector("#now");
  const says = document.querySelector("#live-says");
  const toggle = document.querySelector("#live-toggle");
  let at = document.querySelector("#live-at")?.textContent ?? "";
  let failed = 0;
  let ended = false;
  let held = false;
  let timer = 0;
  let asking = false;

  const isPaused = () => {
    try {
      return localStorage.getItem(KEPT) === "paused";
    } catch {
      return toggle.dataset.paused === "yes";
    }
  };
  const isAway = () => document.hidden || !document.hasFocus();

  // --- What the page says of itself ---------------------------------------------------------------------------------------------

  const say = (text, { late = false, link = null } = {}) => {
    if (says.dataset.said === text) {
      return;
    }
    says.dataset.said = text;
    says.classList.toggle("late", late);
    // Only bad news is read out: the time alone would be, every five seconds.
    late ? says.setAttribute("role", "status") : says.removeAttribute("role");
    says.textContent = text;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link;
      anchor.textContent = "Log in";
      says.append(" ", anchor);
    }
  };

  const sayHow = () => {
    toggle.textContent = isPaused() ? "Go on" : "Pause updates";
    if (ended) {
      return;
    }
    if (isPaused()) {
      say(`Paused. As of ${at} UTC`);
    } else if (failed) {
      say(`No answer since ${at} UTC, trying again`, { late: true });
    } else if (isAway()) {
      say(`Paused while you are elsewhere. As of ${at} UTC`);
    } else {
      say(`As of ${at} UTC, live`);
    }
  };

  // --- Making the old like the new ----------------------------------------------------------------------------------------------

  const isAlike = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && one.dataset?.key === other.dataset?.key;

  const likenAttributes = (old, fresh) => {
    for (const { name } of [...old.attributes]) {
      // The reader opened it, and the reader closes it.
      if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) {
        old.setAttribute(name, value);
      }
    }
  };

  const liken = (old, fresh) => {
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) {
        old.nodeValue = fresh.nodeValue;
      }
      return;
    }
    if (old.nodeType === Node.ELEMENT_NODE) {
      likenAttributes(old, fresh);
    }
    likenChildren(old, fresh);
  };

  const likenChildren = (old, fresh) => {
    const byKey = new Map([...old.children].filter((each) => each.dataset.key).map((each) => [each.dataset.key, each]));
    let place = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const key = wanted.dataset?.key;
      const found = key ? byKey.get(key) : place && isAlike(place, wanted) ? place : null;
      if (found && isAlike(found, wanted)) {
        if (found === place) {
          place = place.nextSibling;
        } else {
          old.insertBefore(found, place);
        }
        liken(found, wanted);
      } else {
        old.insertBefore(wanted, place);
      }
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  const show = (parts) => {
    const focused = document.activeElement;
    for (const [name, { mark, html }] of Object.entries(parts)) {
      const part = now.querySelector(`[data-part="${name}"]`);
      if (part) {
        const fresh = document.createElement("template");
        fresh.innerHTML = html;
        likenChildren(part, fresh.content);
        part.dataset.mark = mark;
      }
    }
    // A row that has moved up or down takes the focus along.
    if (focused && focused !== document.activeElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
  };

  // --- Asking -------------------------------------------------------------------------------------------------------------------

  const ask = async () => {
    const known = new URLSearchParams();
    for (const part of now.querySelectorAll("[data-part]")) {
      known.set(part.dataset.part, part.dataset.mark);
    }
    const answer = await fetch(`${now.dataset.url}?${known}`, {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(10_000),
    });
    if (answer.status === 401) {
      const { login } = await answer.json();
      ended = true;
      const back = encodeURIComponent(location.pathname);
      say(`Your session has ended. As of ${at} UTC.`, { late: true, link: `${login}?next=${back}` });
      return;
    }
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    const found = await answer.json();
    // Not while a finger or a mouse button is down: what it is on must still be there when it is lifted.
    if (!held) {
      show(found.parts);
      at = found.at;
    }
    failed = 0;
  };

  const next = (seconds) => {
    clearTimeout(timer);
    if (!ended && !isPaused() && !isAway()) {
      timer = setTimeout(look, seconds * 1000);
    }
    sayHow();
  };

  const look = async () => {
    if (asking || ended || isPaused() || isAway()) {
      return;
    }
    asking = true;
    try {
      await ask();
    } catch {
      failed += 1;
    }
    asking = false;
    next(Math.min(SECONDS * 2 ** Math.max(0, failed - 1), SECONDS_MOST));
  };

  if (now && toggle) {
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      const paused = isPaused() ? "no" : "yes";
      toggle.dataset.paused = paused;
      try {
        paused === "yes" ? localStorage.setItem(KEPT, "paused") : localStorage.removeItem(KEPT);
      } catch {
        // A browser that keeps nothing is live again on the next page.
      }
      next(0);
    });
    for (const happening of ["focus", "blur"]) {
      window.addEventListener(happening, () => next(0));
    }
    document.addEventListener("visibilitychange", () => next(0));
    for (const [happening, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
      window.addEventListener(happening, () => (held = down));
    }
    next(SECONDS);
  }
}
