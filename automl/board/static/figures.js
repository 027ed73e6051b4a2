// How a figure looks in the page's light or dark: on the page, and in a file that stands alone.

const picture = (format) => ({
  name: `Download as ${format.toUpperCase()}`,
  icon: format === "svg" ? Plotly.Icons.camera : Plotly.Icons.disk,
  click: (graph) => Plotly.downloadImage(graph, { format, scale: 2, filename: "automl" }),
});
const config = () => ({
  displaylogo: false,
  responsive: true,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d"], [picture("svg"), picture("png")]],
});

function themed(layout) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const label = { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") } };
  return {
    ...layout,
    margin: { ...layout.margin, t: Math.min(layout.margin.t, 20) }, // what can be done with it is beside its title
    font: { ...layout.font, color: colour("--dim"), family: getComputedStyle(document.body).fontFamily },
    hoverlabel: { ...layout.hoverlabel, ...label },
    // What is written across lines stays readable.
    annotations: layout.annotations?.map((note) => ({ bgcolor: colour("--card"), ...note })),
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--line"), activecolor: colour("--accent") },
  };
}

function plot(element, figure) {
  element.style.minHeight = figure.layout.height ? `${figure.layout.height}px` : "";
  return Plotly.react(element, figure.data, themed(figure.layout), config());
}
