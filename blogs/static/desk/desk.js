// The key "/" leads to the search of a page, unless something is being typed.
"use strict";
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  const search = document.querySelector("#searchbar");
  if (event.key !== "/" || typing || !search || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  event.preventDefault();
  search.focus();
  search.select();
});
