/** Asks the Python side, so that both give the same answers. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder of the repository: the tests run from a folder inside it. */
export const REPOSITORY = repository(process.cwd());

function repository(folder: string): string {
  if (existsSync(join(folder, "pyproject.toml"))) return folder;
  if (dirname(folder) === folder) throw new Error("The tests run outside the repository.");
  return repository(dirname(folder));
}

const PYTHON = process.env.PELLUCID_PYTHON ?? join(REPOSITORY, ".venv/bin/python");

/** Why the Python side cannot be asked; false when it can. */
export const noPython: string | false = existsSync(PYTHON) ? false : `no ${PYTHON}`;

/**
 * Runs Python code and returns what it prints as JSON.
 *
 * @param code - Reads its argument as `given`, and sets `answer`.
 * @param given - Anything that JSON can hold.
 */
export function ask<Answer>(code: string, given: unknown): Answer {
  const whole = `import json, sys\ngiven = json.load(sys.stdin)\n${code}\nprint(json.dumps(answer))`;
  const printed = execFileSync(PYTHON, ["-c", whole], {
    input: JSON.stringify(given), encoding: "utf-8", maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONPATH: join(REPOSITORY, "src") },
  });
  return JSON.parse(printed) as Answer;
}
