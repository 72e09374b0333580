// Runs before the page is painted, so that a sidebar that was closed does not flash up.
"use strict";
document.documentElement.dataset.scripted = "";
try {
  document.documentElement.dataset.pages = localStorage.getItem("desk.pages") || "open";
} catch {
  document.documentElement.dataset.pages = "open";
}
