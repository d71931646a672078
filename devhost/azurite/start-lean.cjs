// Keeps from Azurite two libraries that it loads and never uses here, half of all its
// modules: the one that sends telemetry, which is off, and the one that speaks SQL.
const Module = require('module');

// A database in place of its own storage.
delete process.env.AZURITE_DB;

const unused = {
  applicationinsights: {},
  sequelize: { Model: class {}, Op: {} },
};
const load = Module._load;
Module._load = (name, ...rest) => unused[name] ?? load(name, ...rest);
