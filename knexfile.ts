import { migrationsDirectory } from './src/storage/db.ts';
import { settings } from './src/storage/settings.ts';

const driver = process.env.SHIMIN_SQLITE_DRIVER === 'sqlite3' ? 'sqlite3' : 'better-sqlite3';

/** For people who prefer knex's own command line; `shimin migrate` is the supported way. */
export default {
  ...settings(process.env.SHIMIN_DATABASE_URL ?? 'sqlite:data/shimin.db', { sqliteDriver: driver }),
  migrations: { directory: migrationsDirectory, loadExtensions: ['.ts'] },
};
