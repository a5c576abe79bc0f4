// What `cargo xtask npm` writes of package.json.

/** The package's version. */
export const VERSION: string;
