// What all pages of the desk share: the key "/", and the sidebar that opens and closes.
"use strict";

// "/" leads to the search, unless something is being typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const search = document.querySelector("#desk-search, #searchbar");
  if (event.key !== "/" || typing || !search || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  event.preventDefault();
  search.focus();
  search.select();
});

{
  // A wide window shows the sidebar until it is closed, and remembers that. A phone shows it when asked.
  const page = document.documentElement;
  const toggle = document.querySelector("#pages-toggle");
  const wide = matchMedia("(min-width: 1025px)");
  const isOpen = () => (wide.matches ? page.dataset.pages !== "closed" : "menu" in page.dataset);

  const say = () => toggle.setAttribute("aria-expanded", String(isOpen()));

  const set = (open) => {
    if (!wide.matches) {
      open ? (page.dataset.menu = "") : delete page.dataset.menu;
    } else {
      page.dataset.pages = open ? "open" : "closed";
      try {
        localStorage.setItem("desk.pages", page.dataset.pages);
      } catch {
        // A browser that keeps nothing shows it open on the next page.
      }
    }
    say();
  };

  if (toggle) {
    say();
    wide.addEventListener("change", say);
    toggle.addEventListener("click", () => set(!isOpen()));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && "menu" in page.dataset) {
        set(false);
        toggle.focus();
      }
    });
  }
}
