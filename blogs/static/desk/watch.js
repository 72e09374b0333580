// A page that shows work under way loads itself again every two seconds, and puts its parts marked `data-watch` in place of the old
// ones, until the work is over. It rests while the page is hidden, and says so where no answer comes: the work goes on without the page.
"use strict";
{
  const SECONDS = 2;
  const says = document.querySelector("#watch-says");

  const isOver = () => !document.querySelector("[data-watch='running']");

  const show = (page) => {
    for (const old of document.querySelectorAll("[data-watch]")) {
      const fresh = page.getElementById(old.id);
      if (fresh && fresh.innerHTML !== old.innerHTML) {
        const hadFocus = old.contains(document.activeElement);
        old.replaceChildren(...document.importNode(fresh, true).childNodes);
        if (hadFocus) {
          old.querySelector("button, a")?.focus();
        }
      }
      old.dataset.watch = fresh?.dataset.watch ?? "over";
    }
  };

  const say = (text) => {
    if (says.textContent !== text) {
      says.textContent = text;
    }
  };

  let since = "";
  const look = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10_000) });
        if (!answer.ok) {
          throw new Error(answer.statusText);
        }
        show(new DOMParser().parseFromString(await answer.text(), "text/html"));
        since = "";
        say("");
      } catch {
        since ||= new Date().toISOString().slice(11, 19);
        say(`No answer since ${since} UTC: the database or the network is away. The batch goes on when they are back; this page, too.`);
      }
    }
    if (!isOver()) {
      setTimeout(look, SECONDS * 1_000);
    }
  };

  if (!isOver()) {
    setTimeout(look, SECONDS * 1_000);
  }
}
