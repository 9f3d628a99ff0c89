/** What a server refused, in words for people: what happened, and what to do next. */
export class PlatformError extends Error {
  constructor(
    message: string,
    readonly advice: string,
    readonly status: number,
    readonly retry: boolean
  ) {
    super(message);
    this.name = 'PlatformError';
  }
}

/** The error for an answer of `status` with `body`: our own words, Galaxy's, or a proxy's page. */
export function refusal(status: number, body: string): PlatformError {
  const said = parsed(body);
  const message = said.message ?? said.err_msg ?? `The server answered with HTTP ${status}.`;
  return new PlatformError(message, said.advice ?? '', status, said.retry ?? status >= 500);
}

/** The error when there was no answer at all. */
export function away(): PlatformError {
  return new PlatformError(
    'The lab does not answer.',
    'Nothing is lost. Check your connection; this goes on by itself when it is back.',
    0,
    true
  );
}

/** What to show of anything that was thrown. */
export function inWords(error: unknown): string {
  if (error instanceof PlatformError) {
    return [error.message, error.advice].filter(Boolean).join(' ');
  }
  return error instanceof Error ? error.message : String(error);
}

interface ISaid {
  message?: string;
  err_msg?: string;
  advice?: string;
  retry?: boolean;
}

function parsed(body: string): ISaid {
  try {
    const found: unknown = JSON.parse(body);
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}
