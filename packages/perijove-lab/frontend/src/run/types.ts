/** What the lab’s server found out about a notebook or script, before it is sent. */
export interface IProposal {
  name: string;
  parameters: IParameter[];
  inputs: IInput[];
  /** The id of the history to choose; null where the server does not say. */
  history: string | null;
  perijove: boolean;
  /** What the tool of this server can be told. */
  takes: string[];
  /** Why the server of histories could not be asked; empty where it could. */
  problem: string;
}

export interface IParameter {
  name: string;
  value: unknown;
  kind: 'boolean' | 'integer' | 'number' | 'text' | 'json';
}

export interface IInput {
  path: string;
  size: number;
  folder: boolean;
  files: number;
  written: boolean;
  sent: boolean;
}

export interface IHistory {
  id: string;
  name: string;
}

export interface IFlavorOffer {
  flavor: { name: string; title: string; cpus: number; memory: number; gpus: number };
  fits_now: boolean;
}

export interface IMachine {
  free: { cpus: number; memory: number; gpus: number };
  total: { cpus: number; memory: number; gpus: number };
  waiting_jobs: number;
}

/** All that the dialog needs to know before it can be shown. */
export interface IKnown {
  path: string;
  proposal: IProposal;
  histories: IHistory[];
  flavors: IFlavorOffer[];
  machine: IMachine | null;
}
