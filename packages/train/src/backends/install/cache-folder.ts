import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/**
 * The folder for what is downloaded once and used by many projects: `cache` if given, else `$MILLRACE_CACHE`, else
 * `$XDG_CACHE_HOME/millrace` (an absolute path, as the XDG Base Directory Specification demands), else
 * `~/.cache/millrace`.
 */
export function cacheFolder(cache: string | undefined, env: NodeJS.ProcessEnv): string {
  const own = cache ?? env["MILLRACE_CACHE"];
  if (own !== undefined && own !== "") return resolve(own);
  const base = env["XDG_CACHE_HOME"];
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), ".cache"), "millrace");
}
