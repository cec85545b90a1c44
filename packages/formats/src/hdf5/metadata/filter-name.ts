/**
 * Filters that files may have and millrace does not read, by their registered number: what they are called, and what to
 * install for a program of HDF5 to read them. Source: the HDF Group's list of registered filter plugins
 * (RegisteredFilterPlugins.md of HDFGroup/hdf5_plugins), and the package hdf5plugin for those that it holds.
 */
const PLUGINS: ReadonlyMap<number, string> = new Map([
  [4, "szip, of HDF5 built with libaec"],
  [305, "LZO, of PyTables"],
  [307, "bzip2, of the plugin hdf5plugin or PyTables"],
  [32000, "LZF, of h5py"],
  [32001, "Blosc, of the plugin hdf5plugin"],
  [32004, "LZ4, of the plugin hdf5plugin"],
  [32008, "Bitshuffle, of the plugin hdf5plugin"],
  [32013, "ZFP, of the plugin hdf5plugin"],
  [32015, "Zstandard, of the plugin hdf5plugin"],
  [32017, "SZ, of the plugin hdf5plugin"],
  [32018, "FCIDECOMP, of the plugin hdf5plugin"],
  [32019, "JPEG, of the plugin JPEG of the HDF Group"],
  [32024, "SZ3, of the plugin hdf5plugin"],
  [32026, "Blosc2, of the plugin hdf5plugin"],
  [32028, "SPERR, of the plugin hdf5plugin"],
]);

/** What a filter is, for errors. `name`: what the file itself calls it. */
export function filterName(id: number, name: string): string {
  const known = PLUGINS.get(id);
  if (known !== undefined) return `filter ${id} (${known})`;
  return name === "" ? `filter ${id}` : `filter ${id} (${name})`;
}
