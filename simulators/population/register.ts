import Database from 'better-sqlite3';
import type { Resident } from './residents.ts';

/** The register's own database. */
export interface Register {
  readonly size: number;
  find(number: string): Resident | undefined;
  setStatus(number: string, status: Resident['status']): boolean;
  sample(limit: number): Resident[];
}

export function openRegister(residents: readonly Resident[]): Register & { close(): void } {
  const db = new Database(':memory:');
  db.exec(
    'create table residents (number text primary key, name text not null, birth_date text not null, status text not null, photo text not null) without rowid',
  );
  const insert = db.prepare('insert into residents values (@number, @name, @birthDate, @status, @photo)');
  db.transaction(() => {
    for (const resident of residents) insert.run(resident);
  })();
  const columns = 'number, name, birth_date as birthDate, status, photo';
  const find = db.prepare<[string], Resident>(`select ${columns} from residents where number = ?`);
  const update = db.prepare('update residents set status = ? where number = ?');
  const sample = db.prepare<[number], Resident>(`select ${columns} from residents limit ?`);
  return {
    size: residents.length,
    find: (number) => find.get(number),
    setStatus: (number, status) => update.run(status, number).changes > 0,
    sample: (limit) => sample.all(limit),
    close: () => db.close(),
  };
}
