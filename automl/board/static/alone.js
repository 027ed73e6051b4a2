// Draws the figures of a page that stands alone; their values are in it.
for (const element of document.querySelectorAll("script[type='application/json']")) {
  const figure = JSON.parse(element.textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  figure.layout.font.color = dark ? "#98a1ac" : "#68707b";
  for (const note of figure.layout.annotations ?? []) note.bgcolor ??= dark ? "#1b1f24" : "#fff";
  const place = document.getElementById(element.dataset.of);
  Plotly.newPlot(place, figure.data, figure.layout, { displaylogo: false, responsive: true });
}
