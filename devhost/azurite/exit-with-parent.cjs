// Ends Azurite when the process that started it is gone: Node.js has no such option.
const parent = Number(process.env.DEVHOST_STARTED_BY);
setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, 500).unref();
