// Asks before an action in a dialog instead of on a page of its own. The page is the same: without this script, or where the network
// fails, the browser goes there. Links and forms with `data-asks` are asked so, and those of Django's actions.
"use strict";
{
  const ASKS = "form[data-asks], #changelist-form, form:has([name='action'][type='hidden']), form:has(button[name='action'])";
  let dialog = null;

  // Send what the form would, and show the answer; where it leads on, go there.
  const send = async (url, options, from, instead) => {
    if (from?.ariaBusy === "true") {
      return;
    }
    from?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { ...options, headers: { Accept: "text/html", "X-Desk-Dialog": "1" } });
      const next = answer.headers.get("X-Desk-Location");
      if (next) {
        leave(new URL(next, location.href));
      } else if (answer.headers.get("Content-Type")?.startsWith("text/html")) {
        show(new DOMParser().parseFromString(await answer.text(), "text/html"), url);
      } else {
        instead();
      }
    } catch {
      instead();
    } finally {
      from?.removeAttribute("aria-busy");
    }
  };

  const leave = (next) => {
    dialog?.close();
    // To go to the same address with a fragment would not load it again.
    if (next.href.split("#")[0] === location.href.split("#")[0]) {
      location.reload();
    } else {
      location.assign(next);
    }
  };

  const show = (page, url) => {
    const content = document.importNode(page.querySelector("#content"), true);
    const title = content.querySelector("h1");
    const name = document.createElement("h2");
    name.id = "asks-name";
    name.textContent = title?.textContent || page.title;
    title?.remove();
    ownIds(content);
    for (const form of content.querySelectorAll("form")) {
      form.dataset.asks = "";
      form.setAttribute("action", new URL(form.getAttribute("action") || url, url));
    }
    dialog ??= made();
    dialog.replaceChildren(name, ...content.childNodes);
    if (!dialog.querySelector("[data-closes]")) {
      dialog.append(closer());
    }
    if (!dialog.open) {
      dialog.showModal();
    }
    (dialog.querySelector(".errorlist ~ input, [autofocus]") ?? dialog.querySelector("button, a"))?.focus();
  };

  // The page below may have the same ids, and a label would name its field.
  const ownIds = (content) => {
    const ours = (id) => `asks-${id}`;
    for (const each of content.querySelectorAll("[id]")) {
      each.id = ours(each.id);
    }
    for (const name of ["for", "aria-describedby", "aria-labelledby", "aria-controls"]) {
      for (const each of content.querySelectorAll(`[${name}]`)) {
        each.setAttribute(name, each.getAttribute(name).split(" ").map(ours).join(" "));
      }
    }
  };

  const made = () => {
    const element = document.createElement("dialog");
    element.className = "asks";
    element.setAttribute("aria-labelledby", "asks-name");
    document.body.append(element);
    return element;
  };

  const closer = () => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button plain";
    button.dataset.closes = "";
    button.textContent = "Close";
    return button;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (event.defaultPrevented || form.method !== "post" || !form.matches(ASKS)) {
      return;
    }
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, button));
    // `form.action` may be a field of that name.
    const action = button?.getAttribute("formaction") ?? form.getAttribute("action");
    const url = new URL(action || location.href, location.href);
    const instead = () => {
      if (button?.name) {
        const sent = document.createElement("input");
        Object.assign(sent, { type: "hidden", name: button.name, value: button.value });
        form.append(sent);
      }
      form.setAttribute("action", url);
      HTMLFormElement.prototype.submit.call(form);
    };
    send(url, { method: "POST", body }, button ?? form, instead);
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("dialog.asks [data-closes]")) {
      event.preventDefault();
      dialog.close();
      return;
    }
    const link = event.target.closest("a[data-asks]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      send(new URL(link.href), {}, link, () => location.assign(link.href));
    }
  });
}
