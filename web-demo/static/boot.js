// Loads the page's module; if that fails, says why in words instead of leaving the page blank.
const boot = document.getElementById("boot");

try {
  const { default: init } = await import("./web_demo.js");
  await init();
  boot.remove();
} catch (error) {
  boot.className = "boot failed";
  boot.setAttribute("role", "alert");
  boot.textContent =
    `The page could not start: ${error?.message ?? error}. ` +
    "Was it built (cargo xtask demo), and is it served over http, not opened as a file?";
}
