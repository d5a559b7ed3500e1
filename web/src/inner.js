/**
 * Names of fields that only our own code and Preact's read; the build shortens them, 3 kB off the file. Nothing that comes
 * from outside may bear one of them: no field of a frame, no parameter, no attribute, no name that a page calls.
 */

/** The life of a component, of which we use little and Preact asks for all. */
const OF_PREACT = [
  "componentDidCatch", "componentDidMount", "componentDidUpdate", "componentWillMount", "componentWillReceiveProps",
  "componentWillUnmount", "componentWillUpdate", "current", "debounceRendering", "forceUpdate", "getChildContext",
  "getDerivedStateFromError", "getDerivedStateFromProps", "getSnapshotBeforeUpdate", "setState", "shouldComponentUpdate",
];

const OURS = [
  "bands", "brushes", "cameras", "casing", "channels", "choose", "chosen", "colour", "colours", "column", "contour",
  "curves", "depth", "enlarged", "extent", "flipped", "gestures", "highest", "lane", "lanes", "lasso", "lowest",
  "peek", "pick", "picked", "placeX", "placeY", "plan", "plans", "plot", "problem", "racers", "reader", "reading",
  "rising", "rulers", "said", "selecting", "shares", "sides", "smoothing", "tileHeight", "tileWidth", "xEdges",
  "yEdges", "zoomed",
];

export const INNER = [...OF_PREACT, ...OURS];
