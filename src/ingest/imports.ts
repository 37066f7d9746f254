/** What the doors need of imports. */
export { ID_FORMATS, type IdFormat, type IdOptions, readIds } from './imports/ids.ts';
export { type ImportResource, Imports, type ImportsOptions } from './imports/imports.ts';
export { COLUMN_TYPES, IMPORT_FORMATS, IMPORT_KINDS, type RawImportOptions } from './imports/options.ts';
export { withScratch } from './imports/scratch.ts';
