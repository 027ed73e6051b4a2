// Draws the figures of a page that stands alone; their values are in it.
function drawn() {
  for (const element of document.querySelectorAll("script[type='application/json']"))
    plot(document.getElementById(element.dataset.of), JSON.parse(element.textContent));
}
drawn();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawn);
