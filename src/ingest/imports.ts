/** What the doors need of imports. */
export { type ImportResource, Imports, type ImportsOptions } from './imports/imports.ts';
export { COLUMN_TYPES, IMPORT_FORMATS, IMPORT_KINDS, type RawImportOptions } from './imports/options.ts';
