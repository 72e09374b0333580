// The search box suggests shops while somebody types. Without this the form works like any other.
"use strict";
(() => {
  const box = document.querySelector("#desk-search");
  const list = document.querySelector("#desk-suggestions");
  if (!box || !list) {
    return;
  }
  // As long as a quick typist pauses between two letters.
  const PAUSE = 200;
  let timer = 0;
  let asking = null;
  let chosen = -1;

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");

  function close() {
    window.clearTimeout(timer);
    asking?.abort();
    list.replaceChildren();
    list.hidden = true;
    chosen = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  }

  function choose(number) {
    const options = [...list.children];
    chosen = number < 0 ? options.length - 1 : number % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    box.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  }

  function show(shops) {
    list.replaceChildren(...shops.map((shop, at) => {
      const option = document.createElement("li");
      option.id = `desk-suggestion-${at}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.url = shop.url;
      const domain = document.createElement("small");
      domain.textContent = shop.domain;
      option.append(shop.name, domain);
      return option;
    }));
    chosen = -1;
    list.hidden = shops.length === 0;
    box.setAttribute("aria-expanded", String(shops.length > 0));
    box.removeAttribute("aria-activedescendant");
  }

  async function suggest() {
    const text = box.value.trim();
    asking?.abort();
    if (text.length < 2 || text.startsWith("#")) {
      close();
      return;
    }
    asking = new AbortController();
    try {
      const address = `${box.dataset.suggestions}?q=${encodeURIComponent(text)}`;
      const answer = await fetch(address, { signal: asking.signal, headers: { Accept: "application/json" } });
      // Who is signed out by now gets the login page instead.
      if (answer.ok && !answer.redirected) {
        show((await answer.json()).shops);
      }
    } catch (error) {
      // Nothing is suggested then; Enter still searches.
      if (error.name !== "AbortError") {
        close();
      }
    }
  }

  box.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(suggest, PAUSE);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !list.hidden) {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? chosen + 1 : chosen - 1);
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      window.location.assign(list.children[chosen].dataset.url);
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("li");
    if (option) {
      window.location.assign(option.dataset.url);
    }
  });
  box.addEventListener("blur", close);
})();
