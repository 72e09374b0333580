// Shows the API's description, and sends the calls that a reader tries. A credential stays in this page: nothing is stored.
"use strict";

// An operation's path stands within a button, which may hold no link.
const pathsWithoutLinks = () => ({
  wrapComponents: { DeepLink: (original, { React }) => ({ text }) => React.createElement("span", null, text) },
});

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("api");
  window.SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false,
    // No badge of a validator elsewhere.
    validatorUrl: null,
    plugins: [pathsWithoutLinks],
    onComplete: () => document.getElementById("servers")?.setAttribute("aria-label", "Server"),
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
});
