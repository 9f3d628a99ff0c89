import type { TranslationBundle } from '@jupyterlab/translation';
import type { IInput, IKnown, IParameter } from './types';

export const NEW_HISTORY = '';

/** What stands in the dialog’s fields, all of it as text, as people type. */
export interface IFields {
  name: string;
  inputs: ReadonlySet<string>;
  more: string;
  parameters: Readonly<Record<string, string>>;
  flavor: string;
  cpus: string;
  memory: string;
  gpus: string;
  history: string;
  newHistory: string;
  limit: string;
  network: string;
}

/** The fields as they stand at first. */
export function firstFields(known: IKnown): IFields {
  const { proposal, flavors, histories } = known;
  const flavor = flavors.find(one => one.fits_now) ?? flavors[0];
  const here = histories.some(one => one.id === proposal.history);
  return {
    name: proposal.name,
    inputs: new Set(proposal.inputs.filter(isProposed).map(one => one.path)),
    more: '',
    parameters: Object.fromEntries(proposal.parameters.map(one => [one.name, written(one)])),
    flavor: flavor?.flavor.name ?? '',
    cpus: '',
    memory: '',
    gpus: '',
    history: here ? (proposal.history ?? NEW_HISTORY) : (histories[0]?.id ?? NEW_HISTORY),
    newHistory: '',
    limit: '',
    network: ''
  };
}

/** A file that is read; a folder only where it is small enough to be meant. */
function isProposed(input: IInput): boolean {
  return !input.written && (!input.folder || input.files <= 200);
}

function written(parameter: IParameter): string {
  return parameter.kind === 'text' ? String(parameter.value) : JSON.stringify(parameter.value);
}

/** What is asked of the lab’s server. Only parameters that differ from the notebook’s are sent. */
export interface IAsked {
  path: string;
  inputs: string[];
  parameters: Record<string, unknown>;
  history: string;
  name: string;
  flavor?: string;
  cpus?: number;
  memory?: string;
  gpus?: number;
  time_limit?: number;
  network?: string;
}

/** The fields as a request. Throws an Error that says which field is wrong and what it needs. */
export function asked(known: IKnown, fields: IFields, trans: TranslationBundle): IAsked {
  const { path, proposal } = known;
  const can = (option: string) => proposal.takes.includes(option);
  const history = fields.history === NEW_HISTORY ? fields.newHistory.trim() : fields.history;
  if (history === '') {
    throw new Error(trans.__('Give the new history a name.'));
  }
  return {
    path,
    history,
    inputs: [...fields.inputs, ...lines(fields.more)],
    parameters: changed(proposal.parameters, fields.parameters, trans),
    name: can('name') ? fields.name.trim() : '',
    ...(can('flavor') ? { flavor: fields.flavor } : amounts(fields, trans)),
    ...(fields.limit.trim() && {
      time_limit: 60 * positive(fields.limit, trans.__('Time limit'), trans)
    }),
    ...(can('network') && fields.network && { network: fields.network })
  };
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
}

function amounts(fields: IFields, trans: TranslationBundle): Partial<IAsked> {
  return {
    ...(fields.cpus.trim() && { cpus: positive(fields.cpus, trans.__('CPUs'), trans) }),
    ...(fields.memory.trim() && { memory: fields.memory.trim() }),
    ...(fields.gpus.trim() && { gpus: positive(fields.gpus, trans.__('GPUs'), trans) })
  };
}

function positive(text: string, field: string, trans: TranslationBundle): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) {
    throw new Error(trans.__('%1 must be a number above zero.', field));
  }
  return value;
}

function changed(
  parameters: IParameter[],
  texts: Readonly<Record<string, string>>,
  trans: TranslationBundle
): Record<string, unknown> {
  const differing = parameters.filter(one => texts[one.name] !== written(one));
  return Object.fromEntries(
    differing.map(one => [one.name, valueOf(one, texts[one.name] ?? '', trans)])
  );
}

function valueOf(parameter: IParameter, text: string, trans: TranslationBundle): unknown {
  const { name, kind } = parameter;
  if (kind === 'text') {
    return text;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (kind === 'integer' && !Number.isInteger(value)) {
    throw new Error(trans.__('%1 must be a whole number.', name));
  }
  if (kind === 'number' && typeof value !== 'number') {
    throw new Error(trans.__('%1 must be a number, as 0.01 or 1e-3.', name));
  }
  if (value === undefined) {
    throw new Error(trans.__('%1 must be written as JSON, as [1, 2] or "text".', name));
  }
  return value;
}
