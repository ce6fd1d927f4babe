// The iterate that is looked at: twin of BowlLens.hand.
(() => {
  function hand(state, tables) {
    const at = state.iterate
    return {tables: {
      here: {x: tables.path.x.slice(at, at + 1), y: tables.path.y.slice(at, at + 1)},
      at: {x: [at]},
    }}
  }

  return {hand}
})()
