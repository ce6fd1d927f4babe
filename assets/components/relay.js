// Collects changes by parameter and sends those that Python has not taken yet.

export function render({ model, data }) {
  const waiting = new Map();
  let serial = data.taken;

  model.on("changes", () => {
    serial += 1;
    for (const [name, value] of Object.entries(data.changes)) waiting.set(name, { value, serial });
    const changes = Object.fromEntries([...waiting].map(([name, { value }]) => [name, value]));
    data.setv({ sent: { changes, serial } });
  });
  model.on("taken", () => {
    for (const [name, one] of waiting) if (one.serial <= data.taken) waiting.delete(name);
  });
}
