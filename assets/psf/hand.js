// Dragging the lit point over the lattice; the server draws everything that depends on it.
(() => {
  const clamped = (v) => Math.min(1.5, Math.max(-1.5, Number(v.toFixed(3))))

  function drag(figure, phase, x, y) {
    return ["psf", "collided", "speckle"].includes(figure) ? {dx: clamped(x), dy: clamped(y)} : null
  }

  return {drag}
})()
