// Addresses of this hub: behind a proxy's sub-path they begin with it.

const base = document.documentElement.dataset.base ?? "";

/** An address of this hub as the browser reaches it. */
export const reach = (path) => base + path;

/** Follow an address of this hub. */
export const go = (path) => location.assign(reach(path));
