// What sequelize uses of the package `sqlite3`, over the SQLite that Node itself has: nothing to
// compile at set-up. It answers in the calling thread, which costs less than the package does.
const { DatabaseSync } = require("node:sqlite");

class Database {
  constructor(filename, _mode, ready) {
    this.filename = filename;
    this.inner = new DatabaseSync(filename);
    this.statements = new Map();
    process.nextTick(ready, null);
  }

  statement(sql) {
    const known = this.statements.get(sql) ?? this.inner.prepare(sql);
    this.statements.set(sql, known);
    return known;
  }

  serialize(work) {
    work();
  }

  all(sql, ...rest) {
    this.answer(rest, (values) => ({ rows: this.statement(sql).all(...values) }));
  }

  run(sql, ...rest) {
    this.answer(rest, (values) => this.statement(sql).run(...values));
  }

  answer(rest, ask) {
    const done = typeof rest.at(-1) === "function" ? rest.pop() : () => {};
    const said = { error: null };
    try {
      Object.assign(said, ask(rest.filter((value) => value !== undefined)));
    } catch (error) {
      said.error = error;
    }
    const context = { lastID: Number(said.lastInsertRowid ?? 0), changes: Number(said.changes ?? 0) };
    process.nextTick(() => done.call(context, said.error, said.rows));
  }

  close(done) {
    this.inner.close();
    done?.(null);
  }
}

module.exports = { Database, OPEN_READWRITE: 2, OPEN_CREATE: 4 };
