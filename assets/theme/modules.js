// Panel has every module fetched, read through and copied by es-module-shims, for import maps that browsers once lacked.
// Ours need none of it: the browser's own loader takes them as they were preloaded, and keeps them compiled.

if (window.importShim && !window.importShim.native) {
  const shim = window.importShim
  window.importShim = Object.assign((url, ...of) => import(url).catch(() => shim(url, ...of)), shim, { native: true })
}
